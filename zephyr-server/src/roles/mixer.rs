//! The mixer's shell: one task that does what the rules say; whatever takes long runs beside it and reports back.

mod ahead;
mod handler;
mod jobs;
mod state;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::listen::stopped;
use crate::net::{Incoming, Reply};
use crate::node::context::{node_id, server_id};
use crate::node::drain::Left;
use crate::node::{Context, Native, context, stats};
use zephyr_machine::event::ServerEvent;
use zephyr_machine::mix::{BadPackets, Packets};
use zephyr_machine::mixer_server::{self, CallId, MixerAction};
use zephyr_machine::peer::encode;

pub(crate) use handler::MixerHandler;
use handler::Submission;
use jobs::{Done, Jobs, Outgoing};
use state::GuardFile;
pub(crate) use state::load_guard;

/// Submissions that wait for the mixer's task; more wait in their connections.
const SUBMISSIONS: usize = 1024;

/// A mixer.
pub(crate) struct MixerServer {
    context: Context,
    rules: mixer_server::MixerServer<Native>,
    guard_file: Arc<GuardFile>,
    submissions: mpsc::Receiver<Submission>,
    jobs: Jobs,
    /// The calls that wait for an answer.
    calls: HashMap<CallId, Reply>,
    next_call: u64,
}

impl MixerServer {
    pub(crate) fn new(
        context: Context,
        (guard, guard_file): (zephyr_core::SigningGuard, GuardFile),
    ) -> (Self, MixerHandler) {
        let (to_mixer, submissions) = mpsc::channel(SUBMISSIONS);
        let (manifest, seed) = (context.manifest.clone(), context.identity_seed.clone());
        let hedge = context.hedge();
        let server = Self {
            rules: mixer_server::MixerServer::new(manifest, seed, hedge, guard, context::now()),
            guard_file: Arc::new(guard_file),
            submissions,
            jobs: Jobs::new(context.net.clone()),
            calls: HashMap::new(),
            next_call: 0,
            context,
        };
        (server, MixerHandler::new(to_mixer))
    }

    /// Mixes until the server stops.
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut changes = self.context.board.changes();
        let mut stop = self.context.stop.clone();
        let mut draining = self.context.draining.clone();
        loop {
            self.act_all();
            draining.tell(match self.rules.is_idle() {
                true => Left::Nothing,
                false => Left::Until(self.rules.busy_until()),
            });
            tokio::select! {
                () = stopped(&mut stop) => break,
                () = draining.begin() => self.rules.stop_opening(),
                () = context::sleep_to(self.rules.wake_up(context::now())) => {}
                _ = changes.changed() => {}
                Some(submission) = self.submissions.recv() => self.submit(submission),
                Some(done) = self.jobs.next() => self.done(done),
                message = incoming.recv() => match message {
                    Some(message) => self.hear(message),
                    None => break,
                },
            }
        }
        self.rules.stop();
        self.act_all();
        self.jobs.finish().await;
    }

    /// Does everything that is due.
    fn act_all(&mut self) {
        loop {
            let board = self.context.board.lock();
            let action = self.rules.poll(&board, context::now(), &mut context::rng());
            drop(board);
            let Some(action) = action else { return };
            self.act(action);
        }
    }

    fn act(&mut self, action: MixerAction<Native>) {
        let context = &self.context;
        match action {
            MixerAction::Publish { key, record } => context.publish(key, &record),
            MixerAction::Fetch { keys } => context.fetch(keys),
            MixerAction::StoreGuard { guard } => self.jobs.store(&self.guard_file, guard),
            MixerAction::Propose { round, to, index, request } => {
                let parameters = *context.manifest.at(round).parameters();
                let within = Duration::from_millis(parameters.open_ms.into());
                self.jobs.propose(round, (node_id(&to), index), &request, within);
            }
            MixerAction::Reply { call, reply } => {
                if let Some(waiting) = self.calls.remove(&call) {
                    // A caller that has gone asks again.
                    waiting.send(encode(&reply));
                }
            }
            MixerAction::Prepare { noise, .. } => self.jobs.prepare(&noise),
            MixerAction::Mix { round, batch, noise, work, seen, secret, .. } => {
                self.jobs.mix(round, batch, noise, work, seen, &secret);
            }
            MixerAction::Send { round, phase, to, index, header, packets, until } => {
                let done = Done::Sent { round, to: index, phase };
                let batch = Outgoing::Packets(packets);
                self.jobs.send(node_id(&to), &header, batch, until, done);
            }
            MixerAction::Upload { round, to, header, delivery, until } => {
                let done = Done::Uploaded { round, to };
                let batch = Outgoing::Delivery(delivery);
                self.jobs.send(node_id(&to), &header, batch, until, done);
            }
            MixerAction::Ask { id, to, request } => self.jobs.ask(id, node_id(&to), request),
            MixerAction::TellVoid { to, request, .. } => self.jobs.tell(to, &request),
            MixerAction::Event(event) => self.event(event),
        }
    }

    fn event(&self, event: ServerEvent) {
        let stats = &self.context.stats;
        match &event {
            ServerEvent::Mixed { dropped, noise, .. } => {
                let dropped = dropped.values().map(BadPackets::sum).sum();
                stats::add(&stats.packets_dropped, dropped);
                stats::add(&stats.noise, *noise);
            }
            ServerEvent::Delivered { messages, .. } => stats::add(&stats.delivered, *messages),
            _ => {}
        }
        self.context.event(event);
    }

    fn submit(&mut self, submission: Submission) {
        let Submission { round, packet, reply } = submission;
        let taken = self.rules.submit(round, &packet, context::now());
        if taken.is_ok() {
            stats::add(&self.context.stats.packets_in, 1);
        }
        // A client that has gone is told nothing; its packet is in the batch all the same.
        let _ = reply.send(taken);
    }

    fn hear(&mut self, message: Incoming) {
        match message {
            Incoming::Call { from, request, reply } => {
                let call = CallId(self.next_call);
                self.next_call += 1;
                self.calls.insert(call, reply);
                let board = self.context.board.lock();
                self.rules.call(call, &server_id(from), &request, &board, context::now());
            }
            Incoming::Batch { from, header, item_len, reader } => {
                if let Some(what) = self.rules.expects(&server_id(from), &header, item_len) {
                    self.jobs.receive(what, item_len, reader);
                }
            }
        }
    }

    fn done(&mut self, done: Done) {
        let rules = &mut self.rules;
        match done {
            Done::Shuffled { round, phase, mixing, work, seen } => {
                rules.mixing(round, phase, mixing.packets());
                self.jobs.peel((round, phase), mixing, work, seen);
            }
            Done::Mixed { round, phase, mixed, seen } => {
                let forwarded = mixed.packets.values().map(Packets::len).sum();
                stats::add(&self.context.stats.forwarded, forwarded);
                rules.mixed(round, phase, mixed, seen);
            }
            Done::Received { what, digest, batch, reader } => {
                let packets = batch.len();
                if rules.received(what.round, what.phase, what.from, digest, batch) {
                    stats::add(&self.context.stats.packets_mixed, packets);
                    self.jobs.acknowledge(reader);
                }
            }
            Done::Sent { round, to, phase } => rules.sent(round, to, phase),
            Done::Uploaded { round, to } => rules.uploaded(round, &to),
            Done::Answered { round, from, reply } => rules.answered(round, from, reply),
            Done::Told { id, answer } => rules.told(id, answer.as_deref(), context::now()),
            Done::Stored(stored) => rules.guard_stored(stored),
            Done::Nothing => {}
        }
    }
}
