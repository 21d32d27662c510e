//! Whole mixers with a board each, on virtual time, over links that can be cut.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use zephyr_core::*;
use zephyr_machine::SharedManifest;
use zephyr_machine::board::Board;
use zephyr_machine::event::ServerEvent;
use zephyr_machine::mix::Mixed;
use zephyr_machine::mixer_server::{CallId, Expected, MixerAction, MixerServer};
use zephyr_machine::peer::PeerReply;
use zephyr_machine::record::{Record, RecordKey, RecordKind};
use zeroize::Zeroizing;

use super::world::*;

/// How long everything is under way.
const DELAY_MS: u64 = 10;

/// What goes wrong at a mixer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// It announces its keys, and does nothing else.
    Silent,
    /// It says that it is willing, and signs nothing.
    Unsigning,
    /// It sends no batches.
    Batchless,
    /// It proposes nothing, and answers.
    Idle,
}

enum Parcel {
    Record { key: Vec<u8>, value: Vec<u8> },
    Call { from: usize, round: Option<(Round, MixerIndex)>, request: Arc<[u8]> },
    Reply { round: Round, from: MixerIndex, reply: PeerReply },
    Batch { from: usize, header: Vec<u8>, batch: Arc<zephyr_machine::batch::Batch> },
    Ack { round: Round, from: MixerIndex, phase: usize },
    Uploaded { round: Round, to: ServerId },
    Mixed { round: Round, phase: usize, mixed: Mixed, seen: HashSet<[u8; 32]> },
    Stored,
}

pub struct Net {
    pub world: World,
    manifest: SharedManifest,
    pub mixers: Vec<Option<MixerServer<S>>>,
    guards: Vec<SigningGuard>,
    boards: Vec<Board>,
    records: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
    pub faults: Vec<Fault>,
    /// By how much the mixers' clocks are ahead.
    pub ahead: Vec<i64>,
    /// Links that are cut, from and to.
    pub cut: HashSet<(usize, usize)>,
    pub now: u64,
    parcels: BTreeMap<(u64, u64), (usize, Parcel)>,
    sent: u64,
    calls: BTreeMap<CallId, (usize, Round, MixerIndex)>,
    pub events: Vec<(u64, usize, ServerEvent)>,
    /// The valid directories that came about anywhere, with their mixers.
    pub directories: BTreeMap<Round, BTreeSet<(DirectoryHash, Vec<u16>)>>,
    /// When the first board had it.
    pub agreed_at: BTreeMap<Round, u64>,
    next_pkg_round: Round,
    rng: ChaCha20Rng,
}

impl Net {
    /// A network of `mixers` mixers of which `min` are enough, just before round 7 opens.
    pub fn new(mixers: usize, min: usize) -> Self {
        let parameters =
            Parameters { min_mixers: min as u8, ..parameters(RouteMode::Round, mixers, mixers) };
        let world = World::new(parameters, mixers, 1);
        let manifest = SharedManifest::new(world.manifest().as_bytes()).unwrap();
        let mut net = Self {
            manifest,
            mixers: (0..mixers).map(|_| None).collect(),
            guards: vec![SigningGuard::default(); mixers],
            boards: (0..mixers).map(|_| Board::new()).collect(),
            records: vec![BTreeMap::new(); mixers],
            faults: vec![Fault::None; mixers],
            ahead: vec![0; mixers],
            cut: HashSet::new(),
            now: world.schedule(ROUND).opens.0 - 1_000,
            parcels: BTreeMap::new(),
            sent: 0,
            calls: BTreeMap::new(),
            events: Vec::new(),
            directories: BTreeMap::new(),
            agreed_at: BTreeMap::new(),
            next_pkg_round: ROUND,
            rng: rng(5),
            world,
        };
        (0..mixers).for_each(|i| net.start(i));
        net
    }

    pub fn start(&mut self, i: usize) {
        let seed = Zeroizing::new(*self.world.mixer_seed(i));
        let hedge = Hedge::new([i as u8; 32], self.now);
        let now = self.clock(i);
        let server = MixerServer::new(self.manifest.clone(), seed, hedge, self.guards[i], now);
        self.mixers[i] = Some(server);
        self.boards[i] = Board::new();
        self.records[i].clear();
    }

    pub fn kill(&mut self, i: usize) {
        self.mixers[i] = None;
    }

    /// Separates these from all others.
    pub fn split(&mut self, group: &[usize]) {
        let n = self.mixers.len();
        let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
        self.cut.extend(pairs.filter(|(a, b)| group.contains(a) != group.contains(b)));
    }

    pub fn schedule(&self, round: Round) -> Schedule {
        self.world.schedule(round)
    }

    pub fn clock(&self, i: usize) -> UnixMs {
        UnixMs(self.now.saturating_add_signed(self.ahead[i]))
    }

