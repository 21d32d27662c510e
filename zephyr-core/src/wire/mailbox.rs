//! Client and mailbox server.
//!
//! A download is answered with many frames: `Start`, then for each delivering mixer `List` and behind it each of
//! its messages as one raw frame of the network's sealed length, and `End`.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::Bytes;
use crate::ids::{Mailbox, MixerIndex, Round};
use crate::mailbox::LIST_SIGNATURE_SIZE;

/// What clients ask a mailbox server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailboxRequest {
    /// A whole mailbox of a round.
    Download {
        /// The round.
        round: Round,
        /// The mailbox.
        mailbox: Mailbox,
    },
}

/// What a mailbox server answers, but for the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailboxReply {
    /// The mailbox follows.
    Start {
        /// By how many mixers.
        lists: u16,
        /// How many messages in all.
        messages: u32,
    },
    /// The messages that one mixer delivered follow, each in a frame of its own.
    List {
        /// The mixer.
        mixer: MixerIndex,
        /// How many messages.
        messages: u32,
        /// Its signature under the list.
        signature: Bytes<LIST_SIGNATURE_SIZE>,
    },
    /// That was all.
    End,
    /// The mailbox can't be had.
    Refused(DownloadRefusal),
}

/// Why a mailbox can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DownloadRefusal {
    /// The mixers have not delivered yet: ask again.
    NotYet,
    /// The round is void, over, or not known here.
    Gone,
    /// The mailbox is kept on another server.
    NotHere,
    /// The server can't read its database.
    Unavailable,
}

impl fmt::Display for DownloadRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotYet => "the round's messages are not delivered yet",
            Self::Gone => "the mailbox server has nothing of this round",
            Self::NotHere => "the mailbox is kept on another server",
            Self::Unavailable => "the mailbox server can't read its database",
        })
    }
}
