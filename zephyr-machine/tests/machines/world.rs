//! A network's servers as bare machines, and rounds driven by hand.

use std::collections::{BTreeMap, HashSet};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use zephyr_core::*;
use zephyr_machine::agreement::vet;
use zephyr_machine::batch::Batch;
use zephyr_machine::board::Board;
use zephyr_machine::loops::LoopPacket;
use zephyr_machine::mix::{BadPackets, Messages, Mixed, NoiseMaker};
use zephyr_machine::mixer::{Action, MixerRound};
use zephyr_machine::record::{Record, RecordKey, RecordKind, SignedRecord};

pub type S = zephyr_blst::Native;
pub type P = <S as Suite>::Pairing;

/// The round that the tests look at.
pub const ROUND: Round = Round(7);

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn random(len: usize, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill_bytes(&mut bytes);
    bytes
}

pub fn parameters(routes: RouteMode, hops: usize, mixers: usize) -> Parameters {
    Parameters {
        geometry: Geometry::new(hops, MIN_PAYLOAD).unwrap(),
        routes,
        min_mixers: mixers as u8,
        packets_per_round: 1,
        mailboxes: 4,
        replicas: 1,
        genesis: UnixMs(1_000_000),
        round_ms: 10_000,
        open_ms: 4_000,
        submit_ms: 9_000,
        phase_ms: 1_000,
        deliver_ms: 1_000,
        download_ms: 5_000,
        noise_mu: 0,
        noise_b: 0,
        min_batch: 0,
    }
}

/// The key files of a network.
pub struct World {
    /// Makes the mixers' round keys differ from those of other tests in the same process.
    salt: u64,
    bytes: Vec<u8>,
    mixers: Vec<[u8; 32]>,
    pkgs: Vec<[u8; 32]>,
}

impl World {
    pub fn new(parameters: Parameters, mixers: usize, pkgs: usize) -> Self {
        let seeds = |role: u8, n: usize| -> Vec<[u8; 32]> {
            (0..n).map(|i| *server_keys(&[role * 64 + i as u8 + 1; 32]).0).collect()
        };
        let all = [
            (Role::Mixer, seeds(0, mixers)),
            (Role::Pkg, seeds(1, pkgs)),
            (Role::Info, seeds(2, 1)),
            (Role::Mailbox, seeds(3, 2)),
        ];
        let servers: Vec<_> = all
            .iter()
            .flat_map(|(role, seeds)| seeds.iter().map(move |seed| entry(*role, seed)))
            .collect();
        let mut bytes = vec![0; MAX_MANIFEST];
        let len = Manifest::encode(&parameters, servers.into_iter(), &mut bytes).unwrap();
        bytes.truncate(len);
        let [(_, mixers), (_, pkgs), ..] = all;
        Self { salt: 0, bytes, mixers, pkgs }
    }

    /// All mixers are in every directory, noise is off.
    pub fn simple(routes: RouteMode, hops: usize, mixers: usize) -> Self {
        Self::new(parameters(routes, hops, mixers), mixers, 1)
    }

    pub fn salted(self, salt: u64) -> Self {
        Self { salt, ..self }
    }

