//! A client's private key of one round.

use core::fmt;

use zeroize::Zeroize;

use crate::crypto::pairing::{Pairing, Point};
use crate::identity::Identity;

use super::master::{RoundKey, share_matches};
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
        if sum.d1.is_identity() || !share_matches::<P>(&round_key.p1, &round_key.p2, &sum, identity)
        {
            return Err(ExtractError);
        }
        Ok(Self { d1: sum.d1.clone(), d2: P::prepare(&sum.d2) })
    }

    pub(crate) fn d1(&self) -> &P::G1 {
        &self.d1
    }

    pub(crate) fn d2(&self) -> &P::Prepared {
        &self.d2
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
