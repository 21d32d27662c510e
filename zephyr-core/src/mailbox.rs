//! What mixers deliver: the signed list by which a mailbox server can't show different mailboxes to different
//! clients.

use sha2::{Digest, Sha256};

use crate::crypto::hash::{Label, hash};
use crate::crypto::suite::{SIGNATURE_SIZE, Signature, Suite};
use crate::ids::{DirectoryHash, Mailbox, MixerIndex, ServerId};

/// The digest of a sealed message in a [`DeliveryList`]: its SHA-256.
pub fn message_digest(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// What one mixer delivered to one mailbox in a round: the count and the hash of its messages' hashes, in order.
///
/// Filled message by message, so that nobody needs the whole mailbox at once.
#[derive(Clone, Default)]
pub struct DeliveryList {
    hashes: Sha256,
    count: u32,
}

impl DeliveryList {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a sealed message.
    pub fn push(&mut self, message: &[u8]) {
        self.push_digest(&message_digest(message));
    }

    /// Appends a sealed message of which only the [digest](message_digest) is known: for those who check a list
    /// without reading the mailbox.
    pub fn push_digest(&mut self, digest: &[u8; 32]) {
        self.hashes.update(digest);
        self.count += 1;
    }

    /// How many messages there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The delivering mixer's signature under the list.
    pub fn sign<S: Suite>(
        &self,
        seed: &[u8; 32],
        directory: &DirectoryHash,
        mixer: MixerIndex,
        mailbox: Mailbox,
    ) -> [u8; SIGNATURE_SIZE] {
        S::Signature::sign(seed, &self.digest(directory, mixer, mailbox))
    }

    /// Whether `signature` is that of `mixer`, whose identity is `server`, under the list.
    pub fn verify<S: Suite>(
        &self,
        server: &ServerId,
        directory: &DirectoryHash,
        mixer: MixerIndex,
        mailbox: Mailbox,
        signature: &[u8; SIGNATURE_SIZE],
    ) -> bool {
        let digest = self.digest(directory, mixer, mailbox);
        S::Signature::verify(server.as_bytes(), &digest, signature)
    }

    fn digest(&self, directory: &DirectoryHash, mixer: MixerIndex, mailbox: Mailbox) -> [u8; 32] {
        hash(
            Label::DELIVERY,
            &[
                directory.as_bytes(),
                &mixer.0.to_be_bytes(),
                &mailbox.0.to_be_bytes(),
                &self.count.to_be_bytes(),
                &self.hashes.clone().finalize(),
            ],
        )
    }
}
