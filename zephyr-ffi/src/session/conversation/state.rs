//! What changes in a conversation, and when.

use zephyr_core::stream::{Acked, Arrival, Receiving, Sending, stream_at};
use zephyr_core::{Round, UnixMs};

use super::slots::Slots;
use super::zephyr_arrival_kind::*;
use super::{zephyr_arrival, zephyr_conversation};
use crate::blocks::ZEPHYR_CONTENT_EMPTY;
use crate::session::fragment::{zephyr_draft, zephyr_fragment};

impl zephyr_conversation {
    pub(super) fn new(now: UnixMs) -> Self {
        let sending = Sending::new(stream_at(now));
        Self { sending, receiving: Receiving::new(), slots: Slots::new() }
    }

    pub(super) fn push(&mut self, fragments: u16, now: UnixMs) -> Option<u32> {
        let (acked, next) = (self.sending.acked(), self.sending.next());
        // Whoever went back to an older memory must not give other fragments numbers that it has forgotten.
        if acked + 1 == next
            && next > 1
            && let Some(stream) = self.sending.stream().checked_add(1)
        {
            self.sending.restart(stream.max(stream_at(now)), 0);
            self.slots = Slots::new();
        }
        let first = self.sending.next();
        first.checked_add(fragments.into())?;
        (0..fragments).try_for_each(|_| self.sending.push().map(drop))?;
        Some(first)
    }

    pub(super) fn fill(
        &mut self,
        round: Round,
        slot: u8,
        resend_after: u64,
    ) -> Option<zephyr_draft> {
        let due = self.sending.due(round, resend_after);
        if due.is_none() && !self.receiving.owed() {
            return None;
        }
        self.receiving.told();
        // What became of an earlier round's slots has been told by now.
        self.slots.put(round, slot, due.unwrap_or(0));
        if let Some(sequence) = due {
            self.sending.sent_in(sequence, round);
        }
        let (ack_stream, ack) = self.receiving.ack();
        Some(zephyr_draft {
            content: ZEPHYR_CONTENT_EMPTY,
            stream: due.map_or(0, |_| self.sending.stream()),
            sequence: due.unwrap_or(0),
            ack_stream,
            ack,
            fragment: 0,
            fragments: 1,
            message: 0,
            body: core::ptr::null(),
            body_len: 0,
        })
    }

    pub(super) fn failed(&mut self, round: Round, slot: u8) {
        let Some(sequence) = self.slots.take(round, slot) else { return };
        if self.sending.last_sent(sequence) == Some(round) {
            self.sending.failed(sequence);
        }
        self.owe();
    }

    pub(super) fn void(&mut self, round: Round) {
        self.sending.void(round);
        if self.slots.round == Some(round) {
            self.slots = Slots::new();
            self.owe();
        }
    }

    /// What the program did not see the end of is due again.
    pub(super) fn resume(&mut self) {
        while let Some((round, slot)) = self.slots.first() {
            self.failed(round, slot);
        }
    }

    /// The contact was not told after all: every payload tells it what has arrived.
    pub(super) fn owe(&mut self) {
        let ((stream, ack), early) = (self.receiving.ack(), self.receiving.early());
        let owed = Receiving::from_parts(stream, ack, early, stream > 0);
        self.receiving = owed.unwrap_or(self.receiving);
    }

    pub(super) fn receive(&mut self, fragment: &zephyr_fragment) -> zephyr_arrival {
        let round = Round(fragment.round);
        let acked = self.sending.acknowledged(round, fragment.ack_stream, fragment.ack);
        let restart = if let Acked::Restart(stream) = acked { stream } else { 0 };
        let (before, _) = self.receiving.ack();
        let kind = if fragment.content == ZEPHYR_CONTENT_EMPTY {
            ZEPHYR_ARRIVAL_EMPTY
        } else {
            match self.receiving.receive(fragment.stream, fragment.sequence) {
                Arrival::New => ZEPHYR_ARRIVAL_NEW,
                Arrival::Duplicate => ZEPHYR_ARRIVAL_DUPLICATE,
                Arrival::Refused => ZEPHYR_ARRIVAL_REFUSED,
            }
        };
        let (stream, arrived) = self.receiving.ack();
        zephyr_arrival {
            kind,
            acknowledged: self.sending.acked(),
            stream: self.sending.stream(),
            restart,
            started_over: (before != 0 && stream != before).into(),
            arrived,
        }
    }
}
