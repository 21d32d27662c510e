//! One round in the life of a mixer.
//!
//! In phase k the mixer takes one batch from each predecessor (from clients in phase 0), mixes them together,
//! and sends a batch to each successor. If a batch is missing at the deadline, the round is void: nothing is
//! forwarded, the key is erased, everybody is told. A deadline that mixed what had come would let whoever holds
//! back the others' packets see where the last one goes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rand_core::CryptoRng;
use zephyr_core::wire::SubmitRefusal;
use zephyr_core::{
    Directory, DirectoryHash, Hedge, Mailbox, Manifest, Mixer, MixerAnnouncement, MixerIndex,
    MixerKey, Round, Schedule, Suite, UnixMs,
};

use super::batch::Batch;
use super::mix::{Mixed, Work};

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
    /// The digests of the batches that have come.
    came: BTreeMap<MixerIndex, [u8; 32]>,
    batch: Option<Batch>,
    /// To whom its result is still to be sent; `None` until it is mixed.
    unsent: Option<Vec<MixerIndex>>,
}

enum State<S: Suite> {
    /// The key is announced, the directory is not agreed on yet.
    Open(MixerKey),
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
    submitted: HashSet<[u8; 32]>,
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
        let key = MixerKey::generate(rng, hedge);
        let public = key.public::<S>();
        Self {
            me,
            announcement: MixerAnnouncement::sign::<S>(seed, manifest.network(), round, public),
            schedule: manifest.parameters().schedule(round),
            state: State::Open(key),
            void: false,
            ready: Vec::new(),
            submitted: HashSet::new(),
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
    pub fn agree(&mut self, manifest: &Manifest<'_>, directory: &Directory<'_>) {
        if directory.mixer_key(self.me) != Some(self.announcement.key) {
            self.state = State::Over;
            return;
        }
        let State::Open(key) = std::mem::replace(&mut self.state, State::Over) else { return };
        let Some(routes) = directory.routes(manifest) else { return };
        let (parameters, hash) = (*manifest.parameters(), directory.hash());
        let phases = (0..routes.len()).filter(|&k| routes.works(k, self.me));
        let packet_len = parameters.geometry.packet_len();
        let phase = |k| {
            (k, Phase { came: BTreeMap::new(), batch: Some(Batch::new(packet_len)), unsent: None })
        };
        self.state = State::Agreed {
            phases: phases.map(phase).collect(),
            seen: Some(HashSet::new()),
            undelivered: false,
            work: Arc::new(Work {
                mixer: Mixer::new(parameters.geometry, hash, key),
                me: self.me,
                directory: hash,
                hops: directory.mixers().map(|(mixer, _)| directory.hop(mixer)).flatten().collect(),
                routes,
                parameters,
            }),
        };
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
        let key = Mixer::<S>::ephemeral_key(packet)
            .filter(|_| packet.len() == work.parameters.geometry.packet_len())
            .ok_or(SubmitRefusal::Length)?;
        let batch = phases.get_mut(&0).ok_or(SubmitRefusal::NotHere)?.batch.as_mut();
        let batch = batch.ok_or(SubmitRefusal::Closed)?;
        if batch.len() >= MAX_BATCH {
            return Err(SubmitRefusal::Full);
        }
        // Two packets under one ephemeral key: mixing would drop the second, so drop it here.
        if self.submitted.insert(key) {
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
        let State::Agreed { work, phases, .. } = &self.state else {
            return Err(BatchRefusal::NotUnderWay);
        };
        let predecessor = work.routes.predecessors(phase, self.me).contains(&from);
        if !predecessor || work.directory.as_bytes() != directory {
            return Err(BatchRefusal::NotHere);
        }
        let phase = phases.get(&phase).ok_or(BatchRefusal::NotHere)?;
        Ok(!phase.came.contains_key(&from))
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
        let State::Agreed { work, phases, .. } = &mut self.state else {
            return Err(BatchRefusal::NotUnderWay);
        };
        if !work.routes.predecessors(phase, self.me).contains(&from) {
            return Err(BatchRefusal::NotHere);
        }
        let phase = phases.get_mut(&phase).ok_or(BatchRefusal::NotHere)?;
        if let Some(came) = phase.came.get(&from) {
            return if *came == digest { Ok(()) } else { Err(BatchRefusal::Another) };
        }
        let collected = phase.batch.as_mut().ok_or(BatchRefusal::NotHere)?;
        if collected.len() + batch.len() > MAX_BATCH {
            return Err(BatchRefusal::TooLarge);
        }
        collected.append(&mut batch);
        phase.came.insert(from, digest);
        Ok(())
    }

    /// What is to be done next.
    pub fn poll(&mut self, now: UnixMs) -> Option<Action<S>> {
        if let Some(action) = self.ready.pop() {
            return Some(action);
        }
        match &self.state {
            State::Over => return None,
            State::Open(_) if now >= self.schedule.submit_until => {
                // The others agreed without this mixer, or not at all: nobody waits for it.
                self.state = State::Over;
                return None;
            }
            State::Open(_) => return None,
            State::Agreed { .. } => {}
        }
        if self.is_late(now) {
            return self.give_up();
        }
        let State::Agreed { work, phases, seen, undelivered } = &mut self.state else {
            return None;
        };
        let complete = phases.iter_mut().find(|(k, phase)| {
            let waits_for = work.routes.predecessors(**k, self.me).len();
            let open = **k == 0 && now < self.schedule.submit_until;
            phase.batch.is_some() && !open && phase.came.len() == waits_for
        });
        if let Some((&phase, state)) = complete
            && let Some(seen) = seen.take()
        {
            let batch = state.batch.take().expect("just looked");
            return Some(Action::Mix { phase, batch, work: work.clone(), seen });
        }
        let all_sent = phases.values().all(|p| p.unsent.as_ref().is_some_and(Vec::is_empty));
        if all_sent && !*undelivered {
            self.state = State::Over;
        }
        None
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

    /// `to` has acknowledged the batch for `phase`.
    pub fn sent(&mut self, to: MixerIndex, phase: usize) {
        if let State::Agreed { phases, .. } = &mut self.state
            && let Some(state) = phases.get_mut(&(phase - 1))
            && let Some(unsent) = &mut state.unsent
        {
            unsent.retain(|&mixer| mixer != to);
        }
    }

    /// All mailbox servers have acknowledged.
    pub fn delivered(&mut self) {
        if let State::Agreed { undelivered, .. } = &mut self.state {
            *undelivered = false;
        }
    }

    /// Another mixer of the round has given it up, so it can't be completed here either.
    pub fn void(&mut self) {
        if !self.is_over() {
            self.void = true;
            self.state = State::Over;
            self.ready.clear();
        }
    }

    /// When [`MixerRound::poll`] has to be called again at the latest.
    pub fn wake_up(&self) -> UnixMs {
        match &self.state {
            State::Over => self.schedule.closes,
            State::Open(_) => self.schedule.submit_until,
            State::Agreed { phases, .. } => {
                let deadlines = phases
                    .iter()
                    .filter_map(|(&k, phase)| phase.batch.as_ref().map(|_| self.deadline(k)));
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
        let State::Agreed { work, phases, .. } = &self.state else { return false };
        let incomplete = phases.iter().any(|(&k, phase)| {
            phase.came.len() < work.routes.predecessors(k, self.me).len() && now >= self.deadline(k)
        });
        incomplete || now >= self.schedule.deliver_until
    }

    fn give_up(&mut self) -> Option<Action<S>> {
        self.void();
        Some(Action::Void)
    }
}
