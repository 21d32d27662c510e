//! One round in the life of a mixer.
//!
//! In phase k the mixer takes one batch from each predecessor (from clients in phase 0), mixes them together,
//! and sends a batch to each successor. If a batch is missing at the deadline, the round is void: nothing is
//! forwarded, the key is erased, everybody is told. A deadline that mixed what had come would let whoever holds
//! back the others' packets see where the last one goes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zephyr_core::wire::SubmitRefusal;
use zephyr_core::{
    DH_SIZE, Directory, DirectoryHash, Hedge, Hop, Mailbox, Manifest, Mixer, MixerAnnouncement,
    MixerIndex, MixerKey, Parameters, Round, Routes, Schedule, Suite, UnixMs,
};

use super::batch::Batch;
use super::mix::{Mixed, WipeOnDrop, Work, wipe_stack};

/// The most packets that a mixer takes in one phase.
pub const MAX_BATCH: usize = 1 << 20;

/// What a mixer is to do.
pub enum Action<S: Suite> {
    /// Mix this batch with [`Work::run`], which may take long, and report with [`MixerRound::mixed`].
    Mix {
        /// The phase.
        phase: usize,
        /// The packets.
        batch: Batch,
        /// The keys.
        work: Arc<Work<S>>,
        /// The ephemeral keys seen in the round; give them back with the result.
        seen: HashSet<[u8; 32]>,
    },
    /// Send a batch and report with [`MixerRound::sent`]; send it again until the phase's deadline.
    Send {
        /// To this mixer.
        to: MixerIndex,
        /// The phase in which it works on it.
        phase: usize,
        /// The packets.
        batch: Arc<Batch>,
    },
    /// Deliver to the mailboxes and report with [`MixerRound::delivered`].
    Deliver {
        /// The messages.
        messages: BTreeMap<Mailbox, Batch>,
    },
    /// The round is void: tell the others.
    Void,
}

/// Why a batch is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchRefusal {
    /// The round is void, over, or not agreed on here.
    #[error("the round is not under way")]
    NotUnderWay,
    /// Its sender is no predecessor in this phase, or it is of another directory.
    #[error("the batch does not belong here")]
    NotHere,
    /// Another batch came from this sender in this phase.
    #[error("another batch has come from this mixer")]
    Another,
    /// It is too large.
    #[error("the batch is too large")]
    TooLarge,
}

/// A phase in which the mixer works.
struct Phase {
    /// How many batches are still to come.
    awaited: usize,
    /// What has come; `None` from when it is being mixed.
    batch: Option<Batch>,
    /// To whom its result is still to be sent; `None` until it is mixed.
    unsent: Option<Vec<MixerIndex>>,
}

enum State<S: Suite> {
    /// The key is announced, the directory is not agreed on yet. Boxed, so that moving the round leaves no copy of
    /// the key behind.
    Open(Box<MixerKey>),
    /// The directory is agreed on.
    Agreed {
        work: Arc<Work<S>>,
        phases: BTreeMap<usize, Phase>,
        /// `None` while a phase is being mixed.
        seen: Option<HashSet<[u8; 32]>>,
        undelivered: bool,
    },
    /// Over: delivered or void. There is no key any more.
    Over,
}

/// One round of one mixer.
pub struct MixerRound<S: Suite> {
    me: MixerIndex,
    announcement: MixerAnnouncement,
    schedule: Schedule,
    state: State<S>,
    void: bool,
    ready: Vec<Action<S>>,
    /// The digests of the packets that clients have submitted.
    submitted: HashSet<[u8; 32]>,
    /// The digests of the batches that have come, by phase and sender. Kept when the round is over: a sender that
    /// missed the acknowledgement sends again.
    came: BTreeMap<(usize, MixerIndex), [u8; 32]>,
    agreed: Option<DirectoryHash>,
}

impl<S: Suite> MixerRound<S> {
    /// Opens `round`: draws its key and signs the announcement.
    pub fn open(
        manifest: &Manifest<'_>,
        me: MixerIndex,
        round: Round,
        seed: &[u8; 32],
        rng: &mut impl CryptoRng,
        hedge: &mut Hedge,
    ) -> Self {
        let (key, public) = draw_key::<S>(rng, hedge);
        wipe_stack();
        Self {
            me,
            announcement: MixerAnnouncement::sign::<S>(seed, manifest.network(), round, public),
            schedule: manifest.parameters().schedule(round),
            state: State::Open(key),
            void: false,
            ready: Vec::new(),
            submitted: HashSet::new(),
            came: BTreeMap::new(),
            agreed: None,
        }
    }

    /// The announcement of the round's key.
    pub fn announcement(&self) -> &MixerAnnouncement {
        &self.announcement
    }

    /// The round.
    pub fn round(&self) -> Round {
        self.announcement.round
    }

    /// The directory, once agreed on and while the round is under way.
    pub fn directory(&self) -> Option<&DirectoryHash> {
        match &self.state {
            State::Agreed { work, .. } => Some(&work.directory),
            _ => None,
        }
    }

