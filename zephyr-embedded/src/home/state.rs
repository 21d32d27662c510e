//! The numbers of a contact. Its item is what commits every change: fragments are written before it, and erased behind
//! it, so that what it speaks of is always there.

use zephyr_core::stream::{Conversation, Receiving, Sending};
use zephyr_core::{Address, Round, UnixMs};

use super::bytes::{Reader, Writer};
use super::keys::{self, INBOX, OUTBOX};
use super::part::Head;

/// How many of the last messages are known again.
const RECENT: usize = 4;
/// The item's length in bytes.
pub(super) const STATE_SIZE: usize = 1 + 20 + 8 + 16 + 12 + 10 + 8 * RECENT;
const VERSION: u8 = 1;
/// The user has all of it.
const WHOLE: u16 = u16::MAX;

pub(crate) struct Contact {
    pub(super) address: Address,
    pub(super) state: State,
}

/// Fragments have indices that only grow: sequence number + `base`. A stream that starts over changes the base alone.
#[derive(Clone)]
pub(super) struct State {
    pub(super) conversation: Conversation,
    out_base: u32,
    /// The first fragment of the first message that is not acknowledged to its end.
    out_head: u32,
    in_base: u32,
    /// The first fragment that the user does not have.
    in_head: u32,
    /// Fragments before this one are of streams that have ended: their last message may never be whole.
    in_cut: u32,
    /// The message that is being shown or was the last, and its next fragment: [`WHOLE`] if there is none.
    shown: (u64, u16),
    /// The messages before it that the user has.
    recent: [u64; RECENT],
}

impl State {
    pub(super) fn new(now: UnixMs) -> Self {
        Self {
            conversation: Conversation::new(now),
            out_base: 0,
            out_head: 1,
            in_base: 0,
            in_head: 1,
            in_cut: 1,
            shown: (0, 0),
            recent: [0; RECENT],
        }
    }

    /// Where the fragment with this number to the contact is.
    pub(super) fn out_index(&self, sequence: u32) -> u32 {
        self.out_base.wrapping_add(sequence)
    }

    pub(super) fn out_head(&self) -> u32 {
        self.out_head
    }

    pub(super) fn out_tail(&self) -> u32 {
        self.out_index(self.conversation.sending().next())
    }

    /// How many fragments are of messages that are not acknowledged to their end.
    pub(super) fn out_len(&self) -> u32 {
        self.out_tail().wrapping_sub(self.out_head)
    }

    /// Of these, how many the contact has.
    pub(super) fn out_acked(&self) -> u32 {
        self.out_index(self.conversation.sending().acked())
            .wrapping_add(1)
            .wrapping_sub(self.out_head)
    }

    /// A message of so many fragments has arrived.
    pub(super) fn delivered(&mut self, fragments: u32) {
        self.out_head = self.out_head.wrapping_add(fragments);
    }

    /// Gives fragments their numbers; the index of the first.
    pub(super) fn push(&mut self, fragments: u32, now: UnixMs) -> Option<u32> {
        let tail = self.out_tail();
        let first = self.conversation.push(fragments, now)?;
        self.out_base = tail.wrapping_sub(first);
        Some(tail)
    }

    /// All that waits goes out in a larger stream.
    pub(super) fn restart(&mut self, stream: u32) {
        self.conversation.restart(stream, self.out_len());
        self.out_base = self.out_head.wrapping_sub(1);
    }

    /// Where the fragment with this number from the contact is.
    pub(super) fn in_index(&self, sequence: u32) -> u32 {
        self.in_base.wrapping_add(sequence)
    }

    pub(super) fn in_head(&self) -> u32 {
        self.in_head
    }

    pub(super) fn in_tail(&self) -> u32 {
        let (_, ack) = self.conversation.receiving().ack();
        self.in_index(ack).wrapping_add(1)
    }

    /// How many fragments wait for the user, all in order.
    pub(super) fn in_len(&self) -> u32 {
        self.in_tail().wrapping_sub(self.in_head)
    }

    /// The indices of those that came before others that have not.
    pub(super) fn early(&self) -> impl Iterator<Item = u32> + use<> {
        let (tail, early) = (self.in_tail(), self.conversation.receiving().early());
        (0..u64::BITS)
            .filter(move |bit| early & 1 << bit != 0)
            .map(move |bit| tail.wrapping_add(bit))
    }

