//! What servers say to each other, besides the records on the [board](super::board).

use serde::{Deserialize, Serialize};
use zephyr_core::wire::{Bytes, DownloadRefusal};
use zephyr_core::{DirectoryHash, LIST_SIGNATURE_SIZE, Mailbox, MixerIndex, Round, SIGNATURE_SIZE};

/// A call from one server to another, as canonical postcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerRequest<'a> {
    /// The coordinator asks a mixer whether it is willing to sign a round's directory.
    Propose {
        /// The directory's body.
        body: &'a [u8],
        /// The coordinator's own signature, when all are willing: then the mixer is to sign.
        signature: Option<Bytes<SIGNATURE_SIZE>>,
    },
    /// A mixer gives a round up.
    Void {
        /// The round.
        round: Round,
        /// The index of a mixer whose batch did not come in time, if that is why.
        missing: Option<u16>,
    },
    /// A mixer asks a mailbox server what another one has delivered; answered by [`DeliveredReply`].
    Delivered {
        /// The round.
        round: Round,
        /// The mailbox.
        mailbox: Mailbox,
        /// Who has delivered.
        mixer: MixerIndex,
        /// The number of the first message wanted.
        from: u32,
    },
}

/// The most hashes in one [`DeliveredReply`].
pub const MAX_HASHES: usize = 2048;

/// A part of what a mixer has delivered to a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveredReply<'a> {
    /// Here it is.
    Page {
        /// How many messages the mixer has delivered to the mailbox.
        messages: u32,
        /// The mixer's signature under the list of them all.
        signature: Bytes<LIST_SIGNATURE_SIZE>,
        /// The SHA-256 of each message from the wanted one on, at most [`MAX_HASHES`].
        hashes: &'a [u8],
    },
    /// The mailbox can't be had.
    Refused(DownloadRefusal),
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerReply {
    /// The mixer is willing to sign the directory, or has signed it.
    Willing,
    /// It was noted.
    Noted,
    /// The mixer does not sign the directory.
    Refused(ProposalRefusal),
}

/// Why a mixer does not sign a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ProposalRefusal {
    /// It is malformed, or one of its keys, proofs or times is not valid.
    Invalid,
    /// It does not contain this mixer, or not with the key that it announced.
    NotMyKey,
    /// The round is not open.
    NotOpen,
    /// Another directory has been signed for this round or a later one.
    SignedAnother,
    /// The signature could not be persisted.
    Unavailable,
    /// Only mixers may propose and give up, and only mixers sign.
    NotAllowed,
    /// The duty to propose has not come to the caller.
    NotYourTurn,
    /// The mixer is willing to sign the proposal of another that comes first in the order of duty.
    Promised,
}

/// The header of a batch, as canonical postcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BatchHeader {
    /// Packets for a mix phase.
    Mix {
        /// The round.
        round: Round,
        /// Its directory.
        directory: Bytes<32>,
        /// The phase in which the receiver works on them.
        phase: u8,
    },
    /// What a mixer delivers to the mailboxes of one mailbox server.
    Deliver {
        /// The round.
        round: Round,
        /// Its directory.
        directory: Bytes<32>,
    },
}

impl BatchHeader {
    /// The header of packets for `phase`.
    pub fn mix(round: Round, directory: &DirectoryHash, phase: usize) -> Self {
        Self::Mix { round, directory: Bytes(*directory.as_bytes()), phase: phase as u8 }
    }

    /// The header of a delivery.
    pub fn deliver(round: Round, directory: &DirectoryHash) -> Self {
        Self::Deliver { round, directory: Bytes(*directory.as_bytes()) }
    }

    /// Encodes the header.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }
}

/// Encodes a message of this module.
pub fn encode(message: &impl Serialize) -> Vec<u8> {
    // A directory, or a page of hashes, is the longest that any of them contains.
    const LONGEST: usize = max(zephyr_core::MAX_DIRECTORY, 32 * MAX_HASHES) + 256;
    let mut buffer = vec![0; LONGEST];
    let len = zephyr_core::wire::encode(message, &mut buffer).expect("room for the longest").len();
    buffer.truncate(len);
    buffer
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_were() {
        let body = [7; 300];
        let request = PeerRequest::Propose { body: &body, signature: Some(Bytes([5; 64])) };
        assert_eq!(zephyr_core::wire::decode(&encode(&request)), Ok(request));
        let hashes = [7; 32 * MAX_HASHES];
        let page = DeliveredReply::Page {
            messages: u32::MAX,
            signature: Bytes([1; 128]),
            hashes: &hashes,
        };
        assert_eq!(zephyr_core::wire::decode(&encode(&page)), Ok(page));
        let header = BatchHeader::mix(Round(9), &DirectoryHash::from_bytes([1; 32]), 2);
        assert_eq!(zephyr_core::wire::decode(&header.to_bytes()), Ok(header));
    }
}
