//! The mixer: one task that owns the rounds; whatever takes long runs beside it and reports back.

mod handler;
mod jobs;
mod state;

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use zephyr_core::wire::{Bytes, SubmitRefusal, decode};
use zephyr_core::{Directory, MixerIndex, Round, SigningGuard, UnixMs, sign_directory};

use crate::listen::stopped;
use crate::net::{Incoming, NodeId};
use crate::node::context::{self, Opening};
use crate::node::{Context, Native, NodeEvent, stats};
use zephyr_machine::coordinator::{Coordinator, consider};
use zephyr_machine::mixer::{Action, MixerRound};
use zephyr_machine::peer::{BatchHeader, PeerReply, PeerRequest, ProposalRefusal, encode};
use zephyr_machine::record::{ReadyRecord, Record, RecordKey, RecordKind, SignedRecord};

pub(crate) use handler::MixerHandler;
use handler::Submission;
use jobs::{Done, Jobs};
use state::GuardFile;
pub(crate) use state::load_guard;

/// Submissions that wait for the mixer's task; more wait in their connections.
const SUBMISSIONS: usize = 1024;

/// A mixer.
pub(crate) struct MixerServer {
    context: Context,
    me: MixerIndex,
    guard: SigningGuard,
    guard_file: GuardFile,
    rounds: BTreeMap<Round, MixerRound<Native>>,
    coordinators: BTreeMap<Round, Coordinator>,
    submissions: mpsc::Receiver<Submission>,
    jobs: Jobs,
}

impl MixerServer {
    pub(crate) fn new(
        context: Context,
        (guard, guard_file): (SigningGuard, GuardFile),
    ) -> (Self, MixerHandler) {
        let (to_mixer, submissions) = mpsc::channel(SUBMISSIONS);
        let server = Self {
            me: MixerIndex(context.index as u16),
            guard,
            guard_file,
            rounds: BTreeMap::new(),
            coordinators: BTreeMap::new(),
            submissions,
            jobs: Jobs::new(),
            context,
        };
        (server, MixerHandler::new(to_mixer))
    }

