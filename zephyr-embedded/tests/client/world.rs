//! The servers, and what lies between them and the boards.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use zephyr_core::session::ServerRef;
use zephyr_core::wire::*;
use zephyr_core::*;
use zephyr_testkit::{ClientFacing, Faults, Plan, Servers};

use crate::clock;

/// How often things go wrong, in a thousand.
#[derive(Clone, Copy, Default)]
pub struct Trouble {
    /// A connection is refused.
    pub refused: u32,
    /// Nothing answers, for ever.
    pub hangs: u32,
    /// A connection breaks when something is read.
    pub breaks: u32,
    /// A bit is wrong.
    pub garbage: u32,
    /// A frame is longer than any buffer.
    pub oversized: u32,
    /// A connection takes up to so many milliseconds more.
    pub delay_ms: u32,
}

impl Trouble {
    pub fn some() -> Self {
        Self { refused: 30, hangs: 15, breaks: 5, garbage: 5, oversized: 5, delay_ms: 40 }
    }
}

/// A version of the network.
struct Version<S: Suite> {
    manifest: Manifest<'static>,
    signed: Option<Vec<u8>>,
    servers: Servers<S>,
}

pub struct World<S: Suite> {
    pub plan: Plan,
    pub trouble: Trouble,
    /// The boards whose cable is pulled.
    pub pulled: Vec<usize>,
    /// Sockets that are open, by board.
    pub sockets: HashMap<usize, usize>,
    /// Requests that came, by role.
    pub requests: HashMap<Role, usize>,
    /// Codes that were mailed, by PKG and address.
    pub mails: HashMap<(usize, String), (ClientKey, Code)>,
    versions: Vec<Version<S>>,
    faults: Faults,
    chance: ChaCha8Rng,
}

pub type Shared<S> = Rc<RefCell<World<S>>>;

impl<S: Suite> World<S> {
    pub fn new(plan: Plan, faults: Faults) -> Self {
        let bytes = manifest::<S>(&plan);
        let manifest = Manifest::parse(bytes).expect("a good plan");
        let servers = Servers::new(plan, faults, manifest.clone());
        Self {
            plan,
            trouble: Trouble::default(),
            pulled: Vec::new(),
            sockets: HashMap::new(),
            requests: HashMap::new(),
            mails: HashMap::new(),
            versions: vec![Version { manifest, signed: None, servers }],
            faults,
            chance: ChaCha8Rng::seed_from_u64(plan.seed),
        }
    }