    pub fn manifest(&self) -> Manifest<'_> {
        Manifest::parse(&self.bytes).unwrap()
    }

    pub fn schedule(&self, round: Round) -> Schedule {
        self.manifest().parameters().schedule(round)
    }

    pub fn geometry(&self) -> Geometry {
        self.manifest().parameters().geometry
    }

    pub fn mixers(&self) -> usize {
        self.mixers.len()
    }

    pub fn mixer_seed(&self, mixer: usize) -> &[u8; 32] {
        &self.mixers[mixer]
    }

    pub fn mixer_id(&self, mixer: MixerIndex) -> ServerId {
        self.manifest().server(Role::Mixer, mixer.0.into()).unwrap().id
    }

    pub fn open(&self, mixer: usize, round: Round) -> MixerRound<S> {
        let (mut rng, mut hedge) = self.randomness(mixer, round);
        let me = MixerIndex(mixer as u16);
        MixerRound::open(&self.manifest(), me, round, &self.mixers[mixer], &mut rng, &mut hedge)
    }

    /// What a mixer draws its round key from.
    pub fn randomness(&self, mixer: usize, round: Round) -> (ChaCha20Rng, Hedge) {
        let seed = 1_000_000 * self.salt + 1000 * round.0 + mixer as u64;
        (rng(seed), Hedge::new([mixer as u8; 32], round.0))
    }

    pub fn mixer_announcement(
        &self,
        mixer: usize,
        round: Round,
        key: [u8; 32],
    ) -> MixerAnnouncement {
        MixerAnnouncement::sign::<S>(&self.mixers[mixer], self.manifest().network(), round, key)
    }

    pub fn pkg_key(&self, pkg: usize, round: Round) -> [u8; PKG_KEY_SIZE] {
        let (mut rng, mut hedge) = (rng(pkg as u64), Hedge::new([9; 32], round.0));
        let manifest = self.manifest();
        let id = manifest.server(Role::Pkg, pkg).unwrap().id;
        let secret = MasterSecret::<P>::generate(&mut rng, &mut hedge);
        secret.public_key(manifest.network(), round, &id, &mut rng, &mut hedge)
    }

    pub fn pkg_announcement(&self, pkg: usize, round: Round) -> PkgAnnouncement {
        let key = self.pkg_key(pkg, round);
        PkgAnnouncement::sign::<S>(&self.pkgs[pkg], self.manifest().network(), round, key)
    }

    pub fn sign_pkg_key(
        &self,
        pkg: usize,
        round: Round,
        key: [u8; PKG_KEY_SIZE],
    ) -> PkgAnnouncement {
        PkgAnnouncement::sign::<S>(&self.pkgs[pkg], self.manifest().network(), round, key)
    }

    pub fn put(&self, board: &mut Board, key: RecordKey, record: &Record, now: UnixMs) -> bool {
        board.put::<S>(&self.manifest(), &key.to_bytes(), &record.to_bytes(), now)
    }

    /// The mixers' announcements as they open the round, and those of all PKGs.
    pub fn announcements(&self, round: Round) -> Vec<(RecordKey, Record)> {
        let mixers = (0..self.mixers.len()).map(|i| {
            let announcement = *self.open(i, round).announcement();
            (key(RecordKind::MixerKey, round, i), Record::MixerKey(announcement))
        });
        let pkgs = (0..self.pkgs.len()).map(|i| {
            let announcement = self.pkg_announcement(i, round);
            (key(RecordKind::PkgKey, round, i), Record::PkgKey(announcement))
        });
        mixers.chain(pkgs).collect()
    }

    /// A board with all announcements.
    pub fn announced(&self, round: Round) -> Board {
        let mut board = Board::new();
        for (key, record) in self.announcements(round) {
            assert!(self.put(&mut board, key, &record, self.schedule(round).opens));
        }
        board
    }

    /// The body of a directory with these mixers and all PKGs.
    pub fn body(&self, round: Round, mixers: &[usize]) -> Vec<u8> {
        let (all, pkgs) = self.announced(round).announced(round);
        let mixers: Vec<_> = mixers.iter().map(|&i| all[i]).collect();
        encode(&self.manifest(), round, &mixers, &pkgs)
    }

    /// What mixer `i` puts into the DHT when it signs `body`.
    pub fn signed(&self, i: usize, body: &[u8]) -> SignedRecord {
        let directory = Directory::parse(body).unwrap();
        let signature = sign_directory::<S>(&self.mixers[i], &directory.hash());
        let mixers = directory.mixers().map(|(index, _)| index).collect();
        SignedRecord { directory: directory.hash(), mixers, signature }
    }

    /// Agrees on the directory: all find it good and sign.
    pub fn agree(&self, round: Round) -> Vec<u8> {
        let (manifest, now) = (self.manifest(), self.schedule(round).opens);
        let mut board = self.announced(round);
        let all: Vec<_> = (0..self.mixers.len()).collect();
        let body = self.body(round, &all);
        for i in all {
            let (me, opened) = (MixerIndex(i as u16), self.open(i, round));
            assert!(vet::<S>(&manifest, me, opened.announcement(), &body, now).is_ok());
            assert_eq!(board.directory(round), None, "not before all have signed");
            let record = Record::Signed(self.signed(i, &body));
            assert!(self.put(&mut board, key(RecordKind::Signed, round, i), &record, now));
        }
        board.directory(round).expect("all have signed").to_vec()
    }
}

pub fn key(kind: RecordKind, round: Round, index: usize) -> RecordKey {
    RecordKey { kind, round, index: index as u16 }
}

pub fn encode(
    manifest: &Manifest<'_>,
    round: Round,
    mixers: &[(MixerIndex, MixerAnnouncement)],
    pkgs: &[(PkgIndex, PkgAnnouncement)],
) -> Vec<u8> {
    let mut out = vec![0; MAX_DIRECTORY];
    let len = encode_directory(manifest, round, mixers, pkgs, &mut out).unwrap();
    out.truncate(len);
    out
}

