//! Somebody with a session, conversations and a memory of all that happened.

use std::collections::HashMap;

use zephyr_core::session::{Event, ExchangeId, Missed, ServerRef, Session};
use zephyr_core::stream::resend_after;
use zephyr_core::{Address, Content, Parameters, Role, Round, Suite, UnixMs};

use crate::keyed::Effort;

use super::conversation::{Conversation, Letter};
use super::run::step;
use super::wire_log::{WireEntry, WireKind};

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// To whom.
    pub to: Address,
    /// The message's number, different from all others in the network.
    pub message: u64,
    /// The fragment's index in it.
    pub index: u16,
    /// How many fragments it has.
    pub count: u16,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// A fragment that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// In which round.
    pub round: Round,
    /// From whom.
    pub from: Option<Address>,
    /// The message's number.
    pub message: u64,
    /// The fragment's index in it.
    pub index: u16,
    /// Its bytes.
    pub body: Vec<u8>,
}

pub(super) struct Connection {
    pub(super) server: ServerRef,
    pub(super) handshake: [u8; 32],
    /// Its number among those of this person.
    pub(super) number: u64,
    /// How many requests it has carried.
    pub(super) requests: u64,
    /// What a message of the mailbox took that came over it.
    pub(super) message: Option<Effort>,
}

/// A user of the network.
pub struct Person<S: Suite> {
    /// The session.
    pub session: Session<'static, S>,
    /// The address.
    pub address: Address,
    /// By how much the local clock is ahead of the network's, in milliseconds.
    pub skew_ms: i64,
    /// What is between this person and others, by address.
    pub conversations: HashMap<Address, Conversation>,
    /// Every fragment that was written.
    pub written: Vec<Fragment>,
    /// Every fragment that was put into a slot, with the slot's round.
    pub attempts: Vec<(Round, Fragment)>,
    /// What mixers took, with the round, unless that was void.
    pub sent: Vec<(Round, Fragment)>,
    /// In how many slots there was an acknowledgement and nothing else.
    pub acknowledgements: usize,
    /// Every fragment that the session found, also those that had arrived before.
    pub received: Vec<Receipt>,
    /// The messages that were complete, with their senders, in the order in which a user sees them.
    pub read: Vec<(Address, u64)>,
    /// What the session reported, with the network's time.
    pub events: Vec<(UnixMs, Event)>,
    /// What went over this person's wire.
    pub wire: Vec<WireEntry>,
    /// When the program was started anew.
    pub restarts: Vec<UnixMs>,
    /// How often the session was polled.
    pub polls: u64,
    pub(super) in_slot: HashMap<(Round, u8), (u32, Fragment)>,
    pub(super) connections: HashMap<ExchangeId, Connection>,
    pub(super) connected: u64,
    /// The number of the newest wake-up asked for: older ones are void.
    pub(super) wake_up: u64,
    /// Polls at one and the same moment.
    pub(super) streak: (UnixMs, u32),
}

impl<S: Suite> Person<S> {
    pub(super) fn new(session: Session<'static, S>, address: Address, skew_ms: i64) -> Self {
        Self {
            session,
            address,
            skew_ms,
            conversations: HashMap::new(),
            written: Vec::new(),
            attempts: Vec::new(),
            sent: Vec::new(),
            acknowledgements: 0,
            received: Vec::new(),
            read: Vec::new(),
            events: Vec::new(),
            wire: Vec::new(),
            restarts: Vec::new(),
            polls: 0,
            in_slot: HashMap::new(),
            connections: HashMap::new(),
            connected: 0,
            wake_up: 0,
            streak: (UnixMs(0), 0),
        }
    }