    /// The first version.
    pub fn manifest(&self) -> &'static [u8] {
        self.versions[0].manifest.as_bytes()
    }

    pub fn now(&self) -> UnixMs {
        UnixMs(self.plan.parameters.genesis.0 + 20_000 + clock::now() / clock::MS)
    }

    /// The round that is open for submissions, or was last.
    pub fn round(&self) -> Round {
        let since = self.now().since(self.plan.parameters.genesis);
        Round(since / u64::from(self.plan.parameters.round_ms))
    }

    pub fn register(&mut self, address: &Address, pkg: usize, key: ClientKey) {
        for version in &mut self.versions {
            version.servers.register(pkg, address.clone(), key);
        }
    }

    /// A next version, in effect so many rounds from now on, signed by all, with so many packets in a round.
    pub fn add_version(&mut self, rounds: u64, packets_per_round: u8) {
        let newest = self.versions.last().expect("there is a first");
        let from = Round(self.round().0 + rounds);
        let (mut bytes, mut signed) = (vec![0; 8_192], vec![0; 8_192]);
        let servers: Vec<_> = newest.manifest.all().collect();
        let previous = &newest.manifest;
        let parameters = Parameters { packets_per_round, ..*previous.parameters() };
        let servers = servers.into_iter();
        let len = Manifest::encode_next(previous, from, &parameters, servers, &mut bytes).unwrap();
        bytes.truncate(len);
        let manifest = Manifest::parse(bytes.leak()).expect("just encoded");
        let mut signatures = Vec::new();
        for role in [Role::Mixer, Role::Pkg] {
            for index in 0..self.plan.count(role) {
                let seed = self.plan.server_seed(role, index);
                let signature = sign_manifest::<S>(&seed, &manifest);
                signatures.push(ManifestSignature { role, index: index as u16, signature });
            }
        }
        let len = encode_signed_manifest(&manifest, &signatures, &mut signed).unwrap();
        signed.truncate(len);
        let servers = Servers::new(self.plan, self.faults, manifest.clone());
        self.versions.push(Version { manifest, signed: Some(signed), servers });
    }

    pub fn chance(&mut self) -> u64 {
        self.chance.next_u64()
    }

    pub fn happens(&mut self, permille: u32) -> bool {
        permille > 0 && self.chance() % 1_000 < permille.into()
    }

    pub fn link(&mut self, server: ServerRef) -> Link<S::Dh> {
        let mut ephemeral = [0; 32];
        self.chance.fill_bytes(&mut ephemeral);
        let key = LinkKey::new::<S::Dh>(&self.plan.link_secret(server.role, server.index));
        Link::responder(self.versions[0].manifest.network(), &key, ephemeral)
    }

    /// Answers a request as the version's servers do that are in charge of it.
    pub fn handle(
        &mut self,
        server: ServerRef,
        handshake: &[u8; 32],
        request: &[u8],
    ) -> VecDeque<Vec<u8>> {
        *self.requests.entry(server.role).or_default() += 1;
        let now = self.now();
        let round = match server.role {
            Role::Info => match decode(request).expect("an honest request") {
                InfoRequest::Directory(round) => Some(round),
                InfoRequest::Manifest(version) => {
                    let version = self.versions.get(version as usize);
                    let signed = version.and_then(|version| version.signed.clone());
                    let reply =
                        signed.as_deref().map_or(InfoReply::NoManifest, InfoReply::Manifest);
                    return [encoded(&reply)].into();
                }
                InfoRequest::Clock => None,
            },
            Role::Pkg => match decode(request).expect("an honest request") {
                PkgRequest::Extract { round, .. } => Some(round),
                request => return [encoded(&self.registrar(server.index, &request))].into(),
            },
            Role::Mixer => match decode(request).expect("an honest request") {
                MixerRequest::Submit { round, .. } => Some(round),
            },
            _ => match decode(request).expect("an honest request") {
                MailboxRequest::Download { round, .. } => Some(round),
            },
        };
        let in_charge = |v: &&mut Version<S>| round.is_none_or(|r| v.manifest.from_round() <= r);
        let version = self.versions.iter_mut().rev().find(in_charge).expect("the first always is");
        version.servers.handle(now, server, handshake, request).into()
    }

    /// A PKG that mails codes.
    fn registrar(&mut self, pkg: usize, request: &PkgRequest<'_>) -> PkgReply {
        match request {
            PkgRequest::Register { address, key } => {
                let code = Code::generate(&mut self.chance);
                self.mails.insert((pkg, (*address).into()), (*key, code));
                PkgReply::CodeSent { seconds: 600 }
            }
            PkgRequest::Confirm { address, key, code } => {
                match self.mails.get(&(pkg, (*address).into())) {
                    Some((pending, right)) if pending == key && right == code => {
                        let address = Address::parse(address).expect("an honest request");
                        self.register(&address, pkg, *key);
                        PkgReply::Registered
                    }
                    _ => PkgReply::Refused(PkgRefusal::WrongCode { tries_left: 2 }),
                }
            }
            _ => PkgReply::Refused(PkgRefusal::Malformed),
        }
    }
}

/// As the plan has it, with a link key of the suite and an address for each server; some of these are names.
fn manifest<S: Suite>(plan: &Plan) -> &'static [u8] {
    let template = plan.manifest::<S>();
    let template = Manifest::parse(&template).expect("a good plan");
    let mut counts = HashMap::new();
    let ends: Vec<_> = template
        .all()
        .map(|entry| {
            let count = counts.entry(entry.role).or_insert(0);
            let index = *count;
            *count += 1;
            let address = match index % 2 {
                0 => format!("10.0.{}.{index}:7000", entry.role as u8),
                _ => format!("s-{}-{index}.example:7000", entry.role as u8),
            };
            (S::Dh::public(&plan.link_secret(entry.role, index)), address)
        })
        .collect();
    let servers: Vec<_> = template.all().collect();
    let entries = servers.into_iter().zip(&ends).map(|(entry, (key, address))| ServerEntry {
        link_key: *key,
        client_address: address,
        ..entry
    });
    let mut bytes = vec![0; MAX_MANIFEST];
    let len = Manifest::encode(template.parameters(), entries, &mut bytes).expect("a good plan");
    bytes.truncate(len);
    bytes.leak()
}

fn encoded(message: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = vec![0; MAX_FRAME];
    encode(message, &mut buffer).expect("a message fits a frame").to_vec()
}
