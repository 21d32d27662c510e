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
            if let Some(right) = check.step(identity, round_key) {
                return if right { Ok(check.key()) } else { Err(ExtractError) };
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

    /// Does a step: one pairing, or the two of an equation where the backend joins them. Whether the sum is right, once
    /// that is known; not to be called again then.
    pub(crate) fn step(&mut self, identity: &Identity<P>, round_key: &RoundKey<P>) -> Option<bool> {
        let holds = if self.sum.d1.is_identity() {
            false
        } else if P::JOINS_PAIRINGS {
            self.done += 2;
            self.equation_holds(identity, round_key)
        } else {
            // Of a right key these are public.
            let gt = self.next_side(identity, round_key);
            self.done += 1;
            let last = core::mem::replace(&mut self.last, gt);
            self.done % 2 == 1 || gt == last
        };
        (!holds || self.done == 4).then_some(holds)
    }

    /// Whether the equation holds of which the last side was done.
    fn equation_holds(&self, identity: &Identity<P>, round_key: &RoundKey<P>) -> bool {
        let (d1, d2) = (&self.sum.d1, &self.sum.d2);
        let RoundKey { p1, p2 } = round_key;
        match self.done {
            2 => P::pairings_equal((d1, &P::G2::generator()), (identity.q1(), p2)),
            _ => P::pairings_equal((&P::G1::generator(), d2), (p1, identity.q2())),
        }
    }

    /// The hash of the pairing that is next.
    #[inline(never)]
    fn next_side(&self, identity: &Identity<P>, round_key: &RoundKey<P>) -> [u8; 32] {
        let g1;
        let (p, q) = match self.done {
            0 => (&self.sum.d1, prepared_generator::<P>()),
            1 => (identity.q1(), P::prepare(&round_key.p2)),
            2 => {
                g1 = P::G1::generator();
                (&g1, P::prepare(&self.sum.d2))
            }
            _ => (&round_key.p1, identity.q2_prepared().clone()),
        };
        P::pair_then(p, &q, |gt| Sha256::digest(gt.as_ref()).into())
    }

    /// The key that the sum was found to be.
    pub(crate) fn key(&self) -> PrivateKey<P> {
        PrivateKey { d1: self.sum.d1.clone(), d2: P::prepare(&self.sum.d2) }
    }
}

#[inline(never)] // the point before it is prepared would lie below the pairing
fn prepared_generator<P: Pairing>() -> P::Prepared {
    P::prepare(&P::G2::generator())
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
