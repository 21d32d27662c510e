//! What the protocol asks of BLS12-381; backends implement it with the same bytes.

use zeroize::{Zeroize, Zeroizing};

/// Length in bytes of an encoded scalar.
pub const SCALAR_SIZE: usize = 32;
/// Length in bytes of a compressed point of G1.
pub const G1_SIZE: usize = 48;
/// Length in bytes of a compressed point of G2.
pub const G2_SIZE: usize = 96;
/// Length in bytes of a hashed element of the target group.
pub const GT_SIZE: usize = 576;

/// An element of the target group as it is hashed: the twelve coefficients in Fp, 48 bytes big-endian each,
/// in the order c0.c0.c0, c0.c0.c1, c0.c1.c0, … c1.c2.c1.
pub type GtBytes = Zeroizing<[u8; GT_SIZE]>;

/// An integer modulo the group order q.
pub trait Scalar: Clone + Zeroize {
    /// Reduces 64 bytes, read big-endian, modulo q.
    fn from_wide(bytes: &[u8; 64]) -> Self;
    /// Decodes 32 bytes big-endian; `None` if the value is not below q.
    fn from_bytes(bytes: &[u8; SCALAR_SIZE]) -> Option<Self>;
    /// Encodes as 32 bytes big-endian.
    fn to_bytes(&self) -> [u8; SCALAR_SIZE];
    /// `self · factor + summand`.
    fn mul_add(&self, factor: &Self, summand: &Self) -> Self;
    /// Whether the value is 0.
    fn is_zero(&self) -> bool;
}

/// A point of G1 or G2, in the subgroup of order q unless it came from [`Point::decode_unchecked`].
///
/// Encodings are the compressed ones of zcash and the IETF: three flag bits, then x big-endian (for G2 c1
/// before c0); only canonical encodings decode.
pub trait Point<S>: Clone + PartialEq + Zeroize {
    /// Length in bytes of the compressed encoding.
    const SIZE: usize;
    /// The group's generator.
    fn generator() -> Self;
    /// Hashes to the group: RFC 9380, `BLS12381G1_XMD:SHA-256_SSWU_RO_` or its twin for G2.
    fn hash(dst: &[u8], message: &[u8]) -> Self;
    /// Decodes a point of the subgroup, infinity included; `None` for anything else.
    fn decode(bytes: &[u8]) -> Option<Self>;
    /// Decodes a point of the curve without asking for the subgroup.
    fn decode_unchecked(bytes: &[u8]) -> Option<Self>;
    /// Writes the compressed encoding; `out` is [`Point::SIZE`] long.
    fn encode(&self, out: &mut [u8]);
    /// `scalar · self`, in constant time.
    fn mul(&self, scalar: &S) -> Self;
    /// `self + other`.
    fn add(&self, other: &Self) -> Self;
    /// `-self`.
    fn neg(&self) -> Self;
    /// Whether this is the point at infinity.
    fn is_identity(&self) -> bool;
}

/// A backend for BLS12-381.
pub trait Pairing: Sized + 'static {
    /// Integers modulo the group order.
    type Scalar: Scalar;
    /// Points of G1.
    type G1: Point<Self::Scalar>;
    /// Points of G2.
    type G2: Point<Self::Scalar>;
    /// A point of G2 made ready for many pairings.
    type Prepared: Clone + Zeroize;

    /// Whether [`Pairing::pairings_equal`] is quicker than two pairings. If not, long computations that compare
    /// pairings take one of them a step.
    const JOINS_PAIRINGS: bool = false;

    /// Makes `q` ready for [`Pairing::pair`].
    fn prepare(q: &Self::G2) -> Self::Prepared;
    /// The point that was made ready.
    fn point(q: &Self::Prepared) -> &Self::G2;
    /// `e(p, q)`.
    fn pair(p: &Self::G1, q: &Self::Prepared) -> GtBytes;
    /// What `then` makes of `e(p, q)`: on less stack than with [`Pairing::pair`], where that matters.
    fn pair_then<T>(p: &Self::G1, q: &Self::Prepared, then: impl FnOnce(&GtBytes) -> T) -> T {
        then(&Self::pair(p, q))
    }
    /// Whether `e(a.0, a.1) = e(b.0, b.1)`.
    fn pairings_equal(a: (&Self::G1, &Self::G2), b: (&Self::G1, &Self::G2)) -> bool {
        *Self::pair(a.0, &Self::prepare(a.1)) == *Self::pair(b.0, &Self::prepare(b.1))
    }
}

/// The compressed encoding of a point of G1.
pub(crate) fn g1_bytes<S>(p: &impl Point<S>) -> [u8; G1_SIZE] {
    let mut out = [0; G1_SIZE];
    p.encode(&mut out);
    out
}

/// The compressed encoding of a point of G2.
pub(crate) fn g2_bytes<S>(p: &impl Point<S>) -> [u8; G2_SIZE] {
    let mut out = [0; G2_SIZE];
    p.encode(&mut out);
    out
}