    /// Whether the directory is still waited for.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Whether nothing is left to do; no secret of the round is left either.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether the round was given up.
    pub fn is_void(&self) -> bool {
        self.void
    }

    /// The round's directory is valid. If this mixer is not in it, or with another key, the round is over for it.
    /// Only the first directory counts.
    pub fn agree(&mut self, manifest: &Manifest<'_>, directory: &Directory<'_>) {
        let State::Open(key) = &mut self.state else { return };
        let known = directory.mixer_key(self.me) == Some(self.announcement.key);
        let Some(routes) = directory.routes(manifest).filter(|_| known) else {
            self.end();
            return;
        };
        let parameters = *manifest.parameters();
        let phase = |k| {
            let awaited = routes.predecessors(k, self.me).len();
            let batch = Some(Batch::new(parameters.geometry.packet_len()));
            (k, Phase { awaited, batch, unsent: None })
        };
        let phases = (0..routes.len()).filter(|&k| routes.works(k, self.me)).map(phase).collect();
        let work = prepare(key, self.me, parameters, routes, directory);
        wipe_stack();
        self.agreed = Some(work.directory);
        self.state = State::Agreed { work, phases, seen: Some(HashSet::new()), undelivered: false };
        // A mixer that no route visits is done.
        self.settle();
    }

