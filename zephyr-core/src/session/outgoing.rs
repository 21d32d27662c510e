//! A round from its directory to the last packet submitted.

use heapless::Vec;
use rand_core::Rng;

use crate::crypto::suite::Suite;
use crate::directory::{Directory, Schedule};
use crate::ibe::{KeyShare, PrivateKey};
use crate::ids::{MixerIndex, PkgIndex, Round, UnixMs};
use crate::onion::{Hop, MAX_MIXERS, Routes};
use crate::seal::RoundContext;

use super::contact::ContactId;
use super::event::Missed;
use super::loops::Loops;

/// How often a failed request is made again in a submit phase, at most.
const RETRIES: u32 = 16;

/// What the directory of the round gave.
pub(super) struct Agreed<S: Suite> {
    pub(super) context: RoundContext<S::Pairing>,
    pub(super) routes: Routes,
    pub(super) hops: Vec<Hop, MAX_MIXERS>,
}

/// A packet's way to the mixer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The caller has not been asked yet what to send.
    Empty,
    /// The caller was asked for a fragment to this contact.
    Asked(Option<ContactId>),
    /// The packet stands in the lent memory; its route begins at this mixer.
    Packed(MixerIndex),
    /// The mixer has it.
    Sent,
    /// The mixer does not want it.
    Refused,
}

pub(super) struct Outgoing<S: Suite> {
    round: Round,
    schedule: Schedule,
    /// When the packets are made and submitted: random in the phase, so that not everybody comes at once.
    submit_at: UnixMs,
    /// When requests that failed are made again.
    retry_at: UnixMs,
    retry_ms: u64,
    /// How often something failed: whoever failed is not the first to be tried again.
    pub(super) failures: usize,
    pub(super) agreed: Option<Agreed<S>>,
    /// The PKGs whose share has been added, a bit each.
    shares: u64,
    sum: Option<KeyShare<S::Pairing>>,
    pub(super) key: Option<PrivateKey<S::Pairing>>,
    /// The info-node that gave the directory, until another one is asked whether it has the same.
    pub(super) unconfirmed: Option<u16>,
    /// The round has two directories: only cover is sent in it.
    pub(super) split: bool,
    /// No key will come any more in this round.
    pub(super) keyless: bool,
    pub(super) slots: Vec<Slot, 64>,
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
            retry_at: now,
            retry_ms: (phase / u64::from(RETRIES)).max(1),
            failures: 0,
            agreed: None,
            unconfirmed: None,
            split: false,
            shares: 0,
            sum: None,
            key: None,
            keyless: false,
            slots: core::iter::repeat_n(Slot::Empty, slots.into()).collect(),
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
        let phase = self.schedule.submit_until.since(self.schedule.submit_from);
        let ready = self.key.is_some() || self.keyless;
        let last = self.schedule.submit_from.plus(phase * 3 / 4);
        if ready { self.submit_at } else { self.submit_at.max(last) }
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
    ) {
        let hops = directory.mixers().map(|(mixer, a)| Hop { mixer, key: a.key }).collect();
        self.agreed = Some(Agreed { context, routes, hops });
    }

    /// Whether slots may carry what the user has to say.
    pub(super) fn may_write(&self) -> bool {
        self.key.is_some() && !self.split
    }

    pub(super) fn has_share(&self, pkg: PkgIndex) -> bool {
        self.shares & (1 << pkg.0) != 0
    }

    /// Adds a PKG's share; the sum, once all `pkgs` have given theirs.
    pub(super) fn add_share(
        &mut self,
        pkg: PkgIndex,
        share: KeyShare<S::Pairing>,
        pkgs: usize,
    ) -> Option<KeyShare<S::Pairing>> {
        if self.has_share(pkg) {
            return None;
        }
        self.shares |= 1 << pkg.0;
        let sum = match self.sum.take() {
            Some(sum) => sum.add(&share),
            None => share,
        };
        if self.shares.count_ones() as usize == pkgs {
            return Some(sum);
        }
        self.sum = Some(sum);
        None
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
        match (&self.agreed, &self.key) {
            (None, _) => Some(Missed::NoDirectory),
            (Some(_), None) => Some(Missed::NoKey),
            _ => None,
        }
    }
}
