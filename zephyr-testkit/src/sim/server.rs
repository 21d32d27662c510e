//! A server: its machine, its clock, its part of the DHT, its disk.

use std::collections::{BTreeMap, BTreeSet};

use zephyr_core::{Address, GUARD_SIZE, Hedge, Role, Round, ServerId, SigningGuard, Suite, UnixMs};
use zephyr_machine::board::{Board, under_way};
use zephyr_machine::event::ServerEvent;
use zephyr_machine::follow::{FollowAction, Follower};
use zephyr_machine::info::InfoRules;
use zephyr_machine::mailbox::MailboxMachine;
use zephyr_machine::mixer_server::{CallId, MixerServer};
use zephyr_machine::pkg::{
    PkgAction, PkgIdentity, PkgMachine, PkgName, PkgRounds, PkgRules, Registration,
};
use zephyr_machine::record::{KEY_SIZE, Record, RecordKey};
use zeroize::Zeroizing;

use super::corrupt::Corruption;
use super::dice::Dice;
use super::figures::Fault;
use super::letters::{Letter, Put, Transfer, Waits};
use super::mail::MailStore;
use super::queue::Happening;
use super::world::World;

/// The rules that a server follows: those of `zephyr-machine`.
pub(super) enum Machine<S: Suite> {
    Mixer(Box<MixerServer<S>>),
    Pkg { rounds: Box<PkgRounds<S>>, people: Box<PkgMachine<S>>, follower: Follower },
    Info { rules: InfoRules, follower: Follower },
    Mailbox { mail: MailboxMachine, follower: Follower },
}

/// What survives a crash.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) guard: Option<[u8; GUARD_SIZE]>,
    /// What is being written.
    pub(super) writing: Option<SigningGuard>,
    pub(super) registrations: BTreeMap<Address, Registration>,
    pub(super) mail: MailStore,
}

/// A server.
pub(super) struct Server<S: Suite> {
    pub(super) id: ServerId,
    pub(super) role: Role,
    pub(super) index: usize,
    pub(super) seed: [u8; 32],
    pub(super) clock_ms: i64,
    pub(super) corrupt: Corruption,
    pub(super) disk: Disk,
    /// `None` while the program does not run.
    pub(super) machine: Option<Machine<S>>,
    /// How often the program has been started.
    pub(super) life: u32,
    pub(super) board: Board,
    /// The part of the DHT that is kept here.
    records: BTreeMap<[u8; KEY_SIZE], Vec<u8>>,
    own: BTreeSet<[u8; KEY_SIZE]>,
    wake: u64,
    /// How long the program stays away when it has stopped.
    pub(super) stopping: Option<u64>,
    pub(super) transfers: BTreeMap<u64, Transfer>,
    pub(super) calls: BTreeMap<u64, Waits>,
    pub(super) answering: BTreeMap<CallId, (usize, u64)>,
    /// The board's news that have been looked at.
    pub(super) news: u64,
    /// Rounds for which a corrupt coordinator has done its worst.
    pub(super) attacked: BTreeSet<Round>,
}

