//! Client and mixer.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::Round;

/// The longest submission token in bytes.
pub const MAX_TOKEN: usize = 192;

/// What clients ask the mixer at which a packet's route begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MixerRequest<'a> {
    /// Take a packet into the round's batch. Sending the same packet again is harmless.
    Submit {
        /// The round.
        round: Round,
        /// 0 to 192 bytes, empty for now: room for blind tokens.
        token: &'a [u8],
        /// The packet.
        packet: &'a [u8],
    },
}

/// What a mixer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MixerReply {
    /// The packet is in the batch.
    Accepted,
    /// It is not.
    Refused(SubmitRefusal),
}

/// Why a packet is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SubmitRefusal {
    /// The round does not take packets yet.
    NotYet,
    /// The round takes no more packets.
    Closed,
    /// Packets of this round do not begin their route here, or the round is not known here.
    NotHere,
    /// The packet does not have the network's packet length, or its token is too long.
    Length,
    /// The batch is full.
    Full,
}

impl fmt::Display for SubmitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotYet => "the round does not take packets yet: check the clock",
            Self::Closed => "the round takes no more packets: check the clock",
            Self::NotHere => "the mixer takes no packets from clients in this round",
            Self::Length => "the packet has the wrong length for this network",
            Self::Full => "the mixer's batch is full",
        })
    }
}
