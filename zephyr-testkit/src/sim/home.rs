//! What a client keeps on its disk. Every method is one transaction: it happens whole, or not at all. A crash may
//! come between any two.

use std::collections::{BTreeMap, VecDeque};

use zephyr_core::session::Draft;
use zephyr_core::stream::{Acked, Arrival, Receiving, Sending};
use zephyr_core::{Content, DirectoryHash, Payload, Round};

use super::mutation::Mutation;

/// What a slot carries.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    pub(super) content: Content,
    pub(super) message: u64,
    pub(super) stream: u32,
    pub(super) sequence: u32,
    pub(super) ack_stream: u32,
    pub(super) ack: u32,
    pub(super) fragment: u16,
    pub(super) fragments: u16,
    pub(super) body: Vec<u8>,
}

impl Fragment {
    pub(super) fn draft(&self) -> Draft<'_> {
        Draft {
            content: self.content,
            message: self.message,
            stream: self.stream,
            sequence: self.sequence,
            ack_stream: self.ack_stream,
            ack: self.ack,
            fragment: self.fragment,
            fragments: self.fragments,
            body: &self.body,
        }
    }

    pub(super) fn of(payload: &Payload<'_>) -> Self {
        let header = &payload.header;
        Self {
            content: header.content,
            message: header.message,
            stream: header.stream,
            sequence: header.sequence,
            ack_stream: header.ack_stream,
            ack: header.ack,
            fragment: header.fragment,
            fragments: header.fragments,
            body: payload.body.to_vec(),
        }
    }
}

/// A fragment that is not acknowledged.
struct Waiting {
    message: u64,
    fragment: u16,
    fragments: u16,
    body: Vec<u8>,
}

/// A conversation with one contact.
struct Conversation {
    sending: Sending,
    /// From number `acked + 1` on.
    outbox: VecDeque<Waiting>,
    /// What is in a slot that no mixer is known to have taken.
    in_slots: BTreeMap<(Round, u8), u32>,
    receiving: Receiving,
    /// What has arrived and is of no whole message yet, by its number.
    kept: BTreeMap<u32, Fragment>,
}

/// What a fragment that arrived led to.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The messages that are in the inbox now, with their bodies.
    pub(super) messages: Vec<(u64, Vec<u8>)>,
    /// Own messages that are shown as delivered now.
    pub(super) delivered: Vec<u64>,
    /// Whether the contact seems to have lost its home, which nobody does here.
    pub(super) restarted: bool,
    /// What is left to be done in a transaction of its own: only of a home that is made wrong on purpose.
    pub(super) forgotten: Option<Fragment>,
}

/// A client's home.
pub(super) struct Home {
    /// By the number of the other person.
    conversations: BTreeMap<usize, Conversation>,
    last_round: Option<(Round, DirectoryHash)>,
    resend_after: u64,
    mutation: Option<Mutation>,
}

impl Home {
    pub(super) fn new(
        contacts: impl Iterator<Item = usize>,
        stream: u32,
        resend_after: u64,
        mutation: Option<Mutation>,
    ) -> Self {
        let conversation = |with| {
            let conversation = Conversation {
                sending: Sending::new(stream),
                outbox: VecDeque::new(),
                in_slots: BTreeMap::new(),
                receiving: Receiving::new(),
                kept: BTreeMap::new(),
            };
            (with, conversation)
        };
        let conversations = contacts.map(conversation).collect();
        Self { conversations, last_round: None, resend_after, mutation }
    }

    pub(super) fn contacts(&self) -> impl Iterator<Item = usize> {
        self.conversations.keys().copied()
    }

    pub(super) fn last_round(&self) -> Option<(Round, DirectoryHash)> {
        self.last_round
    }

    /// How many fragments to `to` are not acknowledged.
    pub(super) fn waiting(&self, to: usize) -> usize {
        self.conversations[&to].outbox.len()
    }

    /// The program starts: nobody knows what became of what was in a slot.
    pub(super) fn start(&mut self) {
        for conversation in self.conversations.values_mut() {
            for (_, sequence) in std::mem::take(&mut conversation.in_slots) {
                conversation.sending.failed(sequence);
            }
        }
    }

    /// The user writes a message.
    pub(super) fn write(&mut self, to: usize, message: u64, body: &[u8], capacity: usize) {
        let conversation = self.conversations.get_mut(&to).expect("a contact");
        let bodies: Vec<_> = body.chunks(capacity).collect();
        for (i, body) in bodies.iter().enumerate() {
            conversation.sending.push().expect("numbers do not end here");
            conversation.outbox.push_back(Waiting {
                message,
                fragment: i as u16,
                fragments: bodies.len() as u16,
                body: body.to_vec(),
            });
        }
    }

    /// What goes into `to`'s slot of the round; that the slot is used is written down with it.
    pub(super) fn assign(
        &mut self,
        round: Round,
        directory: &DirectoryHash,
        slot: u8,
        to: usize,
    ) -> Option<Fragment> {
        match self.last_round {
            Some((last, _)) if last > round => return None,
            Some((last, hash)) if last == round && hash != *directory => return None,
            _ if self.mutation == Some(Mutation::ForgetsItsSlots) => {}
            _ => self.last_round = Some((round, *directory)),
        }
        let conversation = self.conversations.get_mut(&to)?;
        let (ack_stream, ack) = conversation.receiving.ack();
        let fragment = match conversation.sending.due(round, self.resend_after) {
            Some(sequence) => conversation.send(sequence, round, slot),
            None if conversation.receiving.owed() => acknowledgement(),
            None => return None,
        };
        conversation.receiving.told();
        Some(Fragment { ack_stream, ack, ..fragment })
    }

