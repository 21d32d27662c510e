//! What servers say to each other, besides the records on the [board](super::board).

use serde::{Deserialize, Serialize};
use zephyr_core::{DirectoryHash, Round, SIGNATURE_SIZE, wire::Bytes};

/// A call from one server to another, as canonical postcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerRequest<'a> {
    /// The coordinator asks a mixer to sign a round's directory.
    Propose {
        /// The directory's body.
        body: &'a [u8],
    },
    /// A mixer gives a round up.
    Void {
        /// The round.
        round: Round,
    },
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerReply {
    /// The mixer's signature under the directory.
    Signed(Bytes<SIGNATURE_SIZE>),
    /// It was noted.
    Noted,
    /// The directory is not signed.
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
    // A directory is the longest that any of them contains.
    let mut buffer = vec![0; zephyr_core::MAX_DIRECTORY + 64];
    let len = zephyr_core::wire::encode(message, &mut buffer).expect("room for a directory").len();
    buffer.truncate(len);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_were() {
        let body = [7; 300];
        let request = PeerRequest::Propose { body: &body };
        assert_eq!(zephyr_core::wire::decode(&encode(&request)), Ok(request));
        let header = BatchHeader::mix(Round(9), &DirectoryHash::from_bytes([1; 32]), 2);
        assert_eq!(zephyr_core::wire::decode(&header.to_bytes()), Ok(header));
    }
}