    /// The local time.
    pub fn local(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add_signed(self.skew_ms))
    }

    /// Whether the session reported `event`.
    pub fn saw(&self, event: &Event) -> bool {
        self.events.iter().any(|(_, e)| e == event)
    }

    /// How many packets mixers took of this person in `round`.
    pub fn packets(&self, round: Round) -> usize {
        let sent = |e: &Event| matches!(e, Event::SlotSent { round: r, .. } if *r == round);
        self.events.iter().filter(|(_, e)| sent(e)).count()
    }

    pub(super) fn log(&mut self, at: UnixMs, server: ServerRef, kind: WireKind) {
        self.wire.push(WireEntry { at, server, kind });
    }

    pub(super) fn close(&mut self, at: UnixMs, exchange: ExchangeId, kind: WireKind) {
        if let Some(connection) = self.connections.remove(&exchange) {
            self.log(at, connection.server, kind);
        }
    }

    /// How many fragments are not acknowledged.
    pub fn waiting(&self) -> usize {
        self.conversations.values().map(Conversation::waiting).sum()
    }

    pub(super) fn write(&mut self, now: UnixMs, fragment: Fragment) {
        self.written.push(fragment.clone());
        let conversation = self.conversations.entry(fragment.to.clone());
        conversation.or_insert_with(|| Conversation::new(now)).write(fragment);
    }

    /// What goes into `slot`, which is `contact`'s; `None`: cover.
    pub(super) fn take(
        &mut self,
        round: Round,
        slot: u8,
        contact: &Address,
        parameters: &Parameters,
    ) -> Option<Letter> {
        let patience = resend_after(parameters, self.conversations.len());
        let letter = self.conversations.get_mut(contact)?.fill(round, patience)?;
        match &letter.fragment {
            Some((sequence, fragment)) => {
                self.attempts.push((round, fragment.clone()));
                self.in_slot.insert((round, slot), (*sequence, fragment.clone()));
            }
            None => self.acknowledgements += 1,
        }
        Some(letter)
    }

    pub(super) fn note(&mut self, at: UnixMs, event: Event) {
        match event {
            Event::SlotSent { round, slot } => {
                if let Some((_, fragment)) = self.in_slot.remove(&(round, slot)) {
                    self.sent.push((round, fragment));
                }
            }
            Event::SlotFailed { round, slot } => {
                if let Some((sequence, fragment)) = self.in_slot.remove(&(round, slot)) {
                    self.failed(sequence, &fragment);
                }
            }
            Event::Missed { round, why: Missed::Void } => {
                self.sent.retain(|(r, _)| *r != round);
                self.conversations.values_mut().for_each(|c| c.out.void(round));
            }
            _ => {}
        }
        self.events.push((at, event));
    }

    /// Nobody knows whether what was in slots when the program ended was taken.
    pub(super) fn forget_slots(&mut self) {
        for (_, (sequence, fragment)) in std::mem::take(&mut self.in_slot) {
            self.failed(sequence, &fragment);
        }
    }

    fn failed(&mut self, sequence: u32, fragment: &Fragment) {
        if let Some(conversation) = self.conversations.get_mut(&fragment.to) {
            conversation.out.failed(sequence);
        }
    }

    /// A mailbox's server sees how long a message takes: as long as any other, whoever it is for.
    pub(super) fn check_pace(&mut self, exchange: ExchangeId, effort: Effort) {
        let Some(connection) = self.connections.get_mut(&exchange) else { return };
        if connection.server.role == Role::Mailbox {
            assert_eq!(*connection.message.get_or_insert(effort), effort, "the pace of reading");
        }
    }

    /// Opens what the session has found, and reads it. Nobody waits for it meanwhile.
    pub(super) fn open(&mut self) {
        let session = &mut self.session;
        let Some((round, payload)) = step(|| session.open()) else { return };
        let header = &payload.header;
        if header.content != Content::Empty {
            self.received.push(Receipt {
                round,
                from: header.sender.clone(),
                message: header.message,
                index: header.fragment,
                body: payload.body.to_vec(),
            });
        }
        let Some(sender) = &header.sender else { return };
        let Some(conversation) = self.conversations.get_mut(sender) else { return };
        let complete = conversation.receive(round, header);
        self.read.extend(complete.into_iter().map(|message| (sender.clone(), message)));
    }
}
