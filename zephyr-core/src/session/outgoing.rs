//! A round from its directory to the last packet submitted.

use heapless::Vec;
use rand_core::Rng;

use crate::crypto::suite::Suite;
use crate::directory::{Directory, Schedule, Verification};
use crate::ids::{Mailbox, MixerIndex, Round, UnixMs};
use crate::onion::{Hop, Route, Routes};
use crate::seal::RoundContext;

use super::contact::ContactId;
use super::event::{ExchangeId, Missed};
use super::extraction::Extraction;
use super::loops::Loops;

/// How often a failed request is made again in a submit phase, at most.
const RETRIES: u32 = 16;
/// The packets are made this part of the phase before they go out, so that how long it took does not show.
const HEAD_START: u64 = 16;

/// What the directory of the round gave.
pub(super) struct Agreed<S: Suite> {
    pub(super) context: RoundContext<S::Pairing>,
    pub(super) routes: Routes,
    /// How many of the session's hops are its mixers.
    pub(super) hops: usize,
}

/// A packet's way to the mixer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The caller has not been asked yet what to send.
    Empty,
    /// The caller was asked for a fragment to this contact.
    Asked(Option<ContactId>),
    /// The sealed message stands in the lent memory.
    Sealed,
    /// The packet stands in the lent memory; its route begins at this mixer.
    Packed(MixerIndex),
    /// The mixer has it.
    Sent,
    /// The mixer does not want it.
    Refused,
}

/// What is to be done with the slot that is [sealed](Slot::Sealed).
pub(super) struct Unwrapped {
    pub(super) slot: u8,
    pub(super) route: Route,
    pub(super) mailbox: Mailbox,
}

pub(super) struct Outgoing<S: Suite> {
    round: Round,
    schedule: Schedule,
    /// When the packets are submitted: random in the phase, so that not everybody comes at once.
    submit_at: UnixMs,
    /// When the first slot was filled.
    filled_at: Option<UnixMs>,
    /// When requests that failed are made again.
    retry_at: UnixMs,
    retry_ms: u64,
    /// How often something failed: whoever failed is not the first to be tried again.
    pub(super) failures: usize,
    pub(super) agreed: Option<Agreed<S>>,
    /// Of the directory that an info-node is giving.
    pub(super) verification: Option<(ExchangeId, Verification<S::Pairing>)>,
    pub(super) extraction: Extraction<S::Pairing>,
    /// The info-node that gave the directory, until another one is asked whether it has the same.
    pub(super) unconfirmed: Option<u16>,
    /// The round has two directories: only cover is sent in it.
    pub(super) split: bool,
    pub(super) slots: Vec<Slot, 64>,
    pub(super) unwrapped: Option<Unwrapped>,
    pub(super) loops: Loops,
}

impl<S: Suite> Outgoing<S> {
    pub(super) fn new(
        round: Round,
        schedule: Schedule,
        slots: u8,
        now: UnixMs,
        rng: &mut impl Rng,
    ) -> Self {
        let phase = schedule.submit_until.since(schedule.submit_from);
        // The first quarter is for the directory and the keys, the last for retries.
        let submit_at = schedule.submit_from.plus(phase / 4 + rng.next_u64() % (phase / 2).max(1));
        Self {
            round,
            schedule,
            submit_at,
            filled_at: None,
            retry_at: now,
            retry_ms: (phase / u64::from(RETRIES)).max(1),
            failures: 0,
            agreed: None,
            verification: None,
            unconfirmed: None,
            split: false,
            extraction: Extraction::new(),
            slots: core::iter::repeat_n(Slot::Empty, slots.into()).collect(),
            unwrapped: None,
            loops: Loops::default(),
        }
    }

    pub(super) fn round(&self) -> Round {
        self.round
    }

    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Whether the submit phase is on.
    pub(super) fn is_open(&self, now: UnixMs) -> bool {
        now >= self.schedule.submit_from && now < self.schedule.submit_until
    }

    /// Over when every packet is sent or refused, or the phase has ended.
    pub(super) fn is_over(&self, now: UnixMs) -> bool {
        let done = self.slots.iter().all(|s| matches!(s, Slot::Sent | Slot::Refused));
        done || now >= self.schedule.submit_until
    }

    /// When the slots are filled. Keys are waited for until the last quarter; without them the slots carry cover.
    pub(super) fn fill_at(&self) -> UnixMs {
        let phase = self.phase_ms();
        let ready = self.extraction.key().is_some() || self.extraction.has_failed();
        let last = self.schedule.submit_from.plus(phase * 3 / 4);
        let submit_at = if ready { self.submit_at } else { self.submit_at.max(last) };
        UnixMs(submit_at.0 - phase / HEAD_START)
    }

    /// The slots are being filled.
    pub(super) fn fills(&mut self, now: UnixMs) {
        self.filled_at.get_or_insert(now);
    }

    /// When the packets go out, once filling has begun.
    pub(super) fn submit_at(&self) -> UnixMs {
        let ready = self.filled_at.map(|at| at.plus(self.phase_ms() / HEAD_START));
        ready.map_or(self.schedule.submit_until, |at| at.max(self.submit_at))
    }

    fn phase_ms(&self) -> u64 {
        self.schedule.submit_until.since(self.schedule.submit_from)
    }

    /// When what failed may be tried again.
    pub(super) fn retry_at(&self) -> UnixMs {
        self.retry_at
    }

    pub(super) fn failed(&mut self, now: UnixMs) {
        self.retry_at = now.plus(self.retry_ms);
        self.failures = self.failures.wrapping_add(1);
    }

    pub(super) fn agree(
        &mut self,
        context: RoundContext<S::Pairing>,
        routes: Routes,
        directory: &Directory<'_>,
        hops: &mut [Hop],
    ) {
        let mixers = directory.mixers().map(|(mixer, a)| Hop { mixer, key: a.key });
        // A directory has no more mixers than its manifest.
        let hops = hops.iter_mut().zip(mixers).map(|(place, hop)| *place = hop).count();
        self.agreed = Some(Agreed { context, routes, hops });
    }

    /// Whether slots may carry what the user has to say.
    pub(super) fn may_write(&self) -> bool {
        self.extraction.key().is_some() && !self.split
    }

    pub(super) fn next_packed(&self, mixer: MixerIndex) -> Option<u8> {
        self.slots.iter().position(|s| *s == Slot::Packed(mixer)).map(|slot| slot as u8)
    }

    /// The slots whose packet no mixer has taken, a bit each.
    pub(super) fn unsent(&self) -> u64 {
        let bit = |(slot, state): (usize, &Slot)| u64::from(*state != Slot::Sent) << slot;
        self.slots.iter().enumerate().map(bit).sum()
    }

    pub(super) fn missed(&self) -> Option<Missed> {
        match (&self.agreed, self.extraction.key()) {
            (None, _) => Some(Missed::NoDirectory),
            (Some(_), None) => Some(Missed::NoKey),
            _ => None,
        }
    }
}
