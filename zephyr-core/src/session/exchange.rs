//! The connections that are open or being opened.

use heapless::Vec;

use crate::ids::{MixerIndex, PkgIndex, Round};

use super::event::ExchangeId;

const MAX_EXCHANGES: usize = 32;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Clock,
    Directory,
    Extract(PkgIndex),
    Submit(MixerIndex),
    Download { server: u16 },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) id: ExchangeId,
    pub(super) kind: Kind,
    pub(super) round: Round,
}

#[derive(Debug)]
pub(super) struct Exchanges {
    open: Vec<Exchange, MAX_EXCHANGES>,
    next: u32,
}

impl Exchanges {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), next: 0 }
    }

    /// `None` while too many are open.
    pub(super) fn start(&mut self, kind: Kind, round: Round) -> Option<ExchangeId> {
        let id = ExchangeId(self.next);
        self.open.push(Exchange { id, kind, round }).ok()?;
        self.next = self.next.wrapping_add(1);
        Some(id)
    }

    pub(super) fn get(&self, id: ExchangeId) -> Option<Exchange> {
        self.open.iter().find(|e| e.id == id).copied()
    }

    pub(super) fn end(&mut self, id: ExchangeId) {
        self.open.retain(|e| e.id != id);
    }

    /// What the round still waits for is of no use any more: later reports of it are ignored.
    pub(super) fn cancel(&mut self, round: Round) {
        self.open.retain(|e| e.round != round || e.kind == Kind::Clock);
    }

    pub(super) fn running(&self, kind: Kind, round: Round) -> bool {
        self.open.iter().any(|e| e.kind == kind && e.round == round)
    }

    pub(super) fn downloading(&self, round: Round) -> bool {
        self.open.iter().any(|e| matches!(e.kind, Kind::Download { .. }) && e.round == round)
    }
}
