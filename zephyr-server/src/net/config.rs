//! What the network needs to know to start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use zeroize::Zeroizing;

use super::records::RecordCheck;
use super::roster::{Peer, RosterError};

/// How a server takes part in the network.
#[derive(Clone)]
pub struct NetConfig {
    /// The Ed25519 seed of this server's identity. Secret.
    pub seed: Zeroizing<[u8; 32]>,
    /// Where to listen, `host:port`; port 0 takes any free one.
    pub listen: String,
    /// The servers of the network, this one included.
    pub peers: Vec<Peer>,
    /// Which records may be kept and believed.
    pub check: RecordCheck,
    /// How long records are kept. Default: 2 hours.
    pub record_ttl: Duration,
    /// Records kept for each peer that brings some, itself included; above it that peer's oldest goes. Each takes up to
    /// about 12.5 KiB. Default: 256.
    pub max_records_per_peer: usize,
    /// How long a batch may make no progress before it is given up. Default: 30 seconds.
    pub stall_timeout: Duration,
    /// How long to try to open a batch. Default: 10 seconds.
    pub open_timeout: Duration,
    /// Batches that one peer may have open here at once. Default: 8.
    pub max_batches_per_peer: usize,
    /// Calls and batches that wait to be taken from the channel of [`super::Incoming`]; further calls are answered
    /// "busy", further batches wait. Default: 128.
    pub incoming_queue: usize,
}

impl NetConfig {
    /// A configuration with the defaults.
    pub fn new(
        seed: [u8; 32],
        listen: impl Into<String>,
        peers: Vec<Peer>,
        check: RecordCheck,
    ) -> Self {
        Self {
            seed: Zeroizing::new(seed),
            listen: listen.into(),
            peers,
            check,
            record_ttl: Duration::from_secs(2 * 3600),
            max_records_per_peer: 256,
            stall_timeout: Duration::from_secs(30),
            open_timeout: Duration::from_secs(10),
            max_batches_per_peer: 8,
            incoming_queue: 128,
        }
    }
}

impl fmt::Debug for NetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetConfig")
            .field("listen", &self.listen)
            .field("peers", &self.peers.len())
            .finish_non_exhaustive()
    }
}

/// Why the network could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The list of servers cannot be used.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The address to listen on is not `host:port`, or its host is unknown here.
    #[error("Cannot listen on «{address}»: give an address of this machine as host:port.")]
    ListenAddress {
        /// The address as configured.
        address: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error(
        "Cannot listen on {address}: {source}. Stop the program that uses this port, or choose another one."
    )]
    Listen {
        /// The address as resolved.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The keys for the links could not be made.
    #[error("The keys for the links between servers could not be made: {0}")]
    Keys(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_seed_does_not_show() {
        let config = NetConfig::new([0xab; 32], "127.0.0.1:0", Vec::new(), Arc::new(|_, _| true));
        let shown = format!("{config:?}").to_lowercase();
        assert!(
            !shown.contains("171") && !shown.contains("abab") && !shown.contains("seed"),
            "{shown}"
        );
    }
}
