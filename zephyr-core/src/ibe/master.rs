//! A PKG's secret of one round, its public key with proof, and the round's public key.

use core::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto::hash::{Label, kdf};
use crate::crypto::hedge::Hedge;
use crate::crypto::pairing::{
    G1_SIZE, G2_SIZE, Pairing, Point, SCALAR_SIZE, Scalar, g1_bytes, g2_bytes,
};
use crate::ids::{NetworkId, Round, ServerId};

use super::share::KeyShare;
use crate::identity::{Address, Identity, IdentityPoints};

/// Length in bytes of a proof of knowledge: challenge 32 ‖ response 32.
pub const PROOF_SIZE: usize = 2 * SCALAR_SIZE;
/// Length in bytes of a PKG's public round key: P1 48 ‖ P2 96 ‖ proof 64.
pub const PKG_KEY_SIZE: usize = G1_SIZE + G2_SIZE + PROOF_SIZE;

/// What a proof is bound to, so that it can't be borrowed.
#[derive(Clone, Copy)]
struct ProofContext<'a> {
    network: &'a NetworkId,
    round: Round,
    pkg: &'a ServerId,
}

/// A PKG's secret `s` of one round. Dropping it erases it.
pub struct MasterSecret<P: Pairing> {
    s: P::Scalar,
}

impl<P: Pairing> MasterSecret<P> {
    /// Draws a secret, not 0.
    pub fn generate(rng: &mut impl CryptoRng, hedge: &mut Hedge) -> Self {
        Self { s: nonzero_scalar::<P>(rng, hedge, b"pkg round secret") }
    }

    /// The public key with its proof of knowledge (Chaum-Pedersen over both groups, made non-interactive by
    /// Fiat-Shamir), for `pkg` in `round`.
    pub fn public_key(
        &self,
        network: &NetworkId,
        round: Round,
        pkg: &ServerId,
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> [u8; PKG_KEY_SIZE] {
        let context = ProofContext { network, round, pkg };
        let p1 = P::G1::generator().mul(&self.s);
        let p2 = P::G2::generator().mul(&self.s);
        let mut k = nonzero_scalar::<P>(rng, hedge, b"pkg proof commitment");
        let t1 = P::G1::generator().mul(&k);
        let t2 = P::G2::generator().mul(&k);
        let c = challenge::<P>(context, (&p1, &p2), (&t1, &t2));
        let z = self.s.mul_add(&c, &k);
        k.zeroize();

        let mut out = [0; PKG_KEY_SIZE];
        let (points, proof) = out.split_at_mut(G1_SIZE + G2_SIZE);
        p1.encode(&mut points[..G1_SIZE]);
        p2.encode(&mut points[G1_SIZE..]);
        proof[..SCALAR_SIZE].copy_from_slice(&c.to_bytes());
        proof[SCALAR_SIZE..].copy_from_slice(&z.to_bytes());
        out
    }

    /// The share of `address`'s private key in this round: `s·Q1`, `s·Q2`.
    pub fn extract(&self, network: &NetworkId, address: &Address) -> KeyShare<P> {
        self.extract_from(&IdentityPoints::new(network, address))
    }

    /// The same of an address whose points are known.
    pub fn extract_from(&self, points: &IdentityPoints<P>) -> KeyShare<P> {
        KeyShare { d1: points.q1.mul(&self.s), d2: points.q2.mul(&self.s) }
    }
}

impl<P: Pairing> Drop for MasterSecret<P> {
    fn drop(&mut self) {
        self.s.zeroize();
    }
}

impl<P: Pairing> fmt::Debug for MasterSecret<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterSecret(…)")
    }
}

fn nonzero_scalar<P: Pairing>(
    rng: &mut impl CryptoRng,
    hedge: &mut Hedge,
    purpose: &[u8],
) -> P::Scalar {
    loop {
        let scalar = P::Scalar::from_wide(&hedge.draw::<64>(rng, &[purpose]));
        if !scalar.is_zero() {
            return scalar;
        }
    }
}

fn challenge<P: Pairing>(
    context: ProofContext<'_>,
    key: (&P::G1, &P::G2),
    commitment: (&P::G1, &P::G2),
) -> P::Scalar {
    let wide = kdf::<64>(
        Label::PKG_PROOF,
        &[],
        &[
            context.network.as_bytes(),
            &context.round.0.to_be_bytes(),
            context.pkg.as_bytes(),
            &g1_bytes(key.0),
            &g2_bytes(key.1),
            &g1_bytes(commitment.0),
            &g2_bytes(commitment.1),
        ],
    );
    P::Scalar::from_wide(&wide)
}

/// Why a PKG's round key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PkgKeyError {
    /// A point is badly encoded, off the curve, outside the subgroup, or infinity.
    Point,
    /// The proof of knowledge does not hold for this key, PKG, round and network.
    Proof,
}

