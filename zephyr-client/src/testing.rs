//! Networks and people for tests.

use zephyr_core::{
    Address, Dh, Ed25519, Geometry, Parameters, Role, Round, RouteMode, ServerEntry, ServerId,
    Signature, UnixMs, X25519, server_keys,
};

use crate::network::{Network, NextVersion};

pub(crate) fn alice() -> Address {
    Address::parse("alice@example.org").unwrap()
}

pub(crate) fn bob() -> Address {
    Address::parse("bob@example.org").unwrap()
}

pub(crate) fn parameters() -> Parameters {
    Parameters {
        geometry: Geometry::new(3, 1_024).unwrap(),
        routes: RouteMode::Round,
        min_mixers: 3,
        packets_per_round: 4,
        mailboxes: 1,
        replicas: 2,
        genesis: UnixMs(1_767_225_600_000),
        round_ms: 600_000,
        open_ms: 60_000,
        submit_ms: 540_000,
        phase_ms: 60_000,
        deliver_ms: 60_000,
        download_ms: 300_000,
        noise_mu: 20_000,
        noise_b: 4_000,
        min_batch: 50,
    }
}

/// The servers of test networks by role and seed: 3 mixers, 2 PKGs, 2 info-nodes, 2 mailbox servers.
pub(crate) fn servers() -> Vec<(Role, String, [u8; 32])> {
    let roles = [(Role::Mixer, 3), (Role::Pkg, 2), (Role::Info, 2), (Role::Mailbox, 2)];
    let names =
        roles.into_iter().flat_map(|(role, n)| (1..=n).map(move |i| (role, format!("{role}-{i}"))));
    names.zip(1u8..).map(|((role, name), seed)| (role, name, [seed; 32])).collect()
}

/// The network of [`servers`], which clients reach at what `address` says for the name.
pub(crate) fn network(parameters: &Parameters, address: impl Fn(&str) -> String) -> Network {
    let servers = servers();
    let addresses: Vec<_> = servers
        .iter()
        .map(|(_, name, _)| (address(name), format!("{name}.example.org:7200")))
        .collect();
    let entries: Vec<_> = servers
        .iter()
        .zip(&addresses)
        .map(|((role, name, seed), (client, peer))| {
            let (identity, link) = server_keys(seed);
            ServerEntry {
                role: *role,
                id: ServerId::from_bytes(Ed25519::public(&identity)),
                link_key: X25519::public(&link),
                name,
                client_address: client,
                peer_address: peer,
            }
        })
        .collect();
    Network::new(parameters, &entries).unwrap()
}

pub(crate) fn sample() -> Network {
    network(&parameters(), |name| format!("{name}.example.org:7100"))
}

/// The seed of the identity of the server with this name.
pub(crate) fn identity_seed(name: &str) -> [u8; 32] {
    let (.., seed) = servers().into_iter().find(|(_, n, _)| n == name).unwrap();
    *server_keys(&seed).0
}

/// The version that follows, in effect from the round `from` on, without the info-node `info-2`. Unsigned.
pub(crate) fn next_version(network: &Network, from: u64) -> NextVersion {
    let newest = network.manifest();
    let servers: Vec<_> = newest.all().filter(|server| server.name != "info-2").collect();
    NextVersion::new(network, Round(from), newest.parameters(), &servers).unwrap()
}

/// `network` and that version, signed by all who must.
pub(crate) fn advanced(network: &Network, from: u64) -> Network {
    let mut next = next_version(network, from);
    for name in ["mixer-1", "mixer-3", "pkg-1", "pkg-2"] {
        assert!(next.sign(&identity_seed(name)).unwrap());
    }
    next.finish().unwrap()
}