impl<S: Suite> Server<S> {
    pub(super) fn new(id: ServerId, role: Role, index: usize, seed: [u8; 32]) -> Self {
        Self {
            id,
            role,
            index,
            seed,
            clock_ms: 0,
            corrupt: Corruption::Honest,
            disk: Disk::default(),
            machine: None,
            life: 0,
            board: Board::new(),
            records: BTreeMap::new(),
            own: BTreeSet::new(),
            wake: 0,
            stopping: None,
            transfers: BTreeMap::new(),
            calls: BTreeMap::new(),
            answering: BTreeMap::new(),
            news: 0,
            attacked: BTreeSet::new(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.machine.is_some()
    }

    /// The time by this server's own clock.
    pub(super) fn local(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add_signed(self.clock_ms))
    }

    pub(super) fn own_records(&self) -> impl Iterator<Item = Put> {
        self.own.iter().filter_map(|key| Some((*key, self.records.get(key)?.clone())))
    }

    pub(super) fn find_records(&self, keys: &[RecordKey]) -> impl Iterator<Item = Put> {
        let keys = keys.iter().map(|key| key.to_bytes());
        keys.filter_map(|key| Some((key, self.records.get(&key)?.clone())))
    }

    /// Everything that was in memory is gone.
    fn wipe(&mut self) {
        self.machine = None;
        self.board = Board::new();
        self.records.clear();
        self.own.clear();
        self.stopping = None;
        self.transfers.clear();
        self.calls.clear();
        self.answering.clear();
        self.news = 0;
    }
}

impl<S: Suite + Sync> World<'_, S> {
    /// The program of a server starts, if it is not running.
    pub(super) fn start_server(&mut self, number: usize) {
        if self.servers[number].is_up() {
            return;
        }
        let server = &mut self.servers[number];
        server.life += 1;
        let (local, manifest) = (server.local(self.now), self.shared.clone());
        let seed = Zeroizing::new(server.seed);
        let hedge = Hedge::new(server.seed, u64::from(server.life) << 32);
        let follower = Follower::new(manifest.clone(), local);
        let machine = match server.role {
            Role::Mixer => {
                let guard = server.disk.guard.as_ref();
                let guard = guard.map_or_else(Default::default, SigningGuard::from_bytes);
                let mixer = MixerServer::new(manifest, seed, hedge, guard, local);
                Machine::Mixer(Box::new(mixer))
            }
            Role::Pkg => {
                let name = PkgName::new("A PKG").expect("a good name");
                let network = *self.manifest.network();
                let identity = PkgIdentity { network, id: server.id, name };
                let people = Box::new(PkgMachine::new(identity, PkgRules::default()));
                let rounds = Box::new(PkgRounds::new(manifest, seed, hedge, local));
                Machine::Pkg { rounds, people, follower }
            }
            Role::Info => Machine::Info { rules: InfoRules::new(manifest), follower },
            _ => {
                let mut mail = MailboxMachine::new(manifest, server.id, local);
                server.disk.mail.restore(&mut mail);
                Machine::Mailbox { mail, follower }
            }
        };
        server.machine = Some(machine);
        self.story.tell(self.now, || format!("{} starts", self.servers[number].name()));
        // Both ends give each other their records.
        for other in (0..self.servers.len()).filter(|&other| other != number) {
            self.reconnect_later(other, number);
        }
        self.drive_server(number);
    }

    /// The program of a server ends without a word, and starts again later.
    pub(super) fn crash_server(&mut self, number: usize, for_ms: u64) {
        let torn = self.rng.happens(500);
        let server = &mut self.servers[number];
        if !server.is_up() {
            return;
        }
        // What was being written is on the disk, or is not.
        if let Some(guard) = server.disk.writing.take().filter(|_| torn) {
            server.disk.guard = guard.to_bytes();
        }
        server.wipe();
        self.figures.count(Fault::Crash);
        self.story
            .tell(self.now, || format!("{} crashes for {for_ms} ms", self.servers[number].name()));
        self.queue.plan(self.now.plus(for_ms), Happening::Start { server: number });
    }

    /// Whether the server crashes just now, before or after a step.
    fn crashes(&mut self, number: usize) -> bool {
        let rate = if self.calm { 0 } else { self.faults.step_crash };
        if rate > 0 && self.rng.below(1_000_000) < rate {
            let for_ms = self.rng.between(10, 2 * u64::from(self.parameters().round_ms));
            self.crash_server(number, for_ms);
        }
        !self.servers[number].is_up()
    }

    /// The server is to stop in good order.
    pub(super) fn stop_server(&mut self, number: usize, for_ms: u64) {
        let server = &mut self.servers[number];
        match &mut server.machine {
            Some(Machine::Mixer(mixer)) => mixer.stop_opening(),
            Some(Machine::Pkg { rounds, .. }) => rounds.stop_opening(),
            Some(_) => {}
            None => return,
        }
        server.stopping = Some(for_ms);
        self.figures.count(Fault::Restart);
        self.story.tell(self.now, || format!("{} is to stop", self.servers[number].name()));
        self.drive_server(number);
    }

    /// The server's alarm goes off.
    pub(super) fn wake_server(&mut self, number: usize, wake: u64) {
        if self.servers[number].wake == wake {
            self.drive_server(number);
        }
    }

