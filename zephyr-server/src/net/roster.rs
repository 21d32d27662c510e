//! Who may be on the network: identities, their addresses, and how both look to libp2p.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;

use libp2p::identity::{PublicKey, ed25519};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// A server's identity: its Ed25519 public key, 32 bytes, as the manifest lists it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId([u8; 32]);

impl NodeId {
    /// Takes the 32 bytes of an Ed25519 public key; they are checked when the node becomes a [`Peer`] of a network.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the Ed25519 public key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The identity that belongs to a 32-byte Ed25519 seed (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(keypair(seed).public().to_bytes())
    }

    fn to_peer_id(self) -> Option<PeerId> {
        let key = ed25519::PublicKey::try_from_bytes(&self.0).ok()?;
        Some(PublicKey::from(key).to_peer_id())
    }
}

impl From<[u8; 32]> for NodeId {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for NodeId {
    /// The first eight bytes in hexadecimal: enough to tell servers apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

/// The key pair of a seed.
pub(super) fn keypair(seed: &[u8; 32]) -> ed25519::Keypair {
    let secret =
        ed25519::SecretKey::try_from_bytes(*seed).expect("any 32 bytes are an Ed25519 seed");
    ed25519::Keypair::from(secret)
}

/// One server of the network, as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The server's identity.
    pub identity: NodeId,
    /// Where it listens: `127.0.0.1:4001`, `[::1]:4001` or `mix1.example.org:4001`.
    pub address: String,
}

/// Why a list of servers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// This server's own identity is missing.
    #[error(
        "This server's own key {0} is not in the list of servers: check that its key file belongs to this network."
    )]
    OwnKeyMissing(NodeId),
    /// An identity stands in the list twice.
    #[error("The server {0} is listed twice: remove one of the two entries.")]
    Twice(NodeId),
    /// An identity is not an Ed25519 public key.
    #[error(
        "The identity {0} is not an Ed25519 public key: copy it again from that server's operator."
    )]
    BadKey(NodeId),
    /// An address is not `host:port`.
    #[error("The address «{0}» is not of the form host:port, such as mix1.example.org:4001.")]
    BadAddress(String),
}

/// A checked list of servers, looked up by either name.
pub(super) struct Roster {
    own: NodeId,
    by_node: HashMap<NodeId, (PeerId, String)>,
    by_peer: HashMap<PeerId, NodeId>,
}

impl Roster {
    /// A list of nobody.
    pub(super) fn empty(own: NodeId) -> Self {
        Self { own, by_node: HashMap::new(), by_peer: HashMap::new() }
    }

    pub(super) fn new(own: NodeId, peers: &[Peer]) -> Result<Self, RosterError> {
        let mut roster = Self::empty(own);
        for peer in peers {
            let id = peer.identity;
            let peer_id = id.to_peer_id().ok_or(RosterError::BadKey(id))?;
            split_address(&peer.address)
                .ok_or_else(|| RosterError::BadAddress(peer.address.clone()))?;
            if roster.by_node.insert(id, (peer_id, peer.address.clone())).is_some() {
                return Err(RosterError::Twice(id));
            }
            roster.by_peer.insert(peer_id, id);
        }
        if !roster.by_node.contains_key(&own) {
            return Err(RosterError::OwnKeyMissing(own));
        }
        Ok(roster)
    }

    pub(super) fn own(&self) -> NodeId {
        self.own
    }

    pub(super) fn node(&self, peer: &PeerId) -> Option<NodeId> {
        self.by_peer.get(peer).copied()
    }

    pub(super) fn peer_id(&self, node: &NodeId) -> Option<PeerId> {
        self.by_node.get(node).map(|(peer, _)| *peer)
    }

    pub(super) fn address(&self, node: &NodeId) -> Option<&str> {
        self.by_node.get(node).map(|(_, address)| address.as_str())
    }

    /// Everybody but this server.
    pub(super) fn others(&self) -> impl Iterator<Item = (NodeId, PeerId)> {
        self.by_node
            .iter()
            .map(|(node, (peer, _))| (*node, *peer))
            .filter(|(node, _)| *node != self.own)
    }
}

/// Splits `host:port`; IPv6 hosts stand in brackets, which are kept.
fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = !host.is_empty() && !host.contains([':', '/', ' ']);
    let bracketed = host.starts_with('[') && host.ends_with(']');
    (bare || bracketed).then_some((host, port.parse().ok()?))
}

/// The multiaddress of a TCP endpoint.
pub(super) fn to_multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

/// The TCP endpoint of a multiaddress, if it begins with one.
pub(super) fn to_socket_addr(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8, address: &str) -> Peer {
        Peer { identity: NodeId::from_seed(&[n; 32]), address: address.into() }
    }

    #[test]
    fn addresses_are_host_and_port() {
        for good in ["127.0.0.1:4001", "[::1]:4001", "mix1.example.org:4001"] {
            assert!(split_address(good).is_some(), "{good}");
        }
        for bad in
            ["", ":4001", "::1:4001", "host", "host:", "host:65536", "a b:1", "http://host:1"]
        {
            assert!(split_address(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_list_must_be_sound_and_name_its_owner() {
        let own = NodeId::from_seed(&[1; 32]);
        assert!(Roster::new(own, &[peer(1, "a:1"), peer(2, "b:1")]).is_ok());
        assert_eq!(
            Roster::new(own, &[peer(2, "b:1")]).err(),
            Some(RosterError::OwnKeyMissing(own))
        );
        assert_eq!(
            Roster::new(own, &[peer(1, "a:1"), peer(1, "b:1")]).err(),
            Some(RosterError::Twice(own))
        );
        assert_eq!(
            Roster::new(own, &[peer(1, "a")]).err(),
            Some(RosterError::BadAddress("a".into()))
        );
        let mut off_curve = [0u8; 32];
        off_curve[0] = 2;
        let bad = Peer { identity: off_curve.into(), address: "a:1".into() };
        assert_eq!(Roster::new(own, &[bad]).err(), Some(RosterError::BadKey(off_curve.into())));
    }

    #[test]
    fn endpoints_survive_the_way_to_libp2p_and_back() {
        for address in ["127.0.0.1:4001", "[::1]:4001"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(to_socket_addr(&to_multiaddr(address)), Some(address));
        }
    }
}
