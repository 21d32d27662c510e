//! How large the network is, and its manifest.

use zephyr_core::session::MAX_CONNECTIONS;
use zephyr_core::{
    Dh, Geometry, MAX_MANIFEST, Manifest, Parameters, Role, RouteMode, ServerEntry, ServerId,
    Signature, Suite, UnixMs, X25519, server_keys,
};

use super::chance::Chance;

/// A network to be.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// From which everything follows.
    pub seed: u64,
    /// Number of mixers.
    pub mixers: usize,
    /// Number of PKGs.
    pub pkgs: usize,
    /// Number of info-nodes.
    pub infos: usize,
    /// Number of mailbox servers.
    pub mailbox_servers: usize,
    /// The manifest's parameters.
    pub parameters: Parameters,
    /// How many messages of noise each mixer adds to each mailbox at most.
    pub noise: u64,
    /// How many connections each session may have open at once.
    pub connections: usize,
}

impl Plan {
    /// Three mixers, two PKGs, two info-nodes, two mailbox servers; rounds of two seconds with four packets of 256
    /// bytes of payload.
    pub fn small(seed: u64) -> Self {
        let parameters = Parameters {
            geometry: Geometry::new(3, 256).expect("sizes in range"),
            routes: RouteMode::Round,
            min_mixers: 3,
            packets_per_round: 4,
            mailboxes: 3,
            replicas: 2,
            genesis: UnixMs(1_700_000_000_000),
            round_ms: 2_000,
            open_ms: 500,
            submit_ms: 1_000,
            phase_ms: 200,
            deliver_ms: 200,
            download_ms: 1_000,
            noise_mu: 1_000,
            noise_b: 100,
            min_batch: 0,
        };
        let connections = MAX_CONNECTIONS;
        Self {
            seed,
            mixers: 3,
            pkgs: 2,
            infos: 2,
            mailbox_servers: 2,
            parameters,
            noise: 2,
            connections,
        }
    }

    /// How many servers of `role` there are.
    pub fn count(&self, role: Role) -> usize {
        match role {
            Role::Mixer => self.mixers,
            Role::Pkg => self.pkgs,
            Role::Info => self.infos,
            _ => self.mailbox_servers,
        }
    }

    /// The Ed25519 seed of a server.
    pub fn server_seed(&self, role: Role, index: usize) -> [u8; 32] {
        *server_keys(&self.key_file(role, index)).0
    }

    /// The static X25519 secret of a server, for its end of a link.
    pub fn link_secret(&self, role: Role, index: usize) -> [u8; 32] {
        *server_keys(&self.key_file(role, index)).1
    }

    fn key_file(&self, role: Role, index: usize) -> [u8; 32] {
        Chance::new(self.seed).bytes("key file", &[role as u64, index as u64])
    }

    /// The manifest's bytes.
    ///
    /// # Panics
    /// If the plan has a parameter that no manifest can have.
    pub fn manifest<S: Suite>(&self) -> Vec<u8> {
        let servers: Vec<_> = Role::ALL
            .into_iter()
            .flat_map(|role| (0..self.count(role)).map(move |index| (role, index)))
            .map(|(role, index)| {
                let (identity, link) = server_keys(&self.key_file(role, index));
                let id = ServerId::from_bytes(S::Signature::public(&identity));
                (role, id, X25519::public(&link), format!("{role}-{index}"))
            })
            .collect();
        let entries = servers.iter().map(|(role, id, link_key, name)| ServerEntry {
            role: *role,
            id: *id,
            link_key: *link_key,
            name,
            client_address: "client.invalid:1",
            peer_address: "peer.invalid:1",
        });
        let mut bytes = vec![0; MAX_MANIFEST];
        let len = Manifest::encode(&self.parameters, entries, &mut bytes).expect("a good plan");
        bytes.truncate(len);
        bytes
    }
}
