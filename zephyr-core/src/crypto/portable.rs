//! The backend that runs everywhere, over the crate `bls12_381`.

use core::fmt::{self, Write};

use bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use bls12_381::{G1Affine, G1Projective, G2Affine, G2Projective};
use group::Curve;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::pairing::{GT_SIZE, GtBytes, Pairing, Point, SCALAR_SIZE, Scalar};

/// BLS12-381 in portable Rust, without alloc.
///
/// With the feature `alloc`, [`Portable::prepare`](Pairing::prepare) computes the lines of the Miller loop
/// once (20 KB on the heap).
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Scalar for bls12_381::Scalar {
    fn from_wide(bytes: &[u8; 64]) -> Self {
        let mut little = Zeroizing::new(*bytes);
        little.reverse();
        Self::from_bytes_wide(&little)
    }

    fn from_bytes(bytes: &[u8; SCALAR_SIZE]) -> Option<Self> {
        let mut little = Zeroizing::new(*bytes);
        little.reverse();
        Self::from_bytes(&little).into()
    }

    fn to_bytes(&self) -> [u8; SCALAR_SIZE] {
        let mut big = self.to_bytes();
        big.reverse();
        big
    }

    fn mul_add(&self, factor: &Self, summand: &Self) -> Self {
        self * factor + summand
    }

    fn is_zero(&self) -> bool {
        self == &Self::zero()
    }
}

macro_rules! point {
    ($affine:ty, $projective:ty, $size:literal) => {
        impl Point<bls12_381::Scalar> for $affine {
            const SIZE: usize = $size;

            fn generator() -> Self {
                <$affine>::generator()
            }

            fn hash(dst: &[u8], message: &[u8]) -> Self {
                <$projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve([message], dst)
                    .to_affine()
            }

            fn decode(bytes: &[u8]) -> Option<Self> {
                <$affine>::from_compressed(bytes.try_into().ok()?).into()
            }

            #[inline(never)]
            fn decode_unchecked(bytes: &[u8]) -> Option<Self> {
                <$affine>::from_compressed_unchecked(bytes.try_into().ok()?).into()
            }

            fn encode(&self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_compressed());
            }

            fn mul(&self, scalar: &bls12_381::Scalar) -> Self {
                (self * scalar).to_affine()
            }

            fn add(&self, other: &Self) -> Self {
                (<$projective>::from(self) + other).to_affine()
            }

            fn neg(&self) -> Self {
                -self
            }

            fn is_identity(&self) -> bool {
                <$affine>::is_identity(self).into()
            }
        }
    };
}

point!(G1Affine, G1Projective, 48);
point!(G2Affine, G2Projective, 96);

/// A point of G2 with what can be computed ahead of a pairing.
#[derive(Clone)]
pub struct Prepared {
    #[cfg(feature = "alloc")]
    lines: bls12_381::G2Prepared,
    point: G2Affine,
}

impl Zeroize for Prepared {
    fn zeroize(&mut self) {
        // The lines cannot be wiped through their API; replacing them at least frees them.
        #[cfg(feature = "alloc")]
        {
            self.lines = G2Affine::identity().into();
        }
        self.point.zeroize();
    }
}

impl Pairing for Portable {
    type Scalar = bls12_381::Scalar;
    type G1 = G1Affine;
    type G2 = G2Affine;
    type Prepared = Prepared;

    fn prepare(q: &G2Affine) -> Prepared {
        Prepared {
            #[cfg(feature = "alloc")]
            lines: (*q).into(),
            point: *q,
        }
    }

    fn point(q: &Prepared) -> &G2Affine {
        &q.point
    }

    fn pair(p: &G1Affine, q: &Prepared) -> GtBytes {
        Self::pair_then(p, q, GtBytes::clone)
    }

    // Not inlined, and what follows on the pairing is not either: the less stands below it on the stack, the better.
    #[inline(never)]
    fn pair_then<T>(p: &G1Affine, q: &Prepared, then: impl FnOnce(&GtBytes) -> T) -> T {
        #[cfg(feature = "alloc")]
        let mut gt = bls12_381::multi_miller_loop(&[(p, &q.lines)]).final_exponentiation();
        #[cfg(not(feature = "alloc"))]
        let mut gt = bls12_381::pairing(p, &q.point);
        let made = with_digits(&gt, then);
        erase(&mut gt);
        made
    }
}

#[inline(never)]
fn with_digits<T>(gt: &bls12_381::Gt, then: impl FnOnce(&GtBytes) -> T) -> T {
    let mut bytes = Zeroizing::new([0; GT_SIZE]);
    let mut digits = HexDigits { bytes: &mut bytes, taken: 0, left: 0 };
    write!(digits, "{gt}").expect("twelve coefficients of 96 digits");
    assert_eq!(digits.taken, 2 * GT_SIZE, "twelve coefficients of 96 digits");
    then(&bytes)
}

#[inline(never)]
fn erase(gt: &mut bls12_381::Gt) {
    gt.zeroize();
}

/// Collects the 96 digits behind every `0x` in a text: the crate shows the coefficients of an element of the
/// target group only through `Display`, in the order that we hash.
struct HexDigits<'b> {
    bytes: &'b mut [u8; GT_SIZE],
    /// Digits taken so far.
    taken: usize,
    /// Digits that the coefficient being read still has.
    left: usize,
}

impl Write for HexDigits<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.bytes() {
            if c == b'x' {
                self.left = 96;
            } else if self.left > 0 {
                let value = (c as char).to_digit(16).ok_or(fmt::Error)? as u8;
                let byte = self.bytes.get_mut(self.taken / 2).ok_or(fmt::Error)?;
                *byte = *byte << 4 | value;
                self.taken += 1;
                self.left -= 1;
            }
        }
        Ok(())
    }
}