    /// Does what is to be done, and plans when to look again.
    pub(super) fn drive_server(&mut self, number: usize) {
        while self.step(number) {
            if self.crashes(number) {
                return;
            }
        }
        self.look_at_board(number);
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let wake = match &server.machine {
            None => return,
            Some(Machine::Mixer(mixer)) => mixer.wake_up(local),
            Some(Machine::Pkg { rounds, follower, .. }) => {
                let follow = follower.wake_up(local);
                rounds.wake_up().map_or(follow, |wake| wake.min(follow))
            }
            Some(Machine::Info { follower, .. } | Machine::Mailbox { follower, .. }) => {
                follower.wake_up(local)
            }
        };
        server.wake += 1;
        let alarm = Happening::Wake { server: number, number: server.wake };
        self.queue.plan(self.now.plus(wake.since(local).max(1)), alarm);
        self.check_secrets(number);
        self.stop_if_idle(number);
    }

    fn stop_if_idle(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let Some(for_ms) = server.stopping else { return };
        let idle = match &server.machine {
            Some(Machine::Mixer(mixer)) => mixer.is_idle(),
            Some(Machine::Pkg { rounds, .. }) => rounds.is_idle(),
            _ => true,
        };
        if idle {
            server.wipe();
            self.story.tell(self.now, || format!("{} has stopped", self.servers[number].name()));
            self.queue.plan(self.now.plus(for_ms), Happening::Start { server: number });
        }
    }

    /// Does the next thing that the server wants done; `false` if there is nothing.
    fn step(&mut self, number: usize) -> bool {
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let follow = match &mut server.machine {
            None => return false,
            Some(Machine::Mixer(mixer)) => {
                let Some(action) = mixer.poll(&server.board, local, &mut self.rng) else {
                    return false;
                };
                if !self.crashes(number) {
                    self.act(number, action);
                }
                return true;
            }
            Some(Machine::Pkg { rounds, follower, .. }) => {
                if let Some(PkgAction::Publish { key, record }) = rounds.poll(local, &mut self.rng)
                {
                    self.publish(number, key, &record);
                    return true;
                }
                follower.poll(&server.board, local)
            }
            Some(Machine::Info { follower, .. } | Machine::Mailbox { follower, .. }) => {
                follower.poll(&server.board, local)
            }
        };
        match follow {
            None => return false,
            Some(FollowAction::Fetch { keys }) => self.fetch(number, keys),
            Some(FollowAction::Agreed { round, directory }) => {
                if let Some(Machine::Mailbox { mail, .. }) = &mut self.servers[number].machine {
                    mail.advance(local);
                    mail.agree(round, &directory);
                }
            }
            Some(FollowAction::Event(event)) => self.event(number, &event),
        }
        true
    }

    /// Puts an own record on the board and into the DHT.
    pub(super) fn publish(&mut self, number: usize, key: RecordKey, record: &Record) {
        self.saw_record(number, &key, record);
        let put: Put = (key.to_bytes(), record.to_bytes());
        if self.put_record(number, &put.0, &put.1, true) {
            self.post_to_all(number, &Letter::Records(vec![put].into()));
        }
    }

    /// Keeps a record, if it is good.
    pub(super) fn put_record(
        &mut self,
        number: usize,
        key: &[u8; KEY_SIZE],
        value: &[u8],
        own: bool,
    ) -> bool {
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let good = server.board.put::<S>(&self.manifest, key, value, local);
        if good {
            server.records.insert(*key, value.to_vec());
            if own {
                server.own.insert(*key);
            }
        }
        good
    }

    /// Asks the DHT.
    pub(super) fn fetch(&mut self, number: usize, keys: Vec<RecordKey>) {
        self.post_to_all(number, &Letter::LookUp(keys.into()));
    }

    pub(super) fn event(&mut self, number: usize, event: &ServerEvent) {
        self.story.tell(self.now, || format!("{}: {event:?}", self.servers[number].name()));
        if let ServerEvent::Opened { .. } = event {
            let server = &mut self.servers[number];
            let local = server.local(self.now);
            server.board.prune(&self.manifest, local);
            let manifest = &self.manifest;
            let fresh = |key: &[u8; KEY_SIZE]| {
                RecordKey::from_slice(key).is_some_and(|key| under_way(manifest, key.round, local))
            };
            server.records.retain(|key, _| fresh(key));
            server.own.retain(fresh);
        }
    }
}

impl<S: Suite> Server<S> {
    /// For the story.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.role, self.index)
    }
}
