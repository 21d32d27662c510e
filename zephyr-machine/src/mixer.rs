//! One round in the life of a mixer.
//!
//! In phase k the mixer takes one batch from each predecessor (from clients in phase 0), mixes them together,
//! and sends a batch to each successor. If a batch is missing at the deadline, the round is void: nothing is
//! forwarded, the key is erased, everybody is told. A deadline that mixed what had come would let whoever holds
//! back the others' packets see where the last one goes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rand_core::CryptoRng;
use zephyr_core::{
    Directory, DirectoryHash, Hedge, Mailbox, Manifest, MixerAnnouncement, MixerIndex, Round,
    Schedule, Suite, UnixMs,
};

use super::batch::Gathered;
use super::mix::{Messages, Mixed, NoiseMaker, Packets, PhaseNoise, Work, wipe_stack};

mod intake;
mod keys;

pub use intake::{BatchRefusal, MAX_BATCH};
use keys::Secrets;

/// What a mixer is to do.
pub enum Action<S: Suite> {
    /// Make the round's noise while there is time. Whatever is not made of it is made when it is mixed.
    Prepare {
        /// Makes it.
        noise: NoiseMaker,
    },
    /// Mix this batch with [`Work::run`], which may take long, and report with [`MixerRound::mixed`]. Or
    /// [begin](Work::begin), report with [`MixerRound::mixing`] to have sent what is peeled, and finish.
    Mix {
        /// The phase.
        phase: usize,
        /// The packets.
        batch: Gathered,
        /// The mixer's own packets of the phase.
        noise: PhaseNoise,
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
        /// The packets, of which some may not be peeled yet.
        packets: Packets,
    },
    /// Deliver to the mailboxes and report with [`MixerRound::delivered`].
    Deliver {
        /// The messages.
        messages: BTreeMap<Mailbox, Messages>,
    },
    /// The round is void: tell the others.
    Void {
        /// The mixers whose batch did not come in time.
        missing: Vec<MixerIndex>,
    },
}

/// A phase in which the mixer works.
struct Phase {
    /// How many batches are still to come.
    awaited: usize,
    /// What has come, and the noise that goes with it; `None` from when it is being mixed.
    batch: Option<(Gathered, PhaseNoise)>,
    /// To whom its result is still to be sent; `None` until it is being peeled.
    unsent: Option<Vec<MixerIndex>>,
}

enum State<S: Suite> {
    /// The key is announced, the directory is not agreed on yet.
    Open(Box<Secrets>),
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
    watched: Mailbox,
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
        let (secrets, public) = Secrets::draw::<S>(rng, hedge);
        wipe_stack();
        let parameters = manifest.parameters();
        Self {
            me,
            watched: Mailbox((rng.next_u64() % u64::from(parameters.mailboxes)) as u32),
            announcement: MixerAnnouncement::sign::<S>(seed, manifest.network(), round, public),
            schedule: parameters.schedule(round),
            state: State::Open(secrets),
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
            State::Agreed { work, .. } => Some(&work.outline.directory),
            _ => None,
        }
    }

    /// The mailbox to which its noise serves as [loop packets](super::loops).
    pub fn watched(&self) -> Mailbox {
        self.watched
    }

    /// The mixers that deliver in the round, while it is under way.
    pub fn exits(&self) -> Option<Vec<MixerIndex>> {
        match &self.state {
            State::Agreed { work, .. } => Some(work.outline.routes.exits().to_vec()),
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
        let State::Open(secrets) = &mut self.state else { return };
        let known = directory.mixer_key(self.me) == Some(self.announcement.key);
        let Some(routes) = directory.routes(manifest).filter(|_| known) else {
            self.end();
            return;
        };
        let parameters = *manifest.parameters();
        let work = secrets.prepare(self.me, self.watched, parameters, routes, directory);
        let noise = secrets.noise(&work.outline);
        wipe_stack();
        if !noise.is_empty() {
            self.ready.push(Action::Prepare { noise: NoiseMaker::new(&noise) });
        }
        let phase = |noise: PhaseNoise| {
            let k = noise.phase();
            let awaited = work.outline.routes.predecessors(k, self.me).len();
            let batch = Some((Gathered::new(parameters.geometry.packet_len()), noise));
            (k, Phase { awaited, batch, unsent: None })
        };
        let phases = noise.into_iter().map(phase).collect();
        self.agreed = Some(work.outline.directory);
        self.state = State::Agreed { work, phases, seen: Some(HashSet::new()), undelivered: false };
        // A mixer that no route visits is done.
        self.settle();
    }

    /// What is to be done next. Nothing is sent or delivered any more when the round is late.
    pub fn poll(&mut self, now: UnixMs) -> Option<Action<S>> {
        if self.is_open() && now >= self.schedule.submit_until {
            // The others agreed without this mixer, or not at all: nobody waits for it.
            self.end();
        }
        if let Some(missing) = self.late(now) {
            self.void();
            return Some(Action::Void { missing });
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
        let (batch, noise) = state.batch.take().expect("just looked");
        if phase == 0 {
            // Nothing is submitted any more.
            self.submitted = HashSet::new();
        }
        Some(Action::Mix { phase, batch, noise, work: work.clone(), seen })
    }

    /// A phase is being peeled, and this is what will go on: it can be sent from now on. Nothing is sent if the round
    /// was given up meanwhile.
    pub fn mixing(&mut self, phase: usize, packets: &BTreeMap<MixerIndex, Packets>) {
        let State::Agreed { phases, .. } = &mut self.state else { return };
        let Some(state) = phases.get_mut(&phase).filter(|state| state.unsent.is_none()) else {
            return;
        };
        state.unsent = Some(packets.keys().copied().collect());
        for (&to, packets) in packets {
            let packets = packets.clone();
            self.ready.push(Action::Send { to, phase: phase + 1, packets });
        }
    }

    /// The result of a phase. It is forgotten if the round was given up meanwhile.
    pub fn mixed(&mut self, phase: usize, mixed: Mixed, back: HashSet<[u8; 32]>) {
        self.mixing(phase, &mixed.packets);
        let State::Agreed { work, seen, undelivered, .. } = &mut self.state else { return };
        *seen = Some(back);
        if phase + 1 == work.outline.routes.len() {
            *undelivered = true;
            self.ready.push(Action::Deliver { messages: mixed.messages });
        }
        // What was sent while it was being peeled may have been acknowledged before.
        self.settle();
    }

    /// Erases the key.
    fn end(&mut self) {
        self.state = State::Over;
        wipe_stack();
    }

    /// Ends the round, and erases its key, as soon as everything has been mixed, sent and delivered.
    fn settle(&mut self) {
        let State::Agreed { phases, undelivered, seen, .. } = &self.state else { return };
        let all_sent = phases.values().all(|p| p.unsent.as_ref().is_some_and(Vec::is_empty));
        if all_sent && !undelivered && seen.is_some() {
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

    /// Whose batches are missing, if the round can't be completed in time any more.
    fn late(&self, now: UnixMs) -> Option<Vec<MixerIndex>> {
        let State::Agreed { work, phases, .. } = &self.state else { return None };
        let incomplete =
            phases.iter().find(|(k, phase)| phase.awaited > 0 && now >= self.deadline(**k));
        if let Some((&k, _)) = incomplete {
            let predecessors = work.outline.routes.predecessors(k, self.me).into_iter();
            return Some(predecessors.filter(|m| !self.came.contains_key(&(k, *m))).collect());
        }
        (now >= self.schedule.deliver_until).then(Vec::new)
    }
}
