//! A round from the last packet submitted to the mailbox searched.

use rand_core::Rng;

use crate::crypto::suite::Suite;
use crate::directory::{Manifest, Schedule};
use crate::ibe::PrivateKey;
use crate::ids::{MixerIndex, Round, UnixMs};
use crate::mailbox::{LIST_SIGNATURE_SIZE, ListPart};
use crate::seal::RoundId;

use super::event::Missed;
use super::loops::Loops;
use super::mixer_set::MixerSet;
use super::outgoing::{Outgoing, Slot};

/// The list being received in a download.
pub(super) struct List {
    pub(super) mixer: MixerIndex,
    pub(super) left: u32,
    pub(super) hashes: ListPart,
    pub(super) signature: [u8; LIST_SIGNATURE_SIZE],
}

/// How far a download has come.
#[derive(Default)]
pub(super) struct Download {
    pub(super) started: bool,
    /// Mixers whose list has been received whole and bears their signature.
    pub(super) lists: MixerSet,
    pub(super) list: Option<List>,
    pub(super) messages: u32,
    /// The loop packets that have come back, a bit each.
    pub(super) returned: u8,
    pub(super) altered: bool,
}

pub(super) struct Incoming<S: Suite> {
    schedule: Schedule,
    /// When to download: random in the window's first half.
    download_at: UnixMs,
    retry_ms: u64,
    attempts: usize,
    pub(super) id: RoundId,
    pub(super) key: Option<PrivateKey<S::Pairing>>,
    /// The mixers that deliver.
    pub(super) exits: MixerSet,
    pub(super) download: Download,
    pub(super) loops: Loops,
    /// How many messages were the user's, over all attempts.
    pub(super) opened: u32,
    pub(super) gone: bool,
    pub(super) done: bool,
}

impl<S: Suite> Incoming<S> {
    /// Takes what it needs of the round that was submitted. `None` if that has no directory. Without a key the mailbox is
    /// downloaded all the same.
    pub(super) fn new(
        outgoing: &mut Outgoing<S>,
        manifest: &Manifest<'_>,
        now: UnixMs,
        rng: &mut impl Rng,
    ) -> Option<Self> {
        let schedule = *outgoing.schedule();
        let Outgoing { agreed, extraction, slots, loops, .. } = outgoing;
        loops.keep(|slot| slots[usize::from(slot)] == Slot::Sent);
        let agreed = agreed.as_ref()?;
        let window = u64::from(manifest.parameters().download_ms);
        let delay = rng.next_u64() % (window / 2).max(1);
        Some(Self {
            schedule,
            download_at: schedule.deliver_until.plus(delay).max(now),
            retry_ms: (window / 8).max(1),
            attempts: 0,
            exits: agreed.routes.exits().into_iter().collect(),
            id: agreed.context.id().clone(),
            key: extraction.take_key(),
            download: Download::default(),
            loops: core::mem::take(loops),
            opened: 0,
            gone: false,
            done: false,
        })
    }

    pub(super) fn round(&self) -> Round {
        self.id.round()
    }

    pub(super) fn is_over(&self, now: UnixMs) -> bool {
        self.done || now >= self.schedule.closes
    }

    pub(super) fn missed(&self) -> Option<Missed> {
        match (self.done, self.gone) {
            (true, _) => None,
            (false, true) => Some(Missed::Void),
            (false, false) => Some(Missed::NoMailbox),
        }
    }

    pub(super) fn may_download(&self, now: UnixMs) -> bool {
        !self.done && now >= self.download_at
    }

    /// Which of the mailbox's servers to ask now; each attempt asks the next.
    pub(super) fn attempt(&mut self) -> usize {
        self.attempts += 1;
        self.download = Download::default();
        self.attempts - 1
    }

    pub(super) fn failed(&mut self, now: UnixMs) {
        self.download_at = now.plus(self.retry_ms);
    }

    /// When to download, again if need be.
    pub(super) fn download_at(&self) -> UnixMs {
        self.download_at
    }

    pub(super) fn closes(&self) -> UnixMs {
        self.schedule.closes
    }
}
