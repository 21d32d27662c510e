//! A network of three mixers and two PKGs whose every key is known, and its directories.

use zephyr_core::*;

use crate::common::{S, hedge, rng};

pub const ROUND: Round = Round(1_000);

pub fn parameters() -> Parameters {
    Parameters {
        geometry: Geometry::new(3, 1_024).unwrap(),
        routes: RouteMode::Round,
        min_mixers: 2,
        packets_per_round: 4,
        mailboxes: 8,
        replicas: 2,
        genesis: UnixMs(1_700_000_000_000),
        round_ms: 600_000,
        open_ms: 60_000,
        submit_ms: 300_000,
        phase_ms: 30_000,
        deliver_ms: 30_000,
        download_ms: 300_000,
        noise_mu: 20_000,
        noise_b: 2_000,
        min_batch: 10,
    }
}

/// Mixers, PKGs, info-nodes, mailbox servers.
pub const COUNTS: [usize; 4] = [3, 2, 1, 2];

pub fn key_file(role: Role, index: usize) -> [u8; 32] {
    [16 * (role as u8 + 1) + index as u8; 32]
}

/// The Ed25519 seed of a server.
pub fn seed(role: Role, index: usize) -> [u8; 32] {
    *server_keys(&key_file(role, index)).0
}

pub fn id(role: Role, index: usize) -> ServerId {
    ServerId::from_bytes(Ed25519::public(&seed(role, index)))
}

fn name(role: Role, index: usize) -> String {
    format!("{role}-{index}")
}

/// The servers of the manifest with as many of each role.
pub fn encode(parameters: &Parameters, counts: [usize; 4]) -> Result<Vec<u8>, ManifestError> {
    let servers: Vec<_> = Role::ALL
        .into_iter()
        .zip(counts)
        .flat_map(|(role, count)| (0..count).map(move |index| (role, index, name(role, index))))
        .collect();
    let entries = servers.iter().map(|(role, index, name)| ServerEntry {
        role: *role,
        id: id(*role, *index),
        link_key: X25519::public(&server_keys(&key_file(*role, *index)).1),
        name,
        client_address: "127.0.0.1:4000",
        peer_address: "127.0.0.1:5000",
    });
    let mut bytes = vec![0; MAX_MANIFEST];
    let len = Manifest::encode(parameters, entries, &mut bytes)?;
    bytes.truncate(len);
    Ok(bytes)
}

pub fn manifest_bytes() -> Vec<u8> {
    encode(&parameters(), COUNTS).unwrap()
}

/// A version that follows `previous`: with the server `gone` left out, and with the other parameters.
pub fn next_version(
    previous: &Manifest<'_>,
    from: Round,
    parameters: &Parameters,
    gone: Option<(Role, usize)>,
) -> Result<Vec<u8>, ManifestError> {
    let gone = gone.and_then(|(role, index)| Some(previous.server(role, index)?.id));
    let servers: Vec<_> = previous.all().filter(|s| Some(s.id) != gone).collect();
    let mut bytes = vec![0; MAX_MANIFEST];
    let servers = servers.into_iter();
    let len = Manifest::encode_next(previous, from, parameters, servers, &mut bytes)?;
    bytes.truncate(len);
    Ok(bytes)
}

/// The manifest with signatures of these servers of the version before, in this order.
pub fn signed_by(manifest: &[u8], signers: &[(Role, usize)]) -> Vec<u8> {
    let manifest = Manifest::parse(manifest).unwrap();
    let signatures: Vec<_> = signers
        .iter()
        .map(|&(role, index)| ManifestSignature {
            role,
            index: index as u16,
            signature: sign_manifest::<S>(&seed(role, index), &manifest),
        })
        .collect();
    let mut out = vec![0; MAX_SIGNED_MANIFEST];
    let len = encode_signed_manifest(&manifest, &signatures, &mut out).unwrap();
    out.truncate(len);
    out
}

/// What a directory is made of.
#[derive(Clone)]
pub struct Parts {
    pub round: Round,
    pub mixers: Vec<(MixerIndex, MixerAnnouncement)>,
    pub pkgs: Vec<(PkgIndex, PkgAnnouncement)>,
    /// The seeds under whose identities the directory is signed, in order.
    pub signers: Vec<[u8; 32]>,
}

/// A PKG's key of a round with its proof, made for `pkg`.
pub fn pkg_key(
    network: &NetworkId,
    round: Round,
    pkg: &ServerId,
    which: u64,
) -> [u8; PKG_KEY_SIZE] {
    let (mut rng, mut hedge) = (rng(which), hedge());
    let master = MasterSecret::<Portable>::generate(&mut rng, &mut hedge);
    master.public_key(network, round, pkg, &mut rng, &mut hedge)
}

impl Parts {
    pub fn honest(manifest: &Manifest<'_>, round: Round) -> Self {
        let network = manifest.network();
        let mixers = (0..3)
            .map(|i| {
                let key = MixerKey::from_bytes([0x60 + i as u8; 32]).public::<S>();
                let seed = seed(Role::Mixer, i);
                (MixerIndex(i as u16), MixerAnnouncement::sign::<S>(&seed, network, round, key))
            })
            .collect();
        let pkgs = (0..2)
            .map(|i| {
                let key = pkg_key(network, round, &id(Role::Pkg, i), 100 + i as u64);
                let seed = seed(Role::Pkg, i);
                (PkgIndex(i as u16), PkgAnnouncement::sign::<S>(&seed, network, round, key))
            })
            .collect();
        let signers = (0..3).map(|i| seed(Role::Mixer, i)).collect();
        Self { round, mixers, pkgs, signers }
    }

    pub fn body(&self, manifest: &Manifest<'_>) -> Vec<u8> {
        let mut out = vec![0; MAX_DIRECTORY];
        let len = encode_directory(manifest, self.round, &self.mixers, &self.pkgs, &mut out);
        out.truncate(len.unwrap());
        out
    }

    pub fn directory(&self, manifest: &Manifest<'_>) -> Vec<u8> {
        signed(self.body(manifest), &self.signers)
    }
}

/// The body with signatures by all of `signers`.
pub fn signed(mut body: Vec<u8>, signers: &[[u8; 32]]) -> Vec<u8> {
    let hash = Directory::parse(&body).unwrap().hash();
    signers.iter().for_each(|seed| body.extend(sign_directory::<S>(seed, &hash)));
    body
}

/// What comes of a directory.
pub fn verify(bytes: &[u8], manifest: &Manifest<'_>) -> Result<DirectoryHash, DirectoryError> {
    let directory = Directory::parse(bytes)?;
    directory.verify::<S>(manifest, true).map(|context| *context.directory())
}
