//! What a client reports.

use std::sync::Arc;

use zephyr_core::session;
use zephyr_core::{Address, Role, Round};

use crate::store::{Delivery, InboxMessage, MessageId, Refused};

/// Something happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// In a round.
    Round(session::Event),
    /// A message arrived whole; it is in the inbox.
    Message(Arc<InboxMessage>),
    /// A part of a message arrived.
    Part {
        /// From whom; `None` if it is anonymous.
        from: Option<Address>,
        /// How many fragments of the message are here.
        arrived: u32,
        /// Of how many.
        of: u32,
    },
    /// A fragment was dropped.
    Dropped(Refused),
    /// A message in the outbox has come further, or fell back because fragments are to be sent again.
    Delivery {
        /// Its number.
        id: MessageId,
        /// How far.
        delivery: Delivery,
    },
    /// A round was void, and what was sent in it is queued again.
    Requeued {
        /// The round.
        round: Round,
        /// How many fragments.
        fragments: u64,
    },
    /// A server failed to answer; it is tried again.
    Unreachable {
        /// What it is.
        role: Role,
        /// Its place among the servers of its role.
        index: usize,
        /// What failed.
        why: Arc<str>,
    },
    /// The network's servers have signed a new version of it, in which they are others or have other addresses.
    NewVersion {
        /// Its number.
        version: u32,
        /// The round from which on it is in effect; nothing is to be done.
        from: Round,
    },
    /// The running session has no place for a contact: it takes part from the next start on.
    ContactsFull,
}
