//! What one person keeps of the conversation with a contact.

use std::collections::BTreeMap;

use zephyr_core::session::Draft;
use zephyr_core::stream::{Acked, Arrival, Receiving, Sending, stream_at};
use zephyr_core::{Content, PayloadHeader, Round, UnixMs};

use super::person::Fragment;

/// Both directions of the conversation with one contact, by the rules of [`zephyr_core::stream`].
pub struct Conversation {
    /// What is under way.
    pub out: Sending,
    /// What has arrived.
    pub here: Receiving,
    /// The fragments that are not acknowledged, by number.
    waiting: BTreeMap<u32, Fragment>,
    /// The last fragments of messages that have not been handed out yet, by number: the message's number.
    endings: BTreeMap<u32, u64>,
}

/// What goes into a slot: a fragment, or an acknowledgement alone.
pub(super) struct Letter {
    pub(super) fragment: Option<(u32, Fragment)>,
    stream: u32,
    ack: (u32, u32),
}

impl Conversation {
    pub(super) fn new(now: UnixMs) -> Self {
        let (out, here) = (Sending::new(stream_at(now)), Receiving::new());
        Self { out, here, waiting: BTreeMap::new(), endings: BTreeMap::new() }
    }

    /// How many fragments are not acknowledged.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn write(&mut self, fragment: Fragment) {
        let sequence = self.out.push().expect("a test's numbers don't end");
        self.waiting.insert(sequence, fragment);
    }

    /// What a slot of `round` carries; `None`: cover.
    pub(super) fn fill(&mut self, round: Round, resend_after: u64) -> Option<Letter> {
        let due = self.out.due(round, resend_after);
        if due.is_none() && !self.here.owed() {
            return None;
        }
        self.here.told();
        let fragment = due.map(|sequence| {
            self.out.sent_in(sequence, round);
            (sequence, self.waiting[&sequence].clone())
        });
        Some(Letter { fragment, stream: self.out.stream(), ack: self.here.ack() })
    }

    /// Takes what a payload of the contact says; the messages that are complete by it, in order.
    pub(super) fn receive(&mut self, round: Round, header: &PayloadHeader) -> Vec<u64> {
        match self.out.acknowledged(round, header.ack_stream, header.ack) {
            Acked::Progress(arrived) => arrived.for_each(|n| drop(self.waiting.remove(&n))),
            Acked::Nothing => {}
            Acked::Restart(stream) => panic!("nobody loses anything here: {stream}"),
        }
        let arrival = self.here.receive(header.stream, header.sequence);
        if arrival == Arrival::New && header.fragment + 1 == header.fragments {
            self.endings.insert(header.sequence, header.message);
        }
        let later = self.endings.split_off(&self.here.ack().1.saturating_add(1));
        std::mem::replace(&mut self.endings, later).into_values().collect()
    }
}

impl Letter {
    pub(super) fn draft(&self) -> Draft<'_> {
        let Some((sequence, fragment)) = &self.fragment else {
            return Draft::acknowledgement(self.ack);
        };
        Draft {
            content: Content::Text,
            message: fragment.message,
            stream: self.stream,
            sequence: *sequence,
            ack_stream: self.ack.0,
            ack: self.ack.1,
            fragment: fragment.index,
            fragments: fragment.count,
            body: &fragment.body,
        }
    }
}