    /// Mixes until the server stops.
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut opening = Opening::new(&self.context.manifest);
        let mut changes = self.context.board.changes();
        let mut stop = self.context.stop.clone();
        loop {
            let wake = self.advance(&mut opening).await;
            tokio::select! {
                () = stopped(&mut stop) => break,
                () = context::sleep_to(wake) => {}
                _ = changes.changed() => {}
                Some(submission) = self.submissions.recv() => self.submit(submission),
                Some(done) = self.jobs.next() => self.done(done),
                message = incoming.recv() => match message {
                    Some(Incoming::Call { from, request, reply }) => {
                        let answer = self.answer(from, &request);
                        reply.send(encode(&answer));
                    }
                    Some(Incoming::Batch { from, header, item_len, reader }) => {
                        if let Some((round, phase, from)) = self.expects(from, &header, item_len) {
                            self.jobs.receive(round, phase, from, item_len, reader);
                        }
                    }
                    None => break,
                },
            }
        }
        // What is under way can't be finished without this mixer.
        for round in std::mem::take(&mut self.rounds).into_values() {
            if round.directory().is_some() {
                self.jobs.tell_void(&self.context, round.round());
            }
        }
        self.jobs.finish().await;
    }

    /// Does everything that is due; says when to look again.
    async fn advance(&mut self, opening: &mut Opening) -> UnixMs {
        let now = context::now();
        if let Some(round) = opening.take(&self.context.manifest) {
            self.open(round).await;
        }
        self.agree();
        self.coordinate(now);
        let rounds: Vec<_> = self.rounds.keys().copied().collect();
        for round in rounds {
            while let Some(action) = self.rounds.get_mut(&round).and_then(|r| r.poll(now)) {
                self.act(round, action);
            }
        }
        self.wake_up(opening, now)
    }

    fn wake_up(&self, opening: &Opening, now: UnixMs) -> UnixMs {
        let parameters = *self.context.manifest.get().parameters();
        let mut wake = opening.at(&self.context.manifest);
        for round in self.rounds.values().filter(|r| !r.is_over()) {
            wake = wake.min(round.wake_up());
            if round.is_open() {
                // Coordination goes by eighths of the opening.
                wake = wake.min(now.plus((u64::from(parameters.open_ms) / 8).max(5)));
            }
        }
        wake.max(now.plus(1))
    }

    async fn open(&mut self, round: Round) {
        let context = &mut self.context;
        let manifest = context.manifest.get();
        let (seed, rng) = (&context.identity_seed, &mut context::rng());
        let opened = MixerRound::open(&manifest, self.me, round, seed, rng, &mut context.hedge);
        let announcement = *opened.announcement();
        self.rounds.insert(round, opened);
        self.coordinators.insert(round, Coordinator::new(self.me, round));
        let kept = manifest.parameters().span_ms() / u64::from(manifest.parameters().round_ms) + 2;
        let oldest = Round(round.0.saturating_sub(kept));
        self.rounds = self.rounds.split_off(&oldest);
        self.coordinators = self.coordinators.split_off(&oldest);
        self.publish(RecordKind::MixerKey, round, &Record::MixerKey(announcement));
        self.context.event(NodeEvent::Opened { round });
        self.context.prune().await;
    }

    fn publish(&self, kind: RecordKind, round: Round, record: &Record) {
        self.context.publish(RecordKey { kind, round, index: self.me.0 }, record);
    }

    /// Takes over the directories that have become valid.
    fn agree(&mut self) {
        let manifest = self.context.manifest.clone();
        for (&round, mixing) in self.rounds.iter_mut().filter(|(_, r)| r.is_open()) {
            let Some(bytes) = self.context.board.directory(round) else {
                self.context.fetch_missing(round);
                continue;
            };
            let Ok(directory) = Directory::parse(&bytes) else { continue };
            mixing.agree(&manifest.get(), &directory);
            let mixers = directory.mixers().count();
            self.context.event(NodeEvent::Agreed { round, mixers });
        }
    }

    /// Proposes directories, if on duty.
    fn coordinate(&mut self, now: UnixMs) {
        let manifest = self.context.manifest.clone();
        let rounds: Vec<_> = self.coordinators.keys().copied().collect();
        for round in rounds {
            let proposal = {
                let board = self.context.board.lock();
                if board.directory(round).is_some() {
                    continue;
                }
                let coordinator = self.coordinators.get_mut(&round);
                coordinator.and_then(|c| c.poll(&manifest.get(), &board, now))
            };
            let Some(proposal) = proposal else { continue };
            for to in proposal.to {
                if to == self.me {
                    if let PeerReply::Signed(_) = self.sign(&proposal.body) {
                        self.proposal_signed(round, to);
                    }
                } else {
                    self.jobs.propose(&self.context, round, to, &proposal.body);
                }
            }
        }
    }

    fn proposal_signed(&mut self, round: Round, mixer: MixerIndex) {
        if let Some(coordinator) = self.coordinators.get_mut(&round) {
            coordinator.signed(mixer);
        }
    }

    fn answer(&mut self, from: NodeId, request: &[u8]) -> PeerReply {
        let Some(mixer) = self.context.mixer(from) else {
            return PeerReply::Refused(ProposalRefusal::NotAllowed);
        };
        match decode(request) {
            Ok(PeerRequest::Propose { body }) => self.sign(body),
            Ok(PeerRequest::Void { round }) => {
                self.void(round, mixer);
                PeerReply::Noted
            }
            Err(_) => PeerReply::Refused(ProposalRefusal::Invalid),
        }
    }

    /// Checks a proposed directory, remembers that it is signed, and only then signs it.
    fn sign(&mut self, body: &[u8]) -> PeerReply {
        let manifest = self.context.manifest.clone();
        let round = Directory::parse(body).map(|d| d.round());
        let own = round.ok().and_then(|round| self.rounds.get(&round)).map(|r| *r.announcement());
        let manifest = manifest.get();
        let now = context::now();
        let mut guard = self.guard;
        let considered =
            consider::<Native>(&manifest, self.me, own.as_ref(), &mut guard, body, now);
        let (round, hash) = match considered {
            Ok(admitted) => admitted,
            Err(why) => {
                tracing::debug!(?why, "a proposed directory is not signed");
                return PeerReply::Refused(why);
            }
        };
        if let Err(error) = self.guard_file.store(&guard) {
            tracing::error!(%error, "can't write what was signed, so nothing is signed: check the state folder");
            return PeerReply::Refused(ProposalRefusal::Unavailable);
        }
        self.guard = guard;
        let signature = sign_directory::<Native>(&self.context.identity_seed, &hash);
        let mixers = Directory::parse(body).map(|d| d.mixers().map(|(index, _)| index).collect());
        let mixers = mixers.unwrap_or_default();
        let record = SignedRecord { directory: hash, mixers, signature };
        self.publish(RecordKind::Signed, round, &Record::Signed(record));
        PeerReply::Signed(Bytes(signature))
    }

    /// Another mixer of the round has given it up.
    fn void(&mut self, round: Round, from: MixerIndex) {
        let Some(bytes) = self.context.board.directory(round) else { return };
        let takes_part = Directory::parse(&bytes).is_ok_and(|d| d.mixer_key(from).is_some());
        if let Some(mixing) = self.rounds.get_mut(&round).filter(|r| takes_part && !r.is_over()) {
            mixing.void();
            self.note_void(round);
        }
    }

    fn note_void(&self, round: Round) {
        stats::add(&self.context.stats.rounds_void, 1);
        self.context.event(NodeEvent::Void { round });
    }

    fn submit(&mut self, submission: Submission) {
        let Submission { round, packet, reply } = submission;
        let taken = match self.rounds.get_mut(&round) {
            Some(mixing) => mixing.submit(&packet, context::now()),
            None => Err(SubmitRefusal::NotHere),
        };
        if taken.is_ok() {
            stats::add(&self.context.stats.packets_in, 1);
        }
        // A client that has gone is told nothing; its packet is in the batch all the same.
        let _ = reply.send(taken);
    }

    /// The round and phase of an incoming batch, if it is to be received.
    fn expects(
        &self,
        from: NodeId,
        header: &[u8],
        item_len: usize,
    ) -> Option<(Round, usize, MixerIndex)> {
        let from = self.context.mixer(from)?;
        let Ok(BatchHeader::Mix { round, directory, phase }) = decode(header) else { return None };
        let packet_len = self.context.manifest.get().parameters().geometry.packet_len();
        let mixing = self.rounds.get(&round).filter(|_| item_len == packet_len)?;
        match mixing.expects(phase.into(), from, &directory.0) {
            Ok(_) => Some((round, phase.into(), from)),
            Err(error) => {
                tracing::debug!(%error, "a batch is not taken");
                None
            }
        }
    }

    fn act(&mut self, round: Round, action: Action<Native>) {
        let Some(mixing) = self.rounds.get(&round) else { return };
        let directory = mixing.directory().copied();
        match action {
            Action::Mix { phase, batch, work, seen } => {
                let secret = self.context.hedge.draw::<32>(&mut context::rng(), &[b"mix"]);
                self.jobs.mix(round, phase, batch, work, seen, &secret);
            }
            Action::Send { to, phase, batch } => {
                let Some(directory) = directory else { return };
                let header = BatchHeader::mix(round, &directory, phase);
                stats::add(&self.context.stats.forwarded, batch.len());
                self.jobs.send(&self.context, round, to, phase, header, batch);
            }
            Action::Deliver { messages } => {
                let Some(directory) = directory else { return };
                self.jobs.deliver(&self.context, self.me, round, directory, messages);
            }
            Action::Void => {
                self.note_void(round);
                self.jobs.tell_void(&self.context, round);
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Mixed { round, phase, packets, mixed, seen } => {
                let (dropped, noise) = (mixed.dropped, mixed.noise);
                stats::add(&self.context.stats.packets_dropped, dropped);
                stats::add(&self.context.stats.noise, noise);
                let Some(mixing) = self.rounds.get_mut(&round).filter(|r| !r.is_void()) else {
                    return;
                };
                mixing.mixed(phase, mixed, seen);
                self.context.event(NodeEvent::Mixed { round, phase, packets, dropped, noise });
                let manifest = self.context.manifest.get();
                let (seed, network) = (&self.context.identity_seed, manifest.network());
                let ready = ReadyRecord::sign::<Native>(seed, network, round, phase as u8);
                self.publish(RecordKind::Ready, round, &Record::Ready(ready));
            }
            Done::Received { round, phase, from, digest, batch, reader } => {
                let Some(mixing) = self.rounds.get_mut(&round) else { return };
                let packets = batch.len();
                match mixing.receive(phase, from, digest, batch) {
                    Ok(()) => {
                        stats::add(&self.context.stats.packets_mixed, packets);
                        self.jobs.acknowledge(reader);
                    }
                    Err(error) => tracing::debug!(%error, "a batch is not taken"),
                }
            }
            Done::Sent { round, to, phase } => {
                if let Some(mixing) = self.rounds.get_mut(&round) {
                    mixing.sent(to, phase);
                }
            }
            Done::Delivered { round, messages } => {
                if let Some(mixing) = self.rounds.get_mut(&round) {
                    mixing.delivered();
                    stats::add(&self.context.stats.delivered, messages);
                    self.context.event(NodeEvent::Delivered { round, messages });
                }
            }
            Done::Signed { round, mixer } => self.proposal_signed(round, mixer),
            Done::Nothing => {}
        }
    }
}
