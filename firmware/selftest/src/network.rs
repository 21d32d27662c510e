//! A network of three mixers, three PKGs, an info-node and a mailbox server, and one round of it.

use zephyr_core::{
    Dh, Directory, Geometry, Hedge, Manifest, MasterSecret, MixerAnnouncement, MixerIndex,
    MixerKey, Parameters, PkgAnnouncement, PkgIndex, PkgKey, Portable, Role, Round, RoundContext,
    RouteMode, ServerEntry, ServerId, Signature, Standard, Suite, UnixMs, encode_directory,
    server_keys, sign_directory,
};

use crate::{report::Report, rng::TestRng};

/// The cryptography in earnest.
pub type Real = Standard<Portable>;

pub const MIXERS: usize = 3;
pub const PKGS: usize = 3;
pub const GEOMETRY: Geometry = Geometry::new(MIXERS, 256).expect("a network may have these sizes");
pub const ROUND: Round = Round(7);
const MANIFEST_ROOM: usize = 1024;
const DIRECTORY_ROOM: usize = 2048;

const PARAMETERS: Parameters = Parameters {
    geometry: GEOMETRY,
    routes: RouteMode::Round,
    min_mixers: MIXERS as u8,
    packets_per_round: 1,
    mailboxes: 1,
    replicas: 1,
    genesis: UnixMs(1_700_000_000_000),
    round_ms: 600_000,
    open_ms: 60_000,
    submit_ms: 300_000,
    phase_ms: 30_000,
    deliver_ms: 30_000,
    download_ms: 120_000,
    noise_mu: 0,
    noise_b: 0,
    min_batch: 0,
};

/// The bytes of the network's manifest.
pub struct ManifestBytes {
    bytes: [u8; MANIFEST_ROOM],
    len: usize,
}

impl ManifestBytes {
    /// Writes the manifest.
    #[inline(never)]
    pub fn new() -> Self {
        let entry = |(role, index)| {
            let (identity, link) = server_keys(&key_file(role, index));
            ServerEntry {
                role,
                id: ServerId::from_bytes(<Real as Suite>::Signature::public(&identity)),
                link_key: <Real as Suite>::Dh::public(&link),
                name: "server",
                client_address: "192.0.2.1:7000",
                peer_address: "192.0.2.1:7001",
            }
        };
        let servers: [_; MIXERS + PKGS + 2] = core::array::from_fn(|i| match i {
            0..MIXERS => (Role::Mixer, i),
            i if i < MIXERS + PKGS => (Role::Pkg, i - MIXERS),
            i if i == MIXERS + PKGS => (Role::Info, 0),
            _ => (Role::Mailbox, 0),
        });
        let mut bytes = [0; MANIFEST_ROOM];
        let len = Manifest::encode(&PARAMETERS, servers.into_iter().map(entry), &mut bytes)
            .expect("the manifest is in order");
        Self { bytes, len }
    }

    /// The manifest.
    pub fn manifest(&self) -> Manifest<'_> {
        Manifest::parse(&self.bytes[..self.len]).expect("it was just written")
    }
}

/// A server's secret seeds: of its identity and of its links.
pub fn seeds(role: Role, index: usize) -> ([u8; 32], [u8; 32]) {
    let (identity, link) = server_keys(&key_file(role, index));
    (*identity, *link)
}

fn key_file(role: Role, index: usize) -> [u8; 32] {
    [role as u8 * 16 + index as u8 + 1; 32]
}

/// What the servers of the network know of the round.
pub struct Network<'a> {
    /// The manifest.
    pub manifest: Manifest<'a>,
    /// The PKGs' secrets.
    pub secrets: [MasterSecret<Portable>; PKGS],
    /// What everybody knows.
    pub context: RoundContext<Portable>,
    directory: [u8; DIRECTORY_ROOM],
    directory_len: usize,
}

impl<'a> Network<'a> {
    /// Lets mixers and PKGs make the round's keys, and the mixers sign its directory; then verifies that as a client.
    #[inline(never)]
    pub fn new(report: &mut Report, rng: &mut TestRng, manifest: Manifest<'a>) -> Self {
        let mut hedge = Hedge::new([4; 32], 0);
        let secrets = core::array::from_fn(|_| MasterSecret::generate(rng, &mut hedge));
        let mut directory = [0; DIRECTORY_ROOM];
        let directory_len = directory_of(report, rng, &manifest, &secrets, &mut directory);
        let parsed = Directory::parse(&directory[..directory_len]).expect("it was just written");
        let context = report.step("verify a directory (3 mixers, 3 PKGs)", || {
            parsed.verify::<Real>(&manifest, false).expect("the directory is right")
        });
        let mut damaged = directory;
        damaged[directory_len - 1] ^= 1;
        let damaged = Directory::parse(&damaged[..directory_len]).expect("it has its form");
        assert!(damaged.verify::<Real>(&manifest, false).is_err(), "a false signature was taken");
        Self { manifest, secrets, context, directory, directory_len }
    }

    /// The round's signed directory.
    pub fn directory(&self) -> &[u8] {
        &self.directory[..self.directory_len]
    }

    /// The mixer that delivers to the mailboxes.
    pub fn exit(&self) -> MixerIndex {
        let directory = Directory::parse(self.directory()).expect("it was verified");
        let routes = directory.routes(&self.manifest).expect("there are mixers");
        routes.exits()[0]
    }
}

#[inline(never)]
fn directory_of(
    report: &mut Report,
    rng: &mut TestRng,
    manifest: &Manifest<'_>,
    secrets: &[MasterSecret<Portable>; PKGS],
    out: &mut [u8],
) -> usize {
    let mut hedge = Hedge::new([3; 32], 0);
    let network = manifest.network();
    let pkgs: [_; PKGS] = core::array::from_fn(|i| {
        let (seed, server) = (seeds(Role::Pkg, i).0, server(manifest, Role::Pkg, i));
        let key = report.step("PKG: public key with proof", || {
            secrets[i].public_key(network, ROUND, &server, rng, &mut hedge)
        });
        report.step("verify a PKG's proof", || {
            PkgKey::<Portable>::verify(&key, network, ROUND, &server).expect("the proof is right")
        });
        let other = ServerId::from_bytes([9; 32]);
        let borrowed = PkgKey::<Portable>::verify(&key, network, ROUND, &other);
        assert!(borrowed.is_err(), "a borrowed proof was taken");
        (PkgIndex(i as u16), PkgAnnouncement::sign::<Real>(&seed, network, ROUND, key))
    });
    let mixers: [_; MIXERS] = core::array::from_fn(|i| {
        let key = MixerKey::generate(rng, &mut hedge).public::<Real>();
        let seed = seeds(Role::Mixer, i).0;
        (MixerIndex(i as u16), MixerAnnouncement::sign::<Real>(&seed, network, ROUND, key))
    });
    let body = encode_directory(manifest, ROUND, &mixers, &pkgs, out).expect("there is room");
    let hash = Directory::parse(&out[..body]).expect("it was just written").hash();
    let signatures = out[body..].chunks_exact_mut(64).take(MIXERS);
    for (i, place) in signatures.enumerate() {
        place.copy_from_slice(&sign_directory::<Real>(&seeds(Role::Mixer, i).0, &hash));
    }
    body + MIXERS * 64
}

fn server(manifest: &Manifest<'_>, role: Role, index: usize) -> ServerId {
    manifest.server(role, index).expect("the manifest lists it").id
}
