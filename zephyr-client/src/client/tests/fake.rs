//! A network in one process: what its servers would agree on is made up when a client asks for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use zephyr_blst::{Blst, Native};
use zephyr_core::wire::{
    Bytes, Code, DownloadRefusal, InfoReply, InfoRequest, MailboxReply, MailboxRequest, MixerReply,
    MixerRequest, PkgBinding, PkgRefusal, PkgReply, PkgRequest, SecretShare, decode, encode,
};
use zephyr_core::{
    Address, ClientKey, DeliveryList, Directory, Ed25519, Hedge, MAX_DIRECTORY, Mailbox, Manifest,
    MasterSecret, Mixer, MixerAnnouncement, MixerIndex, MixerKey, Next, Parameters,
    PkgAnnouncement, PkgIndex, Role, Round, Signature, UnixMs, encode_directory, server_keys,
    sign_directory,
};

use super::link::ServerLink;
use crate::clock;
use crate::network::Network;
use crate::testing::{network, parameters, servers};

pub(super) const CODE: &str = "0123-4567";

/// Servers that stop when this is dropped.
pub(super) struct Fake {
    state: Arc<State>,
    _tasks: JoinSet<()>,
    servers: HashMap<String, AbortHandle>,
}

struct State {
    network: Network,
    world: Mutex<World>,
}

#[derive(Default)]
struct World {
    rounds: HashMap<Round, FakeRound>,
    /// Keys by PKG and address.
    registered: HashMap<(usize, String), ClientKey>,
    /// Nothing is delivered now.
    void: bool,
}

struct FakeRound {
    directory: Vec<u8>,
    masters: Vec<MasterSecret<Blst>>,
    mixers: Vec<Mixer<Native>>,
    packets: Vec<Vec<u8>>,
}

fn fast() -> Parameters {
    Parameters {
        genesis: UnixMs(clock::now().0 - 1_000_000),
        round_ms: 2_000,
        open_ms: 500,
        submit_ms: 1_900,
        phase_ms: 50,
        deliver_ms: 100,
        download_ms: 2_500,
        ..parameters()
    }
}

impl Fake {
    pub(super) async fn start() -> Self {
        let mut listeners = Vec::new();
        for (role, name, seed) in servers() {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listeners.push((role, name, seed, listener));
        }
        let network = network(&fast(), |wanted| {
            let listener = listeners.iter().find(|(_, name, ..)| name == wanted).unwrap();
            listener.3.local_addr().unwrap().to_string()
        });
        let state = Arc::new(State { network, world: Mutex::default() });
        let mut tasks = JoinSet::new();
        let mut indices = HashMap::<Role, usize>::new();
        let mut servers = HashMap::new();
        for (role, name, seed, listener) in listeners {
            let next = indices.entry(role).or_default();
            let server = tasks.spawn(serve(state.clone(), role, *next, seed, listener));
            servers.insert(name, server);
            *next += 1;
        }
        Self { state, _tasks: tasks, servers }
    }

    pub(super) fn network(&self) -> &Network {
        &self.state.network
    }

    /// Stops the server with this name: its port is closed.
    pub(super) fn stop(&mut self, name: &str) {
        self.servers[name].abort();
    }

    /// From now on rounds are void, or not any more.
    pub(super) fn set_void(&self, void: bool) {
        self.state.world.lock().unwrap().void = void;
    }
}

async fn serve(state: Arc<State>, role: Role, index: usize, seed: [u8; 32], listener: TcpListener) {
    let mut connections = JoinSet::new();
    let id = state.network.id();
    let (_, secret) = server_keys(&seed);
    while let Ok((stream, _)) = listener.accept().await {
        let (state, secret) = (state.clone(), secret.clone());
        connections.spawn(async move {
            let Some(mut link) = ServerLink::accept(stream, &id, &secret).await else { return };
            while let Some(request) = link.recv().await {
                let handshake = link.handshake();
                for reply in state.answer(role, index, &request, &handshake) {
                    if link.send(&reply).await.is_none() {
                        return;
                    }
                }
            }
        });
    }
}

fn bytes(message: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = vec![0; MAX_DIRECTORY + 64];
    encode(message, &mut buffer).unwrap().to_vec()
}

impl State {
    fn answer(
        &self,
        role: Role,
        index: usize,
        request: &[u8],
        handshake: &[u8; 32],
    ) -> Vec<Vec<u8>> {
        let manifest = self.network.manifest();
        let world = &mut *self.world.lock().unwrap();
        match role {
            Role::Info => vec![match decode(request).unwrap() {
                InfoRequest::Clock => bytes(&InfoReply::Clock(clock::now())),
                InfoRequest::Manifest(_) => bytes(&InfoReply::NoManifest),
                InfoRequest::Directory(round) => {
                    let round = world.round(&manifest, round);
                    bytes(&InfoReply::Directory(&round.directory))
                }
            }],
            Role::Pkg => vec![bytes(&world.pkg(&manifest, index, request, handshake))],
            Role::Mixer => {
                let MixerRequest::Submit { round, packet, .. } = decode(request).unwrap();
                let round = world.rounds.get_mut(&round).unwrap();
                if !round.packets.iter().any(|known| known == packet) {
                    round.packets.push(packet.to_vec());
                }
                vec![bytes(&MixerReply::Accepted)]
            }
            _ => {
                let MailboxRequest::Download { round, mailbox } = decode(request).unwrap();
                if world.void {
                    return vec![bytes(&MailboxReply::Refused(DownloadRefusal::Gone))];
                }
                world.rounds[&round].deliver(&manifest, mailbox)
            }
        }
    }
}

