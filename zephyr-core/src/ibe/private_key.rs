//! A client's private key of one round.

use core::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::crypto::pairing::{Pairing, Point};
use crate::identity::Identity;

use super::master::RoundKey;
use super::share::KeyShare;

/// The summed shares are not the private key of the identity in the round: at least one PKG gave a wrong share.
/// [`PkgKey::issued`](super::PkgKey::issued) tells which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractError;

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PKG gave a wrong share of the round's private key")
    }
}

impl core::error::Error for ExtractError {}

/// The private key of an identity in one round, checked. Dropping it erases it.
pub struct PrivateKey<P: Pairing> {
    d1: P::G1,
    d2: P::Prepared,
}

impl<P: Pairing> PrivateKey<P> {
    /// Takes the sum of all PKGs' shares and checks it against the round's public key (four pairings).
    ///
    /// # Errors
    /// [`ExtractError`] if the sum is not `identity`'s key.
    pub fn from_sum(
        sum: KeyShare<P>,
        identity: &Identity<P>,
        round_key: &RoundKey<P>,
    ) -> Result<Self, ExtractError> {
        let mut check = KeyCheck::new(sum);
        loop {
            if let Some(result) = check.step(identity, round_key) {
                return result;
            }
        }
    }

    pub(crate) fn d1(&self) -> &P::G1 {
        &self.d1
    }

    pub(crate) fn d2(&self) -> &P::Prepared {
        &self.d2
    }
}

/// The check of a sum of shares, in steps: `e(d1, G2) = e(Q1, P2)`, then `e(G1, d2) = e(P1, Q2)`.
pub(crate) struct KeyCheck<P: Pairing> {
    sum: KeyShare<P>,
    /// How many of the four pairings are done.
    done: usize,
    /// The hash of the pairing before: an equation's left side, when its right side comes.
    last: [u8; 32],
}

impl<P: Pairing> KeyCheck<P> {
    pub(crate) fn new(sum: KeyShare<P>) -> Self {
        Self { sum, done: 0, last: [0; 32] }
    }

    /// Does a step: one pairing, or the two of an equation where the backend joins them. `None` while more are to
    /// come; not to be called again after a result.
    pub(crate) fn step(
        &mut self,
        identity: &Identity<P>,
        round_key: &RoundKey<P>,
    ) -> Option<Result<PrivateKey<P>, ExtractError>> {
        let (d1, d2) = (&self.sum.d1, &self.sum.d2);
        let RoundKey { p1, p2 } = round_key;
        let (g1, g2) = (P::G1::generator(), P::G2::generator());
        let sides = [(d1, &g2), (identity.q1(), p2), (&g1, d2), (p1, identity.q2())];
        let holds = if d1.is_identity() {
            false
        } else if P::JOINS_PAIRINGS {
            self.done += 2;
            P::pairings_equal(sides[self.done - 2], sides[self.done - 1])
        } else {
            let (p, q) = sides[self.done];
            // Of a right key these are public.
            let gt: [u8; 32] = Sha256::digest(P::pair(p, &P::prepare(q)).as_ref()).into();
            self.done += 1;
            let last = core::mem::replace(&mut self.last, gt);
            self.done % 2 == 1 || gt == last
        };
        if !holds {
            return Some(Err(ExtractError));
        }
        (self.done == sides.len()).then(|| Ok(PrivateKey { d1: d1.clone(), d2: P::prepare(d2) }))
    }
}

impl<P: Pairing> Drop for PrivateKey<P> {
    fn drop(&mut self) {
        self.d1.zeroize();
        self.d2.zeroize();
    }
}

impl<P: Pairing> fmt::Debug for PrivateKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}