fn entry(role: Role, seed: &[u8; 32]) -> ServerEntry<'static> {
    let id = ServerId::from_bytes(<S as Suite>::Signature::public(seed));
    ServerEntry {
        role,
        id,
        link_key: [1; 32],
        name: "a",
        client_address: "b:1",
        peer_address: "c:2",
    }
}

/// A batch on its way from one mixer to another.
#[derive(Clone)]
pub struct Parcel {
    pub from: MixerIndex,
    pub phase: usize,
    pub batch: Batch,
}

impl Parcel {
    pub fn digest(&self) -> [u8; 32] {
        self.batch.iter().fold(Sha256::new(), |h, item| h.chain_update(item)).finalize().into()
    }

    /// Hands it over as the shell does.
    pub fn hand_to(&self, machine: &mut MixerRound<S>, directory: &DirectoryHash) -> bool {
        machine.expects(self.phase, self.from, directory.as_bytes()).is_ok()
            && machine.receive(self.phase, self.from, self.digest(), self.batch.clone()).is_ok()
    }
}

/// All mixers of one round on which they have agreed.
pub struct Running {
    pub directory: Vec<u8>,
    pub hash: DirectoryHash,
    pub routes: Routes,
    pub hops: Vec<Hop>,
    pub geometry: Geometry,
    pub schedule: Schedule,
    pub machines: Vec<MixerRound<S>>,
    /// What would make their noise ahead. Nobody does, unless a test does.
    pub makers: Vec<NoiseMaker>,
    pub rng: ChaCha20Rng,
    pub hedge: Hedge,
    /// Batches that get lost.
    pub lost: HashSet<(MixerIndex, MixerIndex)>,
    /// Whether mailbox servers acknowledge.
    pub mailboxes_answer: bool,
    pub parcels: Vec<Parcel>,
    pub delivered: BTreeMap<MixerIndex, BTreeMap<Mailbox, Messages>>,
    pub noise: usize,
    pub dropped: usize,
    pub bad: BTreeMap<(MixerIndex, Option<MixerIndex>), BadPackets>,
    pub loops: BTreeMap<MixerIndex, Vec<LoopPacket>>,
    pub voided: Vec<MixerIndex>,
    /// A mixer that does not do what it should, and what it does with its results.
    pub corrupt: Option<(MixerIndex, Corruption)>,
}

/// What a corrupted mixer makes of a phase's result.
pub type Corruption = fn(&mut Mixed, &mut ChaCha20Rng);

impl Running {
    pub fn new(world: &World) -> Self {
        Self::of(world, ROUND)
    }

    pub fn of(world: &World, round: Round) -> Self {
        let manifest = world.manifest();
        let bytes = world.agree(round);
        let directory = Directory::parse(&bytes).unwrap();
        let mut machines: Vec<_> = (0..world.mixers()).map(|i| world.open(i, round)).collect();
        let mut makers = Vec::new();
        for machine in &mut machines {
            assert!(machine.is_open() && machine.directory().is_none());
            machine.agree(&manifest, &directory);
            makers.push(match machine.poll(world.schedule(round).submit_from) {
                Some(Action::Prepare { noise }) => noise,
                _ => NoiseMaker::default(),
            });
        }
        Self {
            hash: directory.hash(),
            routes: directory.routes(&manifest).unwrap(),
            hops: directory.mixers().map(|(mixer, a)| Hop { mixer, key: a.key }).collect(),
            geometry: world.geometry(),
            schedule: world.schedule(round),
            machines,
            makers,
            rng: rng(77 + round.0),
            hedge: Hedge::new([7; 32], 0),
            lost: HashSet::new(),
            mailboxes_answer: true,
            parcels: Vec::new(),
            delivered: BTreeMap::new(),
            noise: 0,
            dropped: 0,
            bad: BTreeMap::new(),
            loops: BTreeMap::new(),
            voided: Vec::new(),
            corrupt: None,
            directory: bytes,
        }
    }

    pub fn machine(&mut self, mixer: MixerIndex) -> &mut MixerRound<S> {
        &mut self.machines[usize::from(mixer.0)]
    }

    pub fn hops_of(&self, route: &[MixerIndex]) -> Vec<Hop> {
        route.iter().map(|m| self.hops[usize::from(m.0)]).collect()
    }

    /// A packet over a route that a client may take, with the first mixer.
    pub fn packet(&mut self, mailbox: Mailbox, sealed: &[u8]) -> (MixerIndex, Vec<u8>) {
        let route = self.routes.pick(&mut self.rng);
        let hops = self.hops_of(&route);
        (route[0], self.wrap(&hops, mailbox, sealed))
    }