    /// The mixers of the round's only directory.
    pub fn agreed(&self, round: Round) -> Option<Vec<u16>> {
        let all = self.directories.get(&round)?;
        assert_eq!(all.len(), 1, "never two valid directories");
        all.first().map(|(_, mixers)| mixers.clone())
    }

    /// How many mixers say that the round's messages were delivered.
    pub fn delivered(&self, round: Round) -> usize {
        let is = |event: &ServerEvent| matches!(event, ServerEvent::Delivered { round: r, .. } if *r == round);
        self.events.iter().filter(|(_, _, event)| is(event)).count()
    }

    /// What mixer `i` has reported of `round` by this test.
    pub fn said(&self, i: usize, is: impl Fn(&ServerEvent) -> bool) -> bool {
        self.events.iter().any(|(_, who, event)| *who == i && is(event))
    }

    /// Runs until it is `until`.
    pub fn run_to(&mut self, until: UnixMs) {
        loop {
            self.announce_pkg();
            (0..self.mixers.len()).for_each(|i| self.serve(i));
            let wakes = self.mixers.iter().enumerate().filter_map(|(i, mixer)| {
                let wake = mixer.as_ref()?.wake_up(self.clock(i)).0;
                Some(wake.saturating_add_signed(-self.ahead[i]).max(self.now + 1))
            });
            let parcel = self.parcels.first_key_value().map(|((time, _), _)| *time);
            let pkg = self.schedule(self.next_pkg_round).opens.0;
            let next = wakes.chain(parcel).chain([pkg]).min().unwrap();
            if next > until.0 {
                self.now = until.0;
                return;
            }
            self.now = next.max(self.now);
            while let Some(entry) = self.parcels.first_entry().filter(|e| e.key().0 <= self.now) {
                let (to, parcel) = entry.remove();
                self.hand(to, parcel);
            }
        }
    }

    /// The PKG is always there.
    fn announce_pkg(&mut self) {
        let round = self.next_pkg_round;
        if self.now < self.schedule(round).opens.0 {
            return;
        }
        self.next_pkg_round.0 += 1;
        let record = Record::PkgKey(self.world.pkg_announcement(0, round)).to_bytes();
        let key = key(RecordKind::PkgKey, round, 0).to_bytes().to_vec();
        for i in 0..self.mixers.len() {
            self.post(i, Parcel::Record { key: key.clone(), value: record.clone() });
        }
    }

    fn post(&mut self, to: usize, parcel: Parcel) {
        self.sent += 1;
        self.parcels.insert((self.now + DELAY_MS, self.sent), (to, parcel));
    }

    fn send(&mut self, from: usize, to: usize, parcel: Parcel) {
        if !self.cut.contains(&(from, to)) {
            self.post(to, parcel);
        }
    }

    fn index(&self, id: &ServerId) -> Option<usize> {
        match self.world.manifest().find(id)? {
            (Role::Mixer, index) => Some(index),
            _ => None,
        }
    }

    fn serve(&mut self, i: usize) {
        while let Some(action) = self.poll(i) {
            self.act(i, action);
        }
    }

    fn poll(&mut self, i: usize) -> Option<MixerAction<S>> {
        let now = self.clock(i);
        self.mixers[i].as_mut()?.poll(&self.boards[i], now, &mut self.rng)
    }

    fn act(&mut self, i: usize, action: MixerAction<S>) {
        let fault = self.faults[i];
        match action {
            MixerAction::Publish { key, record } => {
                let announces = key.kind == RecordKind::MixerKey;
                let withheld = match fault {
                    Fault::Silent => !announces,
                    Fault::Unsigning => key.kind == RecordKind::Signed,
                    _ => false,
                };
                if withheld {
                    return;
                }
                self.publish(i, &key, &record);
            }
            MixerAction::Fetch { keys } => self.fetch(i, &keys),
            MixerAction::StoreGuard { guard } => {
                self.guards[i] = guard;
                self.post(i, Parcel::Stored);
            }
            MixerAction::Propose { round, to, index, request } => {
                let quiet = [Fault::Silent, Fault::Idle, Fault::Unsigning].contains(&fault);
                if let Some(to) = self.index(&to).filter(|_| !quiet) {
                    let round = Some((round, index));
                    self.send(i, to, Parcel::Call { from: i, round, request });
                }
            }
            MixerAction::Reply { call, reply } => {
                let Some((to, round, from)) = self.calls.remove(&call) else { return };
                self.send(i, to, Parcel::Reply { round, from, reply });
            }
            MixerAction::Prepare { .. } => {}
            MixerAction::Mix { round, phase, batch, noise, work, mut seen, .. } => {
                let mixed = work.run(batch, noise, &mut seen, &mut self.rng);
                self.post(i, Parcel::Mixed { round, phase, mixed, seen });
            }
            MixerAction::Send { to, header, packets, .. } => {
                if let Some(to) = self.index(&to).filter(|_| fault != Fault::Batchless) {
                    let batch = packets.to_batch().into();
                    let header = header.to_bytes();
                    self.send(i, to, Parcel::Batch { from: i, header, batch });
                }
            }
            MixerAction::Upload { round, to, .. } => self.post(i, Parcel::Uploaded { round, to }),
            MixerAction::TellVoid { to, request, .. } => {
                for to in to.iter().filter_map(|id| self.index(id)).collect::<Vec<_>>() {
                    let request = request.clone();
                    self.send(i, to, Parcel::Call { from: i, round: None, request });
                }
            }
            // Mailbox servers tell nothing here.
            MixerAction::Ask { .. } => {}
            MixerAction::Event(event) => self.events.push((self.now, i, event)),
        }
    }

