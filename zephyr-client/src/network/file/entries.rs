//! Parameters and servers as they stand in `network.toml`.

use serde::{Deserialize, Serialize};
use zephyr_core::{Geometry, Parameters, Role, RouteMode, ServerEntry, ServerId, UnixMs};

use crate::network::NetworkError;

/// [`Parameters`] with the units in the names.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ParametersFile {
    hops: u8,
    payload_bytes: u16,
    routes: RoutesFile,
    min_mixers: u8,
    packets_per_round: u8,
    mailboxes: u32,
    mailbox_replicas: u8,
    genesis_unix_ms: u64,
    round_ms: u32,
    open_ms: u32,
    submit_ms: u32,
    phase_ms: u32,
    deliver_ms: u32,
    download_ms: u32,
    noise_mu_thousandths: u32,
    noise_b_thousandths: u32,
    min_batch_packets: u32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoutesFile {
    Round,
    Rotations,
    Free,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ServerFile {
    /// For people.
    name: String,
    /// The Ed25519 identity: 64 hexadecimal digits.
    identity: String,
    /// The X25519 key of its links: 64 hexadecimal digits.
    link_key: String,
    /// Where clients reach it.
    client: String,
    /// Where servers reach it.
    peer: String,
}

impl RoutesFile {
    fn of(routes: RouteMode) -> Option<Self> {
        Some(match routes {
            RouteMode::Round => Self::Round,
            RouteMode::Rotations => Self::Rotations,
            RouteMode::Free => Self::Free,
            _ => return None,
        })
    }
}

impl ParametersFile {
    pub(super) fn of(p: &Parameters) -> Option<Self> {
        Some(Self {
            hops: p.geometry.hops() as u8,
            payload_bytes: p.geometry.payload_len() as u16,
            routes: RoutesFile::of(p.routes)?,
            min_mixers: p.min_mixers,
            packets_per_round: p.packets_per_round,
            mailboxes: p.mailboxes,
            mailbox_replicas: p.replicas,
            genesis_unix_ms: p.genesis.0,
            round_ms: p.round_ms,
            open_ms: p.open_ms,
            submit_ms: p.submit_ms,
            phase_ms: p.phase_ms,
            deliver_ms: p.deliver_ms,
            download_ms: p.download_ms,
            noise_mu_thousandths: p.noise_mu,
            noise_b_thousandths: p.noise_b,
            min_batch_packets: p.min_batch,
        })
    }

    pub(super) fn parameters(&self) -> Result<Parameters, NetworkError> {
        let geometry = Geometry::new(self.hops.into(), self.payload_bytes.into());
        Ok(Parameters {
            geometry: geometry.ok_or_else(|| NetworkError::Value {
                field: "hops or payload_bytes".into(),
                wanted: "1 to 16 hops and payloads of 128 to 32768 bytes",
            })?,
            routes: match self.routes {
                RoutesFile::Round => RouteMode::Round,
                RoutesFile::Rotations => RouteMode::Rotations,
                RoutesFile::Free => RouteMode::Free,
            },
            min_mixers: self.min_mixers,
            packets_per_round: self.packets_per_round,
            mailboxes: self.mailboxes,
            replicas: self.mailbox_replicas,
            genesis: UnixMs(self.genesis_unix_ms),
            round_ms: self.round_ms,
            open_ms: self.open_ms,
            submit_ms: self.submit_ms,
            phase_ms: self.phase_ms,
            deliver_ms: self.deliver_ms,
            download_ms: self.download_ms,
            noise_mu: self.noise_mu_thousandths,
            noise_b: self.noise_b_thousandths,
            min_batch: self.min_batch_packets,
        })
    }
}

impl ServerFile {
    pub(super) fn of(server: ServerEntry<'_>) -> Self {
        Self {
            name: server.name.into(),
            identity: server.id.to_string(),
            link_key: hex::encode(server.link_key),
            client: server.client_address.into(),
            peer: server.peer_address.into(),
        }
    }

    pub(super) fn server(&self, role: Role) -> Result<ServerEntry<'_>, NetworkError> {
        let field = |name: &str| format!("{name} of the {role} {:?}", self.name);
        Ok(ServerEntry {
            role,
            id: ServerId::from_bytes(bytes(&field("identity"), &self.identity)?),
            link_key: bytes(&field("link_key"), &self.link_key)?,
            name: &self.name,
            client_address: &self.client,
            peer_address: &self.peer,
        })
    }
}

/// The servers of all roles, each list being one role's.
pub(super) fn servers(lists: [&[ServerFile]; 4]) -> Result<Vec<ServerEntry<'_>>, NetworkError> {
    let of_role = |(role, list)| -> Vec<_> {
        let list: &[ServerFile] = list;
        list.iter().map(|entry| entry.server(role)).collect()
    };
    Role::ALL.into_iter().zip(lists).flat_map(of_role).collect()
}

/// 32 bytes from 64 hexadecimal digits.
pub(in super::super) fn bytes(field: &str, text: &str) -> Result<[u8; 32], NetworkError> {
    decoded(field, text, "64 hexadecimal digits")
}

/// `N` bytes from hexadecimal digits.
pub(super) fn decoded<const N: usize>(
    field: &str,
    text: &str,
    wanted: &'static str,
) -> Result<[u8; N], NetworkError> {
    let mut bytes = [0; N];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(NetworkError::Value { field: field.into(), wanted }),
    }
}