    pub fn wrap(&mut self, hops: &[Hop], mailbox: Mailbox, sealed: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; self.geometry.packet_len()];
        let to = Wrap { geometry: self.geometry, directory: &self.hash, route: hops, mailbox };
        wrap::<S>(to, sealed, &mut packet, &mut self.rng, &mut self.hedge).unwrap();
        packet
    }

    /// Clients submit `count` packets; returns what is in them and where they go.
    pub fn submit_many(&mut self, count: usize) -> Vec<(Mailbox, Vec<u8>)> {
        let now = self.schedule.submit_from;
        (0..count)
            .map(|i| {
                let sealed = random(self.geometry.sealed_len(), &mut self.rng);
                let mailbox = Mailbox(i as u32 % 4);
                let (entry, packet) = self.packet(mailbox, &sealed);
                self.machine(entry).submit(&packet, now).unwrap();
                (mailbox, sealed)
            })
            .collect()
    }

    /// Does all that machine `i` wants done by `now`, and hands over what is not lost.
    fn serve(&mut self, i: usize, now: UnixMs) -> bool {
        let me = MixerIndex(i as u16);
        let mut busy = false;
        while let Some(action) = self.machines[i].poll(now) {
            busy = true;
            match action {
                Action::Prepare { .. } => {}
                Action::Mix { phase, batch, noise, work, mut seen } => {
                    let mut mixed = work.run(batch, noise, &mut seen, &mut self.rng);
                    self.noise += mixed.noise;
                    self.dropped += mixed.dropped();
                    self.bad.extend(mixed.bad.iter().map(|(from, bad)| ((me, *from), *bad)));
                    self.loops.entry(me).or_default().append(&mut mixed.loops);
                    if let Some((_, corrupt)) = self.corrupt.filter(|(mixer, _)| *mixer == me) {
                        corrupt(&mut mixed, &mut self.rng);
                    }
                    self.machines[i].mixed(phase, mixed, seen);
                }
                Action::Send { to, phase, packets } => {
                    let parcel = Parcel { from: me, phase, batch: packets.to_batch() };
                    let hash = self.hash;
                    if !self.lost.contains(&(me, to)) && parcel.hand_to(self.machine(to), &hash) {
                        self.machines[i].sent(to, phase);
                    }
                    self.parcels.push(parcel);
                }
                Action::Deliver { messages } => {
                    assert!(self.delivered.insert(me, messages).is_none(), "delivered once");
                    if self.mailboxes_answer {
                        self.machines[i].delivered();
                    }
                }
                Action::Void { .. } => self.voided.push(me),
            }
        }
        busy
    }

    /// Serves all machines until nobody has anything to do at `now`.
    pub fn at(&mut self, now: UnixMs) {
        let machines = self.machines.len();
        // Everybody gets a turn before anybody gets another.
        while (0..machines).filter(|&i| self.serve(i, now)).count() > 0 {}
    }

    /// Runs to the end, from one wake-up to the next.
    pub fn finish(&mut self) {
        let mut now = self.schedule.submit_from;
        loop {
            self.at(now);
            let open = self.machines.iter().filter(|m| !m.is_over());
            let Some(wake) = open.map(MixerRound::wake_up).min() else { return };
            assert!(wake > now, "a wake-up lies in the future");
            now = wake;
        }
    }

    /// All messages in a mailbox, whoever delivered them.
    pub fn mailbox(&self, mailbox: Mailbox) -> Vec<&[u8]> {
        let lists = self.delivered.values().filter_map(|m| m.get(&mailbox));
        lists.flat_map(Messages::iter).collect()
    }

    pub fn messages(&self) -> usize {
        self.delivered.values().flat_map(BTreeMap::values).map(Messages::len).sum()
    }

    /// How often each of these messages has arrived in its mailbox.
    pub fn arrivals(&self, sent: &[(Mailbox, Vec<u8>)]) -> Vec<usize> {
        sent.iter()
            .map(|(mailbox, sealed)| self.mailbox(*mailbox).iter().filter(|m| *m == sealed).count())
            .collect()
    }
}

/// The keys of a mixer alone in its round, as they come with its only phase.
pub fn work_of(round: &mut Running) -> std::sync::Arc<zephyr_machine::mix::Work<S>> {
    let until = round.schedule.submit_until;
    match round.machines[0].poll(until) {
        Some(Action::Mix { work, .. }) => work,
        _ => panic!("a mixer without predecessors mixes at the end of the submit phase"),
    }
}
