//! What mixers deliver: the signed list by which a mailbox server can't show different mailboxes to different
//! clients.

use core::ops::Range;

use sha2::{Digest, Sha256};

use crate::crypto::hash::{Label, hash};
use crate::crypto::suite::{SIGNATURE_SIZE, Signature, Suite};
use crate::ids::{DirectoryHash, Mailbox, MixerIndex, ServerId};
use crate::seal::HEAD_SIZE;

/// The digest of a sealed message in a [`DeliveryList`]: its SHA-256.
pub fn message_digest(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// Length in bytes of a mixer's signature under a [`DeliveryList`]: hash of the digests 32 ‖ hash of the heads 32 ‖
/// signature 64.
pub const LIST_SIGNATURE_SIZE: usize = HASHES_SIZE + SIGNATURE_SIZE;
const HASHES_SIZE: usize = 32 + 32;

/// What one mixer delivered to one mailbox in a round: the count of its messages, and two hashes over them, in order:
/// that of their digests, and that of their heads (the first 32 bytes).
///
/// The signature covers both hashes and carries them, so that each reader may compute [one](ListPart) only. Whoever
/// takes messages of contacts only needs no more than the heads: the authenticator in there is over the rest.
///
/// Filled message by message, so that nobody needs the whole mailbox at once.
#[derive(Clone)]
pub struct DeliveryList {
    digests: ListPart,
    heads: ListPart,
}

impl DeliveryList {
    /// An empty list.
    pub fn new() -> Self {
        Self { digests: ListPart::digests(), heads: ListPart::heads() }
    }

    /// Appends a sealed message.
    pub fn push(&mut self, message: &[u8]) {
        self.digests.push(message);
        self.heads.push(message);
    }

    /// How many messages there are.
    pub fn count(&self) -> u32 {
        self.digests.count
    }

    /// The delivering mixer's signature under the list.
    pub fn sign<S: Suite>(
        &self,
        seed: &[u8; 32],
        directory: &DirectoryHash,
        mixer: MixerIndex,
        mailbox: Mailbox,
    ) -> [u8; LIST_SIGNATURE_SIZE] {
        let mut out = [0; LIST_SIGNATURE_SIZE];
        let (hashes, signature) = out.split_at_mut(HASHES_SIZE);
        hashes[Part::Digests.place()].copy_from_slice(&self.digests.hash());
        hashes[Part::Heads.place()].copy_from_slice(&self.heads.hash());
        let digest = signed(directory, mixer, mailbox, self.count(), hashes);
        signature.copy_from_slice(&S::Signature::sign(seed, &digest));
        out
    }

    /// Whether `signature` is that of `mixer`, whose identity is `server`, under the list.
    pub fn verify<S: Suite>(
        &self,
        server: &ServerId,
        directory: &DirectoryHash,
        mixer: MixerIndex,
        mailbox: Mailbox,
        signature: &[u8; LIST_SIGNATURE_SIZE],
    ) -> bool {
        self.heads.is_in(signature)
            && self.digests.verify::<S>(server, directory, mixer, mailbox, signature)
    }
}

impl Default for DeliveryList {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy)]
enum Part {
    Digests,
    Heads,
}

impl Part {
    /// Where the hash stands in the signature.
    fn place(self) -> Range<usize> {
        match self {
            Self::Digests => 0..32,
            Self::Heads => 32..HASHES_SIZE,
        }
    }
}

/// One of the two hashes of a [`DeliveryList`], for those who verify it.
#[derive(Clone)]
pub struct ListPart {
    part: Part,
    hashes: Sha256,
    count: u32,
}

impl ListPart {
    /// An empty list of the messages' digests.
    pub fn digests() -> Self {
        Self { part: Part::Digests, hashes: Sha256::new(), count: 0 }
    }

    /// An empty list of the messages' heads: 32 bytes a message are hashed.
    pub fn heads() -> Self {
        Self { part: Part::Heads, ..Self::digests() }
    }