    /// The contact has begun a new stream: it goes on behind `tail`, where the last one ended.
    pub(super) fn begin(&mut self, tail: u32) {
        self.in_base = tail.wrapping_sub(1);
        self.in_cut = tail;
    }

    /// Whether the fragment, which is the user's next one, is to be shown already: with all of its message, unless that
    /// can't be.
    pub(super) fn is_ready(&self, head: &Head, most: u32) -> bool {
        let rest = u32::from(head.fragments - head.fragment);
        let cut = self.in_cut.wrapping_sub(self.in_head);
        let len = self.in_len();
        len >= rest || (1..=INBOX).contains(&cut) || rest > most || len >= most
    }

    /// Whether the user has it already: the contact went back to an older memory and sent it again.
    pub(super) fn was_shown(&self, head: &Head) -> bool {
        let (message, next) = self.shown;
        self.recent.contains(&head.message) || (head.message == message && head.fragment < next)
    }

    /// The user has the first fragment that waits; `shown` if it has just come to have it.
    pub(super) fn advance(&mut self, shown: Option<&Head>) {
        self.in_head = self.in_head.wrapping_add(1);
        let Some(head) = shown else { return };
        if self.shown.1 == WHOLE {
            self.recent.copy_within(1.., 0);
            self.recent[RECENT - 1] = self.shown.0;
        }
        let next = head.fragment + 1;
        self.shown = (head.message, if next == head.fragments { WHOLE } else { next });
    }

    /// The keys of what it speaks of, in the contact's group: a bit each.
    pub(super) fn keys(&self) -> u128 {
        let bit = |index: u16| 1u128 << index;
        let out = (0..self.out_len()).map(|i| keys::out(self.out_head.wrapping_add(i)));
        let inbox = (0..self.in_len()).map(|i| self.in_head.wrapping_add(i));
        let inbox = inbox.chain(self.early()).map(keys::inbox);
        let own = bit(keys::STATE) | bit(keys::ADDRESS);
        out.chain(inbox).fold(own, |keys, index| keys | bit(index))
    }

    pub(super) fn write(&self) -> Writer<STATE_SIZE> {
        let (sending, receiving) = (self.conversation.sending(), self.conversation.receiving());
        let (stream, ack) = receiving.ack();
        let mut w = Writer::new();
        w.u8(VERSION);
        w.u32(sending.stream()).u32(sending.acked()).u32(sending.next()).round(sending.acked_in());
        w.u32(self.out_base).u32(self.out_head);
        w.u32(stream).u32(ack).u64(receiving.early());
        w.u32(self.in_base).u32(self.in_head).u32(self.in_cut);
        w.u64(self.shown.0).u16(self.shown.1);
        for message in self.recent {
            w.u64(message);
        }
        w
    }

    /// As it was written. Nobody knows what became of what was in slots, and what the contact was told: everything that
    /// is not acknowledged is due, and an acknowledgement is owed.
    pub(super) fn read(item: &[u8]) -> Option<Self> {
        let mut r = Reader(item);
        if r.u8()? != VERSION {
            return None;
        }
        let (stream, acked, next): (_, _, u32) = (r.u32()?, r.u32()?, r.u32()?);
        let acked_in: Option<Round> = r.round()?;
        let sending = Sending::from_parts(stream, acked, next, acked_in, [])?;
        let (out_base, out_head) = (r.u32()?, r.u32()?);
        let stream = r.u32()?;
        let receiving = Receiving::from_parts(stream, r.u32()?, r.u64()?, stream > 0)?;
        let mut state = Self {
            conversation: Conversation::from_parts(sending, receiving),
            out_base,
            out_head,
            in_base: r.u32()?,
            in_head: r.u32()?,
            in_cut: r.u32()?,
            shown: (r.u64()?, r.u16()?),
            recent: [0; RECENT],
        };
        for message in &mut state.recent {
            *message = r.u64()?;
        }
        let fits = state.out_len() <= OUTBOX && state.out_acked() <= state.out_len();
        let last = state.early().last().map_or(0, |last| last.wrapping_sub(state.in_head));
        r.end(state).filter(|state| fits && state.in_len() <= INBOX && last < INBOX)
    }
}
