//! Somebody with a session, an outbox and a memory of all that happened.

use std::collections::{HashMap, VecDeque};

use zephyr_core::session::{Draft, Event, ExchangeId, Missed, ServerRef, Session};
use zephyr_core::{Address, Content, Payload, Round, Suite, UnixMs};

use super::wire_log::{WireEntry, WireKind};

/// A part of a message on its way out.
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
}

/// A user of the network.
pub struct Person<S: Suite> {
    /// The session.
    pub session: Session<'static, S>,
    /// The address.
    pub address: Address,
    /// By how much the local clock is ahead of the network's, in milliseconds.
    pub skew_ms: i64,
    /// What is still to be sent, the oldest first.
    pub outbox: VecDeque<Fragment>,
    /// Every fragment that was put into a slot, with the slot's round.
    pub attempts: Vec<(Round, Fragment)>,
    /// What mixers took, with the round. Those of void rounds are in the outbox again.
    pub sent: Vec<(Round, Fragment)>,
    /// What arrived.
    pub received: Vec<Receipt>,
    /// What the session reported, with the network's time.
    pub events: Vec<(UnixMs, Event)>,
    /// What went over this person's wire.
    pub wire: Vec<WireEntry>,
    /// When the program was started anew.
    pub restarts: Vec<UnixMs>,
    /// How often the session was polled.
    pub polls: u64,
    pub(super) in_slot: HashMap<(Round, u8), Fragment>,
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
            outbox: VecDeque::new(),
            attempts: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
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

    /// The oldest fragment for `contact` leaves the outbox for a slot.
    pub(super) fn take(&mut self, round: Round, slot: u8, contact: &Address) -> Option<Fragment> {
        let place = self.outbox.iter().position(|f| f.to == *contact)?;
        let fragment = self.outbox.remove(place)?;
        self.attempts.push((round, fragment.clone()));
        self.in_slot.insert((round, slot), fragment.clone());
        Some(fragment)
    }

    pub(super) fn note(&mut self, at: UnixMs, event: Event) {
        match event {
            Event::SlotSent { round, slot } => {
                if let Some(fragment) = self.in_slot.remove(&(round, slot)) {
                    self.sent.push((round, fragment));
                }
            }
            Event::SlotFailed { round, slot } => {
                if let Some(fragment) = self.in_slot.remove(&(round, slot)) {
                    self.outbox.push_front(fragment);
                }
            }
            Event::Missed { round, why: Missed::Void } => {
                let (again, kept) =
                    std::mem::take(&mut self.sent).into_iter().partition(|(r, _)| *r == round);
                self.sent = kept;
                let again: Vec<(Round, Fragment)> = again;
                self.outbox.extend(again.into_iter().map(|(_, fragment)| fragment));
            }
            _ => {}
        }
        self.events.push((at, event));
    }

    pub(super) fn receive(&mut self, round: Round, payload: &Payload<'_>) {
        let header = &payload.header;
        self.received.push(Receipt {
            round,
            from: header.sender.clone(),
            message: header.message,
            index: header.fragment,
            body: payload.body.to_vec(),
        });
    }
}

impl Fragment {
    pub(super) fn draft(&self) -> Draft<'_> {
        Draft {
            content: Content::Text,
            message: self.message,
            stream: 1,
            sequence: u32::from(self.index) + 1,
            ack_stream: 0,
            ack: 0,
            fragment: self.index,
            fragments: self.count,
            body: &self.body,
        }
    }
}