    /// Puts a record of mixer `i` into the DHT.
    pub fn publish(&mut self, i: usize, key: &RecordKey, record: &Record) {
        for to in 0..self.mixers.len() {
            let (key, value) = (key.to_bytes().to_vec(), record.to_bytes());
            self.send(i, to, Parcel::Record { key, value });
        }
    }

    /// The body of a directory with these mixers, from what mixer 1 knows.
    pub fn body(&self, round: Round, members: &[usize]) -> Vec<u8> {
        let (mut mixers, pkgs) = self.boards[1].announced(round);
        mixers.retain(|(mixer, _)| members.contains(&usize::from(mixer.0)));
        encode(&self.world.manifest(), round, &mixers, &pkgs)
    }

    /// Mixer `from` calls mixer `to`.
    pub fn call(&mut self, from: usize, to: usize, request: Vec<u8>) {
        self.send(from, to, Parcel::Call { from, round: None, request: request.into() });
    }

    fn fetch(&mut self, i: usize, keys: &[RecordKey]) {
        for key in keys {
            let key = key.to_bytes().to_vec();
            let up = |j: &usize| {
                self.mixers[*j].is_some()
                    && !self.cut.contains(&(i, *j))
                    && !self.cut.contains(&(*j, i))
            };
            let holders = (0..self.mixers.len()).filter(up);
            let value = holders.filter_map(|j| self.records[j].get(&key)).next().cloned();
            if let Some(value) = value {
                self.post(i, Parcel::Record { key, value });
            }
        }
    }

    fn hand(&mut self, i: usize, parcel: Parcel) {
        let now = self.clock(i);
        let id = |net: &Self, mixer: usize| net.world.mixer_id(MixerIndex(mixer as u16));
        if self.mixers[i].is_none() {
            return;
        }
        match parcel {
            Parcel::Record { key, value } => {
                let manifest = self.world.manifest();
                if self.boards[i].put::<S>(&manifest, &key, &value, now) {
                    self.records[i].insert(key, value);
                }
                self.note_directories(i);
            }
            Parcel::Call { from, round, request } => {
                if self.faults[i] == Fault::Silent {
                    return;
                }
                self.sent += 1;
                let call = CallId(self.sent);
                if let Some((round, index)) = round {
                    self.calls.insert(call, (from, round, index));
                }
                let from = id(self, from);
                let mixer = self.mixers[i].as_mut().unwrap();
                mixer.call(call, &from, &request, &self.boards[i], now);
            }
            Parcel::Batch { from, header, batch } => {
                let sender = id(self, from);
                let mixer = self.mixers[i].as_mut().unwrap();
                let what = mixer.expects(&sender, &header, batch.item_len());
                let Some(Expected { round, phase, from: index }) = what else { return };
                if mixer.received(round, phase, index, [1; 32], (*batch).clone()) {
                    let ack = Parcel::Ack { round, from: MixerIndex(i as u16), phase };
                    self.send(i, from, ack);
                }
            }
            Parcel::Reply { round, from, reply } => {
                self.mixers[i].as_mut().unwrap().answered(round, from, Some(reply));
            }
            Parcel::Ack { round, from, phase } => {
                self.mixers[i].as_mut().unwrap().sent(round, from, phase);
            }
            Parcel::Uploaded { round, to } => {
                self.mixers[i].as_mut().unwrap().uploaded(round, &to);
            }
            Parcel::Mixed { round, phase, mixed, seen } => {
                self.mixers[i].as_mut().unwrap().mixed(round, phase, mixed, seen);
            }
            Parcel::Stored => self.mixers[i].as_mut().unwrap().guard_stored(true),
        }
    }

    fn note_directories(&mut self, i: usize) {
        for round in ROUND.0..self.next_pkg_round.0 {
            let Some(bytes) = self.boards[i].directory(Round(round)) else { continue };
            let directory = Directory::parse(bytes).unwrap();
            let mixers = directory.mixers().map(|(mixer, _)| mixer.0).collect();
            let found = self.directories.entry(Round(round)).or_default();
            if found.insert((directory.hash(), mixers)) {
                self.agreed_at.entry(Round(round)).or_insert(self.now);
            }
        }
    }
}
