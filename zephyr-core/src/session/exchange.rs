//! The connections that are open or being opened.

use crate::ids::{MixerIndex, PkgIndex, Round, UnixMs};

use super::event::ExchangeId;

/// More connections at once than so many are of use to nobody.
pub const MAX_CONNECTIONS: usize = 32;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Clock,
    /// Asked for on the same connection behind the clock.
    Version,
    Directory,
    /// The directory again, from another info-node than the one that gave it first.
    Confirm {
        first: u16,
    },
    Extract(PkgIndex),
    Submit(MixerIndex),
    Download {
        server: u16,
    },
}

/// What a connection is for, in lent memory.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    pub(super) id: ExchangeId,
    pub(super) kind: Kind,
    pub(super) round: Round,
    /// The server's index.
    pub(super) server: usize,
    /// When the link was opened and the request sent, in local time.
    pub(super) asked: UnixMs,
    /// The slot whose packet the mixer has been sent and has not answered.
    pub(super) slot: Option<u8>,
    /// When it counts as failed, in local time, unless a frame comes before.
    expires: UnixMs,
}

impl Exchange {
    fn is_of_no_round(&self) -> bool {
        matches!(self.kind, Kind::Clock | Kind::Version)
    }
}

#[derive(Debug)]
pub(super) struct Exchanges<'a> {
    places: &'a mut [Option<Exchange>],
    next: u32,
}

impl<'a> Exchanges<'a> {
    pub(super) fn new(places: &'a mut [Option<Exchange>]) -> Self {
        places.fill(None);
        Self { places, next: 0 }
    }

    fn open(&self) -> impl Iterator<Item = &Exchange> {
        self.places.iter().flatten()
    }

    fn open_mut(&mut self, id: ExchangeId) -> Option<&mut Exchange> {
        self.places.iter_mut().flatten().find(|e| e.id == id)
    }

    fn end_if(&mut self, ended: impl Fn(&Exchange) -> bool) {
        self.places.iter_mut().for_each(|place| _ = place.take_if(|e| ended(e)));
    }

    /// `None` while too many are open.
    pub(super) fn start(
        &mut self,
        kind: Kind,
        round: Round,
        server: usize,
        now: UnixMs,
        expires: UnixMs,
    ) -> Option<ExchangeId> {
        let place = self.places.iter_mut().find(|place| place.is_none())?;
        let id = ExchangeId(self.next);
        *place = Some(Exchange { id, kind, round, server, asked: now, slot: None, expires });
        self.next = self.next.wrapping_add(1);
        Some(id)
    }

    pub(super) fn get(&self, id: ExchangeId) -> Option<Exchange> {
        self.open().find(|e| e.id == id).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open().next().is_none()
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.iter().all(Option::is_some)
    }

    /// One that has waited too long.
    pub(super) fn expired(&self, now: UnixMs) -> Option<ExchangeId> {
        self.open().find(|e| e.expires <= now).map(|e| e.id)
    }

    /// When the next one has waited too long, in local time.
    pub(super) fn next_expiry(&self) -> Option<UnixMs> {
        self.open().map(|e| e.expires).min()
    }

    /// The link is open.
    pub(super) fn opened(&mut self, id: ExchangeId, now: UnixMs) {
        if let Some(exchange) = self.open_mut(id) {
            exchange.asked = now;
        }
    }

    /// A frame came.
    pub(super) fn extend(&mut self, id: ExchangeId, expires: UnixMs) {
        if let Some(exchange) = self.open_mut(id) {
            exchange.expires = expires;
        }
    }

    /// The slot's packet is on its way over this connection.
    pub(super) fn submits(&mut self, id: ExchangeId, slot: u8) {
        if let Some(exchange) = self.open_mut(id) {
            exchange.slot = Some(slot);
        }
    }

    /// What the connection is for has been answered, and this is asked next.
    pub(super) fn becomes(&mut self, id: ExchangeId, kind: Kind) {
        if let Some(exchange) = self.open_mut(id) {
            exchange.kind = kind;
        }
    }

    /// Whether an info-node is being asked for the clock, or for what follows on it.
    pub(super) fn asking_clock(&self) -> bool {
        self.open().any(Exchange::is_of_no_round)
    }

    pub(super) fn end(&mut self, id: ExchangeId) {
        self.end_if(|e| e.id == id);
    }

    /// What the round still waits for is of no use any more: later reports of it are ignored.
    pub(super) fn cancel(&mut self, round: Round) {
        self.end_if(|e| e.round == round && !e.is_of_no_round());
    }

    pub(super) fn running(&self, kind: Kind, round: Round) -> bool {
        self.open().any(|e| e.kind == kind && e.round == round)
    }

    pub(super) fn downloading(&self, round: Round) -> bool {
        self.open().any(|e| matches!(e.kind, Kind::Download { .. }) && e.round == round)
    }
}