    /// Appends a sealed message.
    pub fn push(&mut self, message: &[u8]) {
        match self.part {
            Part::Digests => self.hashes.update(message_digest(message)),
            Part::Heads => self.hashes.update(&message[..HEAD_SIZE.min(message.len())]),
        }
        self.count += 1;
    }

    /// Appends a sealed message of which only the [digest](message_digest) or the head, whichever this is a list of, is
    /// known: for those who check a list without reading the mailbox.
    pub fn push_part(&mut self, part: &[u8; 32]) {
        self.hashes.update(part);
        self.count += 1;
    }

    /// How many messages there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether `signature` is that of `mixer`, whose identity is `server`, under a list with this hash.
    pub fn verify<S: Suite>(
        &self,
        server: &ServerId,
        directory: &DirectoryHash,
        mixer: MixerIndex,
        mailbox: Mailbox,
        signature: &[u8; LIST_SIGNATURE_SIZE],
    ) -> bool {
        let (hashes, ed25519) = signature.split_at(HASHES_SIZE);
        let digest = signed(directory, mixer, mailbox, self.count, hashes);
        let ed25519 = ed25519.try_into().expect("64 bytes are left");
        self.is_in(signature) && S::Signature::verify(server.as_bytes(), &digest, ed25519)
    }

    fn is_in(&self, signature: &[u8; LIST_SIGNATURE_SIZE]) -> bool {
        signature[self.part.place()] == self.hash()
    }

    fn hash(&self) -> [u8; 32] {
        self.hashes.clone().finalize().into()
    }
}

/// What is signed.
fn signed(
    directory: &DirectoryHash,
    mixer: MixerIndex,
    mailbox: Mailbox,
    count: u32,
    hashes: &[u8],
) -> [u8; 32] {
    let [mixer, mailbox, count] =
        [&mixer.0.to_be_bytes()[..], &mailbox.0.to_be_bytes(), &count.to_be_bytes()];
    let (digests, heads) = hashes.split_at(32);
    hash(Label::DELIVERY, &[directory.as_bytes(), mixer, mailbox, count, digests, heads])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::portable::Portable;
    use crate::crypto::suite::{Ed25519, Standard};

    const SEED: [u8; 32] = [7; 32];

    #[test]
    fn each_reader_hashes_what_it_needs() {
        type S = Standard<Portable>;
        let directory = DirectoryHash::from_bytes([1; 32]);
        let server = ServerId::from_bytes(Ed25519::public(&SEED));
        let (mixer, mailbox) = (MixerIndex(2), Mailbox(3));
        let messages = [[1; 272], [2; 272]];
        let mut list = DeliveryList::new();
        messages.iter().for_each(|message| list.push(message));
        let signature = list.sign::<S>(&SEED, &directory, mixer, mailbox);
        // Whole, by digests, by heads.
        let good = |messages: &[[u8; 272]], signature: &[u8; LIST_SIGNATURE_SIZE]| {
            let mut whole = DeliveryList::new();
            messages.iter().for_each(|message| whole.push(message));
            let [digests, heads] = [ListPart::digests(), ListPart::heads()].map(|mut part| {
                messages.iter().for_each(|message| part.push(message));
                part.verify::<S>(&server, &directory, mixer, mailbox, signature)
            });
            [whole.verify::<S>(&server, &directory, mixer, mailbox, signature), digests, heads]
        };
        assert_eq!(good(&messages, &signature), [true; 3]);
        let mut altered = messages;
        altered[1][HEAD_SIZE - 1] ^= 1;
        assert_eq!(good(&altered, &signature), [false; 3]);
        let mut altered = messages;
        altered[1][HEAD_SIZE] ^= 1;
        assert_eq!(good(&altered, &signature), [false, false, true], "the authenticator covers it");
        assert_eq!(good(&messages[..1], &signature), [false; 3]);
        for byte in [0, 32, 64] {
            let mut signature = signature;
            signature[byte] ^= 1;
            assert_eq!(good(&messages, &signature), [false; 3]);
        }
    }
}