impl fmt::Display for PkgKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Point => "the PKG's round key is not a valid pair of points",
            Self::Proof => "the PKG's round key has no valid proof of knowledge",
        })
    }
}

impl core::error::Error for PkgKeyError {}

/// One PKG's public key of a round, checked.
#[derive(Clone)]
pub struct PkgKey<P: Pairing> {
    p1: P::G1,
    p2: P::G2,
}

impl<P: Pairing> PkgKey<P> {
    /// Decodes a key and verifies its proof: what every mixer does before it signs a directory.
    ///
    /// # Errors
    /// See [`PkgKeyError`].
    pub fn verify(
        bytes: &[u8; PKG_KEY_SIZE],
        network: &NetworkId,
        round: Round,
        pkg: &ServerId,
    ) -> Result<Self, PkgKeyError> {
        let key = Self::decode(bytes)?;
        let scalar = |from: usize| {
            let bytes = bytes[from..from + SCALAR_SIZE].try_into().expect("a scalar's length");
            P::Scalar::from_bytes(bytes).ok_or(PkgKeyError::Proof)
        };
        let c = scalar(G1_SIZE + G2_SIZE)?;
        let z = scalar(G1_SIZE + G2_SIZE + SCALAR_SIZE)?;
        // T = z·G - c·P in both groups.
        let t1 = P::G1::generator().mul(&z).add(&key.p1.mul(&c).neg());
        let t2 = P::G2::generator().mul(&z).add(&key.p2.mul(&c).neg());
        let context = ProofContext { network, round, pkg };
        let expected = challenge::<P>(context, (&key.p1, &key.p2), (&t1, &t2));
        if bool::from(expected.to_bytes().ct_eq(&c.to_bytes())) {
            Ok(key)
        } else {
            Err(PkgKeyError::Proof)
        }
    }

    /// Decodes a key without looking at its proof. For a client that relies on the signatures of the
    /// directory's mixers, each of which has verified it: enough while one mixer is honest.
    ///
    /// # Errors
    /// [`PkgKeyError::Point`].
    pub fn decode(bytes: &[u8; PKG_KEY_SIZE]) -> Result<Self, PkgKeyError> {
        let p1 = P::G1::decode(&bytes[..G1_SIZE]).ok_or(PkgKeyError::Point)?;
        let p2 = P::G2::decode(&bytes[G1_SIZE..G1_SIZE + G2_SIZE]).ok_or(PkgKeyError::Point)?;
        if p1.is_identity() || p2.is_identity() {
            return Err(PkgKeyError::Point);
        }
        Ok(Self { p1, p2 })
    }

    /// Whether `share` is this PKG's share for `identity`: names the culprit when the sum of all shares fails.
    pub fn issued(&self, share: &KeyShare<P>, identity: &Identity<P>) -> bool {
        share_matches::<P>(&self.p1, &self.p2, share, identity)
    }
}

/// `e(d1, G2) = e(Q1, P2)` and `e(G1, d2) = e(P1, Q2)`.
fn share_matches<P: Pairing>(
    p1: &P::G1,
    p2: &P::G2,
    share: &KeyShare<P>,
    identity: &Identity<P>,
) -> bool {
    P::pairings_equal((&share.d1, &P::G2::generator()), (identity.q1(), p2))
        && P::pairings_equal((&P::G1::generator(), &share.d2), (p1, identity.q2()))
}

/// The public key of a round: the sum of all PKGs' keys.
#[derive(Clone)]
pub struct RoundKey<P: Pairing> {
    pub(crate) p1: P::G1,
    pub(crate) p2: P::G2,
}

impl<P: Pairing> RoundKey<P> {
    /// Sums the keys of all PKGs of the manifest.
    ///
    /// # Errors
    /// [`PkgKeyError::Point`] if there is no key, or a partial sum is infinity.
    pub fn sum(keys: impl IntoIterator<Item = PkgKey<P>>) -> Result<Self, PkgKeyError> {
        let mut keys = keys.into_iter();
        let PkgKey { p1, p2 } = keys.next().ok_or(PkgKeyError::Point)?;
        keys.try_fold(Self { p1, p2 }, |sum, key| sum.plus(key))
    }

    /// The sum with one more key.
    ///
    /// # Errors
    /// [`PkgKeyError::Point`] if it is infinity.
    pub fn plus(&self, key: PkgKey<P>) -> Result<Self, PkgKeyError> {
        let sum = Self { p1: self.p1.add(&key.p1), p2: self.p2.add(&key.p2) };
        if sum.p1.is_identity() || sum.p2.is_identity() {
            return Err(PkgKeyError::Point);
        }
        Ok(sum)
    }
}
