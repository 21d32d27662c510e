//! A round from its directory to the last packet submitted.

use heapless::Vec;
use rand_core::Rng;

use crate::crypto::suite::Suite;
use crate::directory::{Directory, Schedule};
use crate::ibe::{KeyShare, PrivateKey};
use crate::ids::{MixerIndex, PkgIndex, Round, UnixMs};
use crate::onion::{Hop, MAX_MIXERS, Routes};
use crate::seal::RoundContext;

use super::event::Missed;

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
    /// The caller was asked.
    Asked,
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
    pub(super) agreed: Option<Agreed<S>>,
    /// The PKGs whose share has been added, a bit each.
    shares: u64,
    sum: Option<KeyShare<S::Pairing>>,
    pub(super) key: Option<PrivateKey<S::Pairing>>,
    /// No key will come any more in this round.
    pub(super) keyless: bool,
    pub(super) slots: Vec<Slot, 64>,
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
            agreed: None,
            shares: 0,
            sum: None,
            key: None,
            keyless: false,
            slots: core::iter::repeat_n(Slot::Empty, slots.into()).collect(),
        }
    }

    pub(super) fn round(&self) -> Round {
        self.round
    }

    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Over when every packet is sent or refused, or the phase has ended.
    pub(super) fn is_over(&self, now: UnixMs) -> bool {
        let done = self.slots.iter().all(|s| matches!(s, Slot::Sent | Slot::Refused));
        done || now >= self.schedule.submit_until
    }

    /// Keys are waited for until the last quarter; without them the slots carry cover.
    pub(super) fn must_fill(&self, now: UnixMs) -> bool {
        let phase = self.schedule.submit_until.since(self.schedule.submit_from);
        let ready = self.key.is_some() || self.keyless;
        now >= self.submit_at && (ready || now >= self.schedule.submit_from.plus(phase * 3 / 4))
    }

    pub(super) fn may_retry(&self, now: UnixMs) -> bool {
        now >= self.retry_at
    }

    pub(super) fn failed(&mut self, now: UnixMs) {
        self.retry_at = now.plus(self.retry_ms);
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

    /// The slots whose packet no mixer has taken.
    pub(super) fn unsent(&self) -> impl Iterator<Item = u8> + use<S> {
        let slots = self.slots.clone();
        (0..slots.len() as u8).filter(move |&slot| slots[usize::from(slot)] != Slot::Sent)
    }

    pub(super) fn missed(&self) -> Option<Missed> {
        match (&self.agreed, &self.key) {
            (None, _) => Some(Missed::NoDirectory),
            (Some(_), None) => Some(Missed::NoKey),
            _ => None,
        }
    }

    pub(super) fn wake_up(&self) -> UnixMs {
        let next = match &self.agreed {
            // A phase's quarters and retries are the only times at which something happens by itself.
            Some(_) if self.key.is_some() || self.keyless => self.submit_at,
            _ => self.retry_at,
        };
        next.max(self.retry_at).min(self.schedule.submit_until)
    }
}