impl World {
    fn round(&mut self, manifest: &Manifest<'_>, round: Round) -> &mut FakeRound {
        self.rounds.entry(round).or_insert_with(|| FakeRound::new(manifest, round))
    }

    fn pkg(
        &mut self,
        manifest: &Manifest<'_>,
        index: usize,
        request: &[u8],
        handshake: &[u8; 32],
    ) -> PkgReply {
        let request: PkgRequest<'_> = decode(request).unwrap();
        let who = (index, request.address().to_owned());
        let address = Address::from_canonical(request.address()).unwrap();
        let pkg = manifest.server(Role::Pkg, index).unwrap().id;
        let binding = PkgBinding { network: manifest.network(), pkg: &pkg, handshake };
        let signed = |key: Option<&ClientKey>, digest: [u8; 32], signature: Bytes<64>| {
            key.is_some_and(|key| Ed25519::verify(key.as_bytes(), &digest, &signature.0))
        };
        let key = self.registered.get(&who);
        match request {
            PkgRequest::Register { .. } => PkgReply::CodeSent { seconds: 600 },
            PkgRequest::Confirm { key, code, .. } if code == Code::parse(CODE).unwrap() => {
                self.registered.insert(who, key);
                PkgReply::Registered
            }
            PkgRequest::Confirm { .. } => {
                PkgReply::Refused(PkgRefusal::WrongCode { tries_left: 4 })
            }
            PkgRequest::Unregister { signature, .. }
                if signed(key, binding.unregister(&address), signature) =>
            {
                self.registered.remove(&who);
                PkgReply::Unregistered
            }
            PkgRequest::Veto { signature, .. }
                if signed(key, binding.veto(&address), signature) =>
            {
                PkgReply::Vetoed
            }
            PkgRequest::Extract { round, signature, .. }
                if signed(key, binding.extract(round, &address), signature) =>
            {
                let master = &self.round(manifest, round).masters[index];
                let share = master.extract(manifest.network(), &address).to_bytes();
                PkgReply::Share(SecretShare::new(share))
            }
            _ => PkgReply::Refused(PkgRefusal::NotRegistered),
        }
    }
}

/// The identity's seed of the mixer or PKG with this index.
fn identity(role: Role, index: usize) -> [u8; 32] {
    let servers = servers();
    let (.., seed) = servers.iter().filter(|(r, ..)| *r == role).nth(index).unwrap();
    *server_keys(seed).0
}

impl FakeRound {
    fn new(manifest: &Manifest<'_>, round: Round) -> Self {
        let mut rng = UnwrapErr(SysRng);
        let mut hedge = Hedge::new([1; 32], round.0);
        let network = manifest.network();
        let mut keys = Vec::new();
        let mut mixers = Vec::new();
        for index in 0..manifest.servers(Role::Mixer).count() {
            let key = MixerKey::generate(&mut rng, &mut hedge);
            let public = key.public::<Native>();
            let seed = identity(Role::Mixer, index);
            let announcement = MixerAnnouncement::sign::<Native>(&seed, network, round, public);
            mixers.push((MixerIndex(index as u16), announcement));
            keys.push(key);
        }
        let mut masters = Vec::new();
        let mut pkgs = Vec::new();
        for (index, pkg) in manifest.servers(Role::Pkg).enumerate() {
            let master = MasterSecret::<Blst>::generate(&mut rng, &mut hedge);
            let key = master.public_key(network, round, &pkg.id, &mut rng, &mut hedge);
            let seed = identity(Role::Pkg, index);
            let announcement = PkgAnnouncement::sign::<Native>(&seed, network, round, key);
            pkgs.push((PkgIndex(index as u16), announcement));
            masters.push(master);
        }
        let mut directory = vec![0; MAX_DIRECTORY];
        let len = encode_directory(manifest, round, &mixers, &pkgs, &mut directory).unwrap();
        directory.truncate(len);
        let hash = Directory::parse(&directory).unwrap().hash();
        for index in 0..mixers.len() {
            let seed = identity(Role::Mixer, index);
            directory.extend(sign_directory::<Native>(&seed, &hash));
        }
        let geometry = manifest.parameters().geometry;
        let mixers = keys.into_iter().map(|key| Mixer::new(geometry, hash, key)).collect();
        Self { directory, masters, mixers, packets: Vec::new() }
    }

    /// What the mailbox's server sends.
    fn deliver(&self, manifest: &Manifest<'_>, mailbox: Mailbox) -> Vec<Vec<u8>> {
        let directory = Directory::parse(&self.directory).unwrap();
        let routes = directory.routes(manifest).unwrap();
        let (entry, exit) = (routes.entries()[0], routes.exits()[0]);
        let mut list = DeliveryList::new();
        let mut messages = Vec::new();
        for packet in &self.packets {
            let mut packet = packet.clone();
            let mut at = entry;
            for position in 0.. {
                match self.mixers[usize::from(at.0)].peel(position, &mut packet).unwrap() {
                    Next::Mixer(next) => at = next,
                    Next::Mailbox(to) => {
                        assert_eq!((to, at), (mailbox, exit));
                        break;
                    }
                }
            }
            packet.truncate(manifest.parameters().geometry.sealed_len());
            list.push(&packet);
            messages.push(packet);
        }
        let seed = identity(Role::Mixer, exit.0.into());
        let signature = Bytes(list.sign::<Native>(&seed, &directory.hash(), exit, mailbox));
        let count = list.count();
        let mut frames = vec![
            bytes(&MailboxReply::Start { lists: 1, messages: count }),
            bytes(&MailboxReply::List { mixer: exit, messages: count, signature }),
        ];
        frames.extend(messages);
        frames.push(bytes(&MailboxReply::End));
        frames
    }
}
