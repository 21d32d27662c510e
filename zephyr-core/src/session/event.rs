//! What a session asks of its caller, and what it reports.

use core::fmt;

use crate::directory::{DirectoryError, Equivocation, Role};
use crate::identity::Address;
use crate::ids::{DirectoryHash, PkgIndex, Round};
use crate::onion::Route;
use crate::seal::Content;
use crate::wire::{PkgRefusal, SubmitRefusal};

/// The number of a connection that a session asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExchangeId(pub(super) u32);

/// A server by role and index: look its address and key up in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerRef {
    /// What it is.
    pub role: Role,
    /// Its place among the servers of its role.
    pub index: usize,
}

/// What the caller is to do.
#[derive(Clone, Debug)]
#[must_use]
pub enum Action {
    /// Open a link to the server and report with `handle_connected` or `handle_failed`.
    Connect {
        /// Its number from now on.
        exchange: ExchangeId,
        /// The server.
        server: ServerRef,
    },
    /// Call [`Session::fill`](super::Session::fill) with the fragment that is [due](crate::stream::Sending::due) to
    /// the contact, else with an acknowledgement that is [owed](crate::stream::Receiving::owed), else with nothing.
    /// First persist that this slot of this round is used, and by which fragment.
    Fill {
        /// The round.
        round: Round,
        /// The slot.
        slot: u8,
        /// The contact that holds it.
        contact: Address,
    },
    /// Call [`Session::open`](super::Session::open): a message for the user was in a mailbox. No server is connected, so
    /// that nobody sees how long it takes.
    Open,
    /// A long computation has done a step: poll again. A firmware lets its other tasks run first.
    Continue,
    /// Something happened.
    Event(Event),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An info-node told the time: the network's less the local one, in milliseconds.
    Clock {
        /// The difference.
        offset_ms: i64,
    },
    /// A round's directory was accepted.
    Opened {
        /// The round.
        round: Round,
        /// Its directory.
        directory: DirectoryHash,
        /// How many mixers it has.
        mixers: usize,
        /// How many the manifest lists: with fewer mixers a round protects less.
        listed: usize,
    },
    /// A directory was refused.
    DirectoryRefused {
        /// The round.
        round: Round,
        /// Why.
        why: DirectoryError,
    },
    /// A round has two valid directories.
    Equivocation(Equivocation),
    /// A PKG refused the round's share.
    PkgRefused {
        /// The round.
        round: Round,
        /// The PKG.
        pkg: PkgIndex,
        /// Why.
        why: PkgRefusal,
    },
    /// The PKGs' shares do not add up to the user's key: one of them gave a wrong one. The round's slots carry
    /// cover.
    WrongShare {
        /// The round.
        round: Round,
    },
    /// The user has the key of the round.
    Keyed {
        /// The round.
        round: Round,
    },
    /// A mixer took the slot's packet.
    SlotSent {
        /// The round.
        round: Round,
        /// The slot.
        slot: u8,
    },
    /// The slot's packet was not taken: send its content in a later round.
    SlotFailed {
        /// The round.
        round: Round,
        /// The slot.
        slot: u8,
    },
    /// A mixer refused a packet.
    SubmitRefused {
        /// The round.
        round: Round,
        /// Why.
        why: SubmitRefusal,
    },
    /// The whole mailbox was searched, as the mixers delivered it, and what is the user's was opened.
    Scanned {
        /// The round.
        round: Round,
        /// How many messages it had.
        messages: u32,
        /// How many were the user's.
        opened: u32,
    },
    /// Of the cover that mixers took in this round, so many packets went to the user's own mailbox, and so many of
    /// these came back. Follows on [`Event::Scanned`] if there were any; counts 4 at most.
    Loops {
        /// The round.
        round: Round,
        /// How many went out.
        sent: u8,
        /// How many came back.
        returned: u8,
    },
    /// One of these did not come back: a mixer of its route lost or changed it.
    LoopLost {
        /// The round.
        round: Round,
        /// The mixers that it went through, in order.
        route: Route,
    },
    /// What a mailbox server showed is not what the mixers signed: it hides or adds messages. Another server is
    /// asked.
    MailboxAltered {
        /// The round.
        round: Round,
    },
    /// The round brought nothing.
    Missed {
        /// The round.
        round: Round,
        /// Why.
        why: Missed,
    },
}

/// Why a round brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missed {
    /// No info-node had a valid directory in time.
    NoDirectory,
    /// Not all PKGs gave their share in time.
    NoKey,
    /// The round was void: its mixers delivered nothing. What was sent in it is to be sent again.
    Void,
    /// No mailbox server gave the mailbox as the mixers delivered it. What was found in it all the same was reported.
    NoMailbox,
    /// More rounds are under way than the session has room for.
    TooManyRounds,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDirectory => "no info-node had the round's directory in time",
            Self::NoKey => "not all PKGs gave their share of the round's key in time",
            Self::Void => "the mixers gave the round up; what was sent in it will be sent again",
            Self::NoMailbox => "no mailbox server gave the whole mailbox",
            Self::TooManyRounds => "too many rounds are under way at once",
        })
    }
}

/// What the outbox has for a slot: one fragment of a message, or an [acknowledgement](Draft::acknowledgement) alone.
///
/// [`Sending`](crate::stream::Sending) says which fragment it is, [`Receiving`](crate::stream::Receiving) what is
/// acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft<'a> {
    /// What the message is.
    pub content: Content,
    /// The message's id.
    pub message: u64,
    /// The stream of sequence numbers to this contact.
    pub stream: u32,
    /// The fragment's number in it, from 1.
    pub sequence: u32,
    /// The contact's stream that `ack` speaks of; 0 if none is known.
    pub ack_stream: u32,
    /// All of it up to this number has arrived.
    pub ack: u32,
    /// The fragment's index in the message.
    pub fragment: u16,
    /// How many fragments the message has.
    pub fragments: u16,
    /// The fragment's bytes.
    pub body: &'a [u8],
}

impl Draft<'static> {
    /// Nothing but the acknowledgement `ack_stream`, `ack`: for a slot without a fragment, when one is
    /// [owed](crate::stream::Receiving::owed).
    pub const fn acknowledgement((ack_stream, ack): (u32, u32)) -> Self {
        Self {
            content: Content::Empty,
            message: 0,
            stream: 0,
            sequence: 0,
            ack_stream,
            ack,
            fragment: 0,
            fragments: 1,
            body: &[],
        }
    }
}

/// What a frame led to.
#[derive(Debug)]
#[must_use]
pub enum Reaction<'f> {
    /// Wait for the next frame.
    Wait,
    /// A long computation has done a step: call [`Session::handle_frame`](super::Session::handle_frame) again with the
    /// same frame, unchanged, and with none that came behind it before. A firmware lets its other tasks run first.
    Again,
    /// Send the first so many bytes of the buffer as a frame.
    Send(usize),
    /// An info-node gave what it says is the signed manifest behind the newest version. Verify it, keep it, and tell
    /// with [`Session::set_versions`](super::Session::set_versions). Then close the link.
    Version {
        /// The bytes of a [`SignedManifest`](crate::SignedManifest), as they came.
        signed: &'f [u8],
    },
    /// Close the link.
    Close,
}
