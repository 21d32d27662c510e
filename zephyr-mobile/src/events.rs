//! How the rounds go, for an application to show.

use zephyr_client::Event;
use zephyr_core::{Role, session};

use crate::listeners::Signal;
use crate::types::small;

/// What happened in the rounds.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
#[non_exhaustive]
pub enum RoundEvent {
    /// A round is open.
    Opened {
        /// The round.
        round: u64,
        /// How many mixers it has.
        mixers: u32,
        /// How many the network has: with fewer in the round it protects less.
        listed: u32,
    },
    /// The PKGs gave their shares: the round's messages can be read.
    KeyReceived {
        /// The round.
        round: u64,
    },
    /// A mixer took a packet. Every client sends the same number of them in every round.
    PacketTaken {
        /// The round.
        round: u64,
    },
    /// A packet was not taken; what it carried is sent again.
    PacketLost {
        /// The round.
        round: u64,
    },
    /// The mailbox was searched: the round is over.
    Searched {
        /// The round.
        round: u64,
        /// How many messages the mailbox had.
        messages: u32,
        /// How many of them were for the user.
        opened: u32,
    },
    /// The round brought nothing. What was under way is sent again.
    Missed {
        /// The round.
        round: u64,
        /// Why.
        why: MissedReason,
        /// A sentence about it.
        reason: String,
    },
    /// A round was void, and what was sent in it is queued again.
    Requeued {
        /// The round.
        round: u64,
        /// How many fragments.
        fragments: u64,
    },
    /// A part of a message arrived.
    PartArrived {
        /// From whom; none if it is anonymous.
        from: Option<String>,
        /// How many parts of the message are here.
        arrived: u32,
        /// Of how many.
        of: u32,
    },
    /// A part of a message was dropped.
    Dropped {
        /// A sentence about it.
        reason: String,
    },
    /// A PKG refused the round's key: perhaps the address has to be registered again.
    PkgRefused {
        /// The round.
        round: u64,
        /// Which PKG: its place in the network's list.
        pkg: u32,
        /// A sentence about it.
        reason: String,
    },
    /// A server did not answer; it, or another one, is asked again.
    ServerUnreachable {
        /// What it is.
        role: ServerRole,
        /// Its place among the servers of its role.
        index: u32,
        /// A sentence about it.
        reason: String,
    },
    /// A server did what it may not: somebody may be attacking the network.
    Suspicious {
        /// The round.
        round: u64,
        /// A sentence about it.
        reason: String,
    },
    /// The network changes: its servers have signed a new version of it. Nothing is to be done.
    NewVersion {
        /// Its number.
        version: u32,
        /// The round from which on it is in effect.
        from_round: u64,
    },
    /// There are more contacts than places: the newest take part when the client is started the next time.
    ContactsFull,
    /// The client stopped.
    Stopped {
        /// Why, as a sentence; none if it was told to.
        failure: Option<String>,
    },
}

/// Why a round brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
#[non_exhaustive]
pub enum MissedReason {
    /// No info-node had a valid directory in time.
    NoDirectory,
    /// Not all PKGs gave their share in time.
    NoKey,
    /// The mixers gave the round up.
    Void,
    /// No mailbox server gave the whole mailbox.
    NoMailbox,
    /// Too many rounds were under way at once.
    TooManyRounds,
    /// Something that this version does not know.
    Other,
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
#[non_exhaustive]
pub enum ServerRole {
    /// Peels, shuffles and passes on.
    Mixer,
    /// Gives shares of private keys.
    Pkg,
    /// Serves the round directory.
    Info,
    /// Keeps the round's sealed messages.
    Mailbox,
    /// Something that this version does not know.
    Other,
}

impl RoundEvent {
    /// What a round listener is told, if it is to be told of this.
    pub(crate) fn from_signal(signal: &Signal) -> Option<Self> {
        let event = match signal {
            Signal::Stopped(failure) => return Some(Self::Stopped { failure: failure.clone() }),
            Signal::Event(event) => event,
        };
        Some(match &**event {
            Event::Round(event) => return Self::from_round(event),
            Event::Part { from, arrived, of } => {
                let from = from.as_ref().map(|from| from.as_str().to_owned());
                Self::PartArrived { from, arrived: *arrived, of: *of }
            }
            Event::Dropped(why) => Self::Dropped { reason: why.to_string() },
            Event::Requeued { round, fragments } => {
                Self::Requeued { round: round.0, fragments: *fragments }
            }
            Event::Unreachable { role, index, why } => {
                let (role, index) = ((*role).into(), small(*index));
                Self::ServerUnreachable { role, index, reason: why.to_string() }
            }
            Event::NewVersion { version, from } => {
                Self::NewVersion { version: *version, from_round: from.0 }
            }
            Event::ContactsFull => Self::ContactsFull,
            _ => return None,
        })
    }

    fn from_round(event: &session::Event) -> Option<Self> {
        use session::Event as E;
        let suspicious =
            |round: u64, reason: &str| Self::Suspicious { round, reason: reason.into() };
        Some(match *event {
            E::Opened { round, mixers, listed, .. } => {
                Self::Opened { round: round.0, mixers: small(mixers), listed: small(listed) }
            }
            E::Keyed { round } => Self::KeyReceived { round: round.0 },
            E::SlotSent { round, .. } => Self::PacketTaken { round: round.0 },
            E::SlotFailed { round, .. } => Self::PacketLost { round: round.0 },
            E::Scanned { round, messages, opened } => {
                Self::Searched { round: round.0, messages, opened }
            }
            E::Missed { round, why } => {
                Self::Missed { round: round.0, why: why.into(), reason: why.to_string() }
            }
            E::PkgRefused { round, pkg, why } => {
                Self::PkgRefused { round: round.0, pkg: pkg.0.into(), reason: why.to_string() }
            }
            E::DirectoryRefused { round, ref why } => suspicious(round.0, &why.to_string()),
            E::Equivocation(ref both) => suspicious(both.round.0, &both.to_string()),
            E::WrongShare { round } => suspicious(round.0, "a PKG gave a wrong share of the key"),
            E::MailboxAltered { round } => {
                suspicious(round.0, "a mailbox server hides or adds messages; another one is asked")
            }
            E::LoopLost { round, .. } => suspicious(round.0, "a mixer lost or changed a packet"),
            _ => return None,
        })
    }
}

impl From<session::Missed> for MissedReason {
    fn from(why: session::Missed) -> Self {
        match why {
            session::Missed::NoDirectory => Self::NoDirectory,
            session::Missed::NoKey => Self::NoKey,
            session::Missed::Void => Self::Void,
            session::Missed::NoMailbox => Self::NoMailbox,
            session::Missed::TooManyRounds => Self::TooManyRounds,
            _ => Self::Other,
        }
    }
}

impl From<Role> for ServerRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Mixer => Self::Mixer,
            Role::Pkg => Self::Pkg,
            Role::Info => Self::Info,
            Role::Mailbox => Self::Mailbox,
            _ => Self::Other,
        }
    }
}
