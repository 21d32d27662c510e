//! A network on paper, for unit tests: a manifest and directories.

use zephyr_core::{
    Directory, DirectoryHash, Geometry, Hedge, MAX_DIRECTORY, MAX_MANIFEST, Manifest, MasterSecret,
    MixerAnnouncement, MixerIndex, MixerKey, Parameters, PkgAnnouncement, PkgIndex, Role, Round,
    RouteMode, Schedule, ServerEntry, ServerId, Signature, Suite, encode_directory, sign_directory,
};

use zephyr_blst::Native;
use zephyr_machine::SharedManifest;

/// Three mixers, a PKG, an info-node and two mailbox servers, with two mailboxes on each of them.
pub(crate) struct Paper {
    pub(crate) manifest: SharedManifest,
}

pub(crate) fn seed(role: Role, index: usize) -> [u8; 32] {
    [1 + role as u8 * 16 + index as u8; 32]
}

pub(crate) fn id(role: Role, index: usize) -> ServerId {
    ServerId::from_bytes(<Native as Suite>::Signature::public(&seed(role, index)))
}

impl Paper {
    /// With `routes`: `Rotations` has three delivering mixers, `Round` one.
    pub(crate) fn new(routes: RouteMode) -> Self {
        let parameters = Parameters {
            geometry: Geometry::new(3, 128).unwrap(),
            routes,
            min_mixers: 2,
            packets_per_round: 1,
            mailboxes: 4,
            replicas: 1,
            genesis: zephyr_core::UnixMs(1_000_000),
            round_ms: 1_000,
            open_ms: 500,
            submit_ms: 800,
            phase_ms: 100,
            deliver_ms: 200,
            download_ms: 1_000,
            noise_mu: 0,
            noise_b: 0,
            min_batch: 0,
        };
        let roles = [(Role::Mixer, 3), (Role::Pkg, 1), (Role::Info, 1), (Role::Mailbox, 2)];
        let servers: Vec<_> = roles
            .into_iter()
            .flat_map(|(role, count)| (0..count).map(move |index| (role, index)))
            .map(|(role, index)| ServerEntry {
                role,
                id: id(role, index),
                link_key: [7; 32],
                name: "a server",
                client_address: "127.0.0.1:1",
                peer_address: "127.0.0.1:2",
            })
            .collect();
        let mut bytes = vec![0; MAX_MANIFEST];
        let len = Manifest::encode(&parameters, servers.into_iter(), &mut bytes).unwrap();
        bytes.truncate(len);
        Self { manifest: SharedManifest::new(bytes).unwrap() }
    }

    pub(crate) fn schedule(&self, round: Round) -> Schedule {
        self.manifest.get().parameters().schedule(round)
    }

    /// A valid directory of `mixers` with fresh keys.
    pub(crate) fn directory(&self, round: Round, mixers: &[u16]) -> Vec<u8> {
        let manifest = self.manifest.get();
        let network = manifest.network();
        let (mut rng, mut hedge) =
            (rand_core::UnwrapErr(getrandom::SysRng), Hedge::new([9; 32], round.0));
        let keys: Vec<_> = mixers
            .iter()
            .map(|&index| {
                let seed = seed(Role::Mixer, index.into());
                let key = MixerKey::generate(&mut rng, &mut hedge).public::<Native>();
                let signed = MixerAnnouncement::sign::<Native>(&seed, network, round, key);
                (MixerIndex(index), signed)
            })
            .collect();
        let secret = MasterSecret::<<Native as Suite>::Pairing>::generate(&mut rng, &mut hedge);
        let id = manifest.server(Role::Pkg, 0).unwrap().id;
        let key = secret.public_key(network, round, &id, &mut rng, &mut hedge);
        let pkg = PkgAnnouncement::sign::<Native>(&seed(Role::Pkg, 0), network, round, key);
        let mut bytes = vec![0; MAX_DIRECTORY];
        let pkgs = [(PkgIndex(0), pkg)];
        let len = encode_directory(&manifest, round, &keys, &pkgs, &mut bytes).unwrap();
        bytes.truncate(len);
        let hash = hash(&bytes);
        for &index in mixers {
            bytes.extend(sign_directory::<Native>(&seed(Role::Mixer, index.into()), &hash));
        }
        Directory::parse(&bytes).unwrap().verify::<Native>(&manifest, true).unwrap();
        bytes
    }
}

pub(crate) fn hash(directory: &[u8]) -> DirectoryHash {
    Directory::parse(directory).unwrap().hash()
}
