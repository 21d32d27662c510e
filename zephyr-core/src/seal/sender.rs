//! Who sent it: the key that sender and recipient share without having exchanged anything
//! (Sakai-Ohgishi-Kasahara), the tags by which contacts find their messages, and the authenticator.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::crypto::hash::{Label, kdf, prf};
use crate::crypto::pairing::{GtBytes, Pairing};
use crate::crypto::secretbox::tags_equal;
use crate::ibe::PrivateKey;
use crate::identity::{Address, Identity};
use crate::ids::{DirectoryHash, NetworkId};

/// Length in bytes of a contact tag.
pub const TAG_SIZE: usize = 16;

/// A contact tag: tells the recipient at a glance from whom a message is, and looks random to everyone else.
pub type Tag = [u8; TAG_SIZE];

/// The key `k_AB` of one direction between two people in one round.
///
/// Only the two of them and all PKGs together know it, so it convinces the other and nobody else.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SenderKey([u8; 32]);

impl SenderKey {
    /// The key under which `sender`, whose round key this is, writes to `recipient` (one pairing).
    pub fn to<P: Pairing>(sender: &Address, key: &PrivateKey<P>, recipient: &Identity<P>) -> Self {
        P::pair_then(key.d1(), recipient.q2_prepared(), |gt| {
            Self::derive(gt, sender, recipient.address())
        })
    }

    /// The key under which `recipient`, whose round key this is, gets messages of `sender` (one pairing).
    pub fn from<P: Pairing>(
        sender: &Identity<P>,
        recipient: &Address,
        key: &PrivateKey<P>,
    ) -> Self {
        P::pair_then(sender.q1(), key.d2(), |gt| Self::derive(gt, sender.address(), recipient))
    }

    /// The same of a `sender` whose points aren't kept: one hash to G1 more.
    pub(super) fn from_address<P: Pairing>(
        network: &NetworkId,
        sender: &Address,
        recipient: &Address,
        key: &PrivateKey<P>,
    ) -> Self {
        let q1 = Identity::<P>::hash_g1(network, sender);
        P::pair_then(&q1, key.d2(), |gt| Self::derive(gt, sender, recipient))
    }

    fn derive(pairing: &GtBytes, sender: &Address, recipient: &Address) -> Self {
        let key =
            kdf(Label::SENDER_KEY, pairing.as_ref(), &[sender.as_bytes(), recipient.as_bytes()]);
        Self(*key)
    }

    /// The tag of the message in slot `slot` of the round.
    pub fn tag(&self, directory: &DirectoryHash, slot: u16) -> Tag {
        truncate(&prf(&self.0, Label::TAG, &[directory.as_bytes(), &slot.to_be_bytes()]))
    }

    /// The authenticator over the rest of a sealed message, `U ‖ V ‖ box`.
    pub(super) fn mac(&self, directory: &DirectoryHash, slot: u16, rest: &[u8]) -> [u8; 16] {
        truncate(&prf(
            &self.0,
            Label::SENDER_MAC,
            &[directory.as_bytes(), &slot.to_be_bytes(), rest],
        ))
    }

    pub(super) fn verify(
        &self,
        directory: &DirectoryHash,
        slot: u16,
        rest: &[u8],
        mac: &[u8],
    ) -> bool {
        tags_equal(&Zeroizing::new(self.mac(directory, slot, rest)), mac)
    }
}

fn truncate(digest: &[u8; 32]) -> [u8; 16] {
    *digest.first_chunk().expect("a digest has 32 bytes")
}

impl fmt::Debug for SenderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SenderKey(…)")
    }
}