    /// A client submits a packet; the same packet again is accepted and dropped.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn submit(&mut self, packet: &[u8], now: UnixMs) -> Result<(), SubmitRefusal> {
        if now < self.schedule.submit_from {
            return Err(SubmitRefusal::NotYet);
        }
        if now >= self.schedule.submit_until {
            return Err(SubmitRefusal::Closed);
        }
        let State::Agreed { work, phases, .. } = &mut self.state else {
            return Err(if self.is_open() {
                SubmitRefusal::NotYet
            } else {
                SubmitRefusal::NotHere
            });
        };
        if packet.len() != work.parameters.geometry.packet_len() {
            return Err(SubmitRefusal::Length);
        }
        let batch = phases.get_mut(&0).ok_or(SubmitRefusal::NotHere)?.batch.as_mut();
        let batch = batch.ok_or(SubmitRefusal::Closed)?;
        if batch.len() >= MAX_BATCH {
            return Err(SubmitRefusal::Full);
        }
        // Only the very same packet is a copy: a broken one under somebody's ephemeral key must not keep the real
        // one out. Mixing tells them apart.
        if self.submitted.insert(Sha256::digest(packet).into()) {
            batch.push(packet);
        }
        Ok(())
    }

    /// Whether a batch for `phase` from `from` would be taken: asked before it is received. `Ok(false)` if it has
    /// come already and is only to be acknowledged again.
    ///
    /// # Errors
    /// See [`BatchRefusal`].
    pub fn expects(
        &self,
        phase: usize,
        from: MixerIndex,
        directory: &[u8; 32],
    ) -> Result<bool, BatchRefusal> {
        let agreed = self.agreed.filter(|_| !self.void).ok_or(BatchRefusal::NotUnderWay)?;
        if agreed.as_bytes() != directory {
            return Err(BatchRefusal::NotHere);
        }
        if self.came.contains_key(&(phase, from)) {
            return Ok(false);
        }
        let State::Agreed { work, .. } = &self.state else {
            return Err(BatchRefusal::NotUnderWay);
        };
        match work.routes.predecessors(phase, self.me).contains(&from) {
            true => Ok(true),
            false => Err(BatchRefusal::NotHere),
        }
    }

    /// A batch has come whole. Coming again it is taken for the same only if its digest is.
    ///
    /// # Errors
    /// See [`BatchRefusal`].
    pub fn receive(
        &mut self,
        phase: usize,
        from: MixerIndex,
        digest: [u8; 32],
        mut batch: Batch,
    ) -> Result<(), BatchRefusal> {
        if let Some(came) = self.came.get(&(phase, from)).filter(|_| !self.void) {
            return if *came == digest { Ok(()) } else { Err(BatchRefusal::Another) };
        }
        let State::Agreed { work, phases, .. } = &mut self.state else {
            return Err(BatchRefusal::NotUnderWay);
        };
        if !work.routes.predecessors(phase, self.me).contains(&from) {
            return Err(BatchRefusal::NotHere);
        }
        let state = phases.get_mut(&phase).ok_or(BatchRefusal::NotHere)?;
        let collected = state.batch.as_mut().ok_or(BatchRefusal::NotHere)?;
        if batch.item_len() != collected.item_len() {
            return Err(BatchRefusal::NotHere);
        }
        if collected.len() + batch.len() > MAX_BATCH {
            return Err(BatchRefusal::TooLarge);
        }
        collected.append(&mut batch);
        state.awaited -= 1;
        self.came.insert((phase, from), digest);
        Ok(())
    }

    /// What is to be done next. Nothing is sent or delivered any more when the round is late.
    pub fn poll(&mut self, now: UnixMs) -> Option<Action<S>> {
        if self.is_open() && now >= self.schedule.submit_until {
            // The others agreed without this mixer, or not at all: nobody waits for it.
            self.end();
        }
        if self.is_late(now) {
            return self.give_up();
        }
        if let Some(action) = self.ready.pop() {
            return Some(action);
        }
        let State::Agreed { work, phases, seen, .. } = &mut self.state else { return None };
        let submitting = now < self.schedule.submit_until;
        let (&phase, state) = phases.iter_mut().find(|(k, phase)| {
            phase.batch.is_some() && phase.awaited == 0 && !(**k == 0 && submitting)
        })?;
        let seen = seen.take()?;
        let batch = state.batch.take().expect("just looked");
        Some(Action::Mix { phase, batch, work: work.clone(), seen })
    }

    /// The result of a phase. It is forgotten if the round was given up meanwhile.
    pub fn mixed(&mut self, phase: usize, mixed: Mixed, back: HashSet<[u8; 32]>) {
        let State::Agreed { work, phases, seen, undelivered } = &mut self.state else { return };
        *seen = Some(back);
        let Some(state) = phases.get_mut(&phase) else { return };
        state.unsent = Some(mixed.packets.keys().copied().collect());
        for (to, batch) in mixed.packets {
            self.ready.push(Action::Send { to, phase: phase + 1, batch: Arc::new(batch) });
        }
        if phase + 1 == work.routes.len() {
            *undelivered = true;
            self.ready.push(Action::Deliver { messages: mixed.messages });
        }
    }

    /// Erases the key.
    fn end(&mut self) {
        self.state = State::Over;
        wipe_stack();
    }

    /// Ends the round, and erases its key, as soon as everything has been sent and delivered.
    fn settle(&mut self) {
        let State::Agreed { phases, undelivered, .. } = &self.state else { return };
        let all_sent = phases.values().all(|p| p.unsent.as_ref().is_some_and(Vec::is_empty));
        if all_sent && !undelivered {
            self.end();
        }
    }

    /// `to` has acknowledged the batch for `phase`.
    pub fn sent(&mut self, to: MixerIndex, phase: usize) {
        if let State::Agreed { phases, .. } = &mut self.state
            && let Some(state) = phase.checked_sub(1).and_then(|k| phases.get_mut(&k))
            && let Some(unsent) = &mut state.unsent
        {
            unsent.retain(|&mixer| mixer != to);
        }
        self.settle();
    }

    /// All mailbox servers have acknowledged.
    pub fn delivered(&mut self) {
        if let State::Agreed { undelivered, .. } = &mut self.state {
            *undelivered = false;
        }
        self.settle();
    }

    /// Another mixer of the round has given it up, so it can't be completed here either.
    pub fn void(&mut self) {
        if !self.is_over() {
            self.void = true;
            self.end();
            self.ready.clear();
        }
    }

    /// When [`MixerRound::poll`] has to be called again at the latest.
    pub fn wake_up(&self) -> UnixMs {
        match &self.state {
            State::Over => self.schedule.closes,
            State::Open(_) => self.schedule.submit_until,
            State::Agreed { phases, .. } => {
                // What is complete waits for nothing but the mixing of an earlier phase.
                let waits = |k: usize, phase: &Phase| {
                    phase.batch.is_some() && (k == 0 || phase.awaited > 0)
                };
                let deadlines =
                    phases.iter().filter(|(k, p)| waits(**k, p)).map(|(&k, _)| self.deadline(k));
                deadlines.min().unwrap_or(self.schedule.deliver_until)
            }
        }
    }

    /// When everything for phase `k` must have come.
    fn deadline(&self, k: usize) -> UnixMs {
        match k {
            0 => self.schedule.submit_until,
            _ => self.schedule.phase_deadline(k - 1),
        }
    }

    fn is_late(&self, now: UnixMs) -> bool {
        let State::Agreed { phases, .. } = &self.state else { return false };
        let incomplete =
            phases.iter().any(|(&k, phase)| phase.awaited > 0 && now >= self.deadline(k));
        incomplete || now >= self.schedule.deliver_until
    }

    fn give_up(&mut self) -> Option<Action<S>> {
        self.void();
        Some(Action::Void)
    }
}

/// Draws the round's key on the heap. A function of its own, so that its frame can be wiped behind it.
#[inline(never)]
fn draw_key<S: Suite>(
    rng: &mut impl CryptoRng,
    hedge: &mut Hedge,
) -> (Box<MixerKey>, [u8; DH_SIZE]) {
    let key = Box::new(MixerKey::generate(rng, hedge));
    let public = key.public::<S>();
    (key, public)
}

/// Moves the key to where it is used and leaves zeros in its old place.
#[inline(never)]
fn prepare<S: Suite>(
    key: &mut MixerKey,
    me: MixerIndex,
    parameters: Parameters,
    routes: Routes,
    directory: &Directory<'_>,
) -> Arc<Work<S>> {
    let key = std::mem::replace(key, MixerKey::from_bytes([0; DH_SIZE]));
    let hash = directory.hash();
    Arc::new(Work {
        mixer: Mixer::new(parameters.geometry, hash, key),
        me,
        directory: hash,
        hops: directory.mixers().map(|(mixer, a)| Hop { mixer, key: a.key }).collect(),
        routes,
        parameters,
        wipe: WipeOnDrop,
    })
}