    /// A mixer took the slot's packet.
    pub(super) fn slot_sent(&mut self, round: Round, slot: u8) {
        for conversation in self.conversations.values_mut() {
            conversation.in_slots.remove(&(round, slot));
        }
    }

    /// No mixer took the slot's packet.
    pub(super) fn slot_failed(&mut self, round: Round, slot: u8) {
        for conversation in self.conversations.values_mut() {
            if let Some(sequence) = conversation.in_slots.remove(&(round, slot)) {
                conversation.sending.failed(sequence);
            }
        }
    }

    /// The round was void.
    pub(super) fn void(&mut self, round: Round) {
        for conversation in self.conversations.values_mut() {
            conversation.sending.void(round);
            conversation.in_slots.retain(|(r, _), _| *r != round);
        }
    }

    /// A fragment of `from` arrived in `round`.
    pub(super) fn receive(&mut self, from: usize, round: Round, fragment: Fragment) -> Received {
        let mut received = Received::default();
        let Some(conversation) = self.conversations.get_mut(&from) else { return received };
        let Fragment { ack_stream, ack, .. } = fragment;
        match conversation.acknowledged(round, ack_stream, ack) {
            Some(delivered) => received.delivered = delivered,
            None => received.restarted = true,
        }
        if fragment.content == Content::Empty {
            return received;
        }
        let stream = conversation.receiving.ack().0;
        let arrival = conversation.receiving.receive(fragment.stream, fragment.sequence);
        if conversation.receiving.ack().0 != stream {
            conversation.kept.clear();
        }
        if arrival == Arrival::New {
            if self.mutation == Some(Mutation::AcknowledgesBeforeItStores) {
                received.forgotten = Some(fragment);
                return received;
            }
            conversation.kept.insert(fragment.sequence, fragment);
        } else if self.mutation == Some(Mutation::TakesCopies) && fragment.fragments == 1 {
            received.messages.push((fragment.message, fragment.body));
            return received;
        }
        let any_order = self.mutation == Some(Mutation::TakesAnyOrder);
        received.messages = conversation.hand_over(any_order);
        received
    }

    /// The second half of a transaction that should have been one.
    pub(super) fn store_late(&mut self, from: usize, fragment: Fragment) -> Received {
        let mut received = Received::default();
        if let Some(conversation) = self.conversations.get_mut(&from) {
            conversation.kept.insert(fragment.sequence, fragment);
            received.messages = conversation.hand_over(false);
        }
        received
    }
}

impl Conversation {
    fn send(&mut self, sequence: u32, round: Round, slot: u8) -> Fragment {
        self.sending.sent_in(sequence, round);
        self.in_slots.insert((round, slot), sequence);
        let place = sequence - self.sending.acked() - 1;
        let waiting = &self.outbox[place as usize];
        Fragment {
            content: Content::Text,
            message: waiting.message,
            stream: self.sending.stream(),
            sequence,
            fragment: waiting.fragment,
            fragments: waiting.fragments,
            body: waiting.body.clone(),
            ..acknowledgement()
        }
    }

    /// The messages of which this acknowledges the last fragment; `None` if the contact wants a new stream.
    fn acknowledged(&mut self, round: Round, ack_stream: u32, ack: u32) -> Option<Vec<u64>> {
        match self.sending.acknowledged(round, ack_stream, ack) {
            Acked::Nothing => Some(Vec::new()),
            Acked::Progress(numbers) => {
                self.in_slots.retain(|_, sequence| !numbers.contains(sequence));
                let done = self.outbox.drain(..numbers.count());
                Some(done.filter(|w| w.fragment + 1 == w.fragments).map(|w| w.message).collect())
            }
            Acked::Restart(_) => None,
        }
    }

    /// Takes out the messages of which everything up to the last fragment has arrived, in order.
    fn hand_over(&mut self, any_order: bool) -> Vec<(u64, Vec<u8>)> {
        let (_, ack) = self.receiving.ack();
        let mut messages = Vec::new();
        while let Some((&first, fragment)) = self.kept.first_key_value() {
            let last = first - u32::from(fragment.fragment) + u32::from(fragment.fragments) - 1;
            if last > ack && !(any_order && fragment.fragments == 1) {
                break;
            }
            let message = fragment.message;
            let later = self.kept.split_off(&(last + 1));
            let fragments = std::mem::replace(&mut self.kept, later);
            let body = fragments.into_values().flat_map(|fragment| fragment.body).collect();
            messages.push((message, body));
        }
        messages
    }
}

/// A payload without contents.
fn acknowledgement() -> Fragment {
    Fragment {
        content: Content::Empty,
        message: 0,
        stream: 0,
        sequence: 0,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 1,
        body: Vec::new(),
    }
}
