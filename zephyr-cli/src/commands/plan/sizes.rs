//! What a client sends and receives in a round: the bytes in TCP's streams, without TCP's and IP's own headers.

use zephyr_core::{
    DH_SIZE, FRAME_OVERHEAD, FRAME_PREFIX, HANDSHAKE_SIZE, LIST_SIGNATURE_SIZE, PKG_KEY_SIZE,
    Parameters, RouteMode, SHARE_SIZE, SIGNATURE_SIZE,
};

use super::model::Servers;

/// Key and signature of an announcement, and the index before them.
const MIXER_ENTRY: usize = 2 + DH_SIZE + SIGNATURE_SIZE;
const PKG_ENTRY: usize = 2 + PKG_KEY_SIZE + SIGNATURE_SIZE;
/// What stands before a directory's entries.
const DIRECTORY_HEADER: usize = 111;
/// A number of a round, an enumeration's tag, lengths: postcard's variable integers.
const SMALL: usize = 6;
/// An e-mail address, on average.
const ADDRESS: usize = 24;
/// A directory is asked of one info-node, and compared with what another one has.
pub const INFO_NODES: usize = 2;

/// Bytes of one kind of exchange in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// From the client.
    pub up: usize,
    /// To the client.
    pub down: usize,
}

impl Bytes {
    /// So many times that.
    pub fn times(self, n: usize) -> Self {
        Self { up: n * self.up, down: n * self.down }
    }

    fn plus(self, other: Self) -> Self {
        Self { up: self.up + other.up, down: self.down + other.down }
    }
}

/// A connection with so many requests of one length, which are answered with frames of so many bytes in all.
fn exchange((requests, request): (usize, usize), frames: usize, replies: usize) -> Bytes {
    let handshake = FRAME_PREFIX + HANDSHAKE_SIZE;
    // The first frame carries the version of the protocol.
    let version = FRAME_OVERHEAD + 1;
    Bytes {
        up: handshake + version + requests * (FRAME_OVERHEAD + request),
        down: handshake + frames * FRAME_OVERHEAD + replies,
    }
}

/// A directory with its signatures.
pub fn directory(servers: Servers) -> usize {
    let Servers { mixers, pkgs } = servers;
    DIRECTORY_HEADER + mixers * (MIXER_ENTRY + SIGNATURE_SIZE) + pkgs * PKG_ENTRY
}

/// From one info-node.
pub fn of_directory(servers: Servers) -> Bytes {
    exchange((1, SMALL), 1, SMALL + directory(servers))
}

/// From one PKG.
pub fn of_share() -> Bytes {
    exchange((1, SMALL + ADDRESS + SIGNATURE_SIZE), 1, SMALL + SHARE_SIZE)
}

/// How many mixers a client brings its packets to: those at which its packets' routes begin.
pub fn entries(parameters: &Parameters, servers: Servers) -> usize {
    match parameters.routes {
        RouteMode::Round => 1,
        _ => servers.mixers.min(parameters.packets_per_round.into()),
    }
}

/// To one mixer, with so many packets.
pub fn of_packets(parameters: &Parameters, packets: usize) -> Bytes {
    exchange((packets, SMALL + parameters.geometry.packet_len()), packets, packets)
}

/// A mailbox with so many messages.
pub fn of_mailbox(parameters: &Parameters, servers: Servers, messages: f64) -> Bytes {
    let lists = match parameters.routes {
        RouteMode::Round => 1,
        _ => servers.mixers,
    };
    let messages = messages.ceil() as usize;
    let list = SMALL + LIST_SIGNATURE_SIZE;
    let replies = SMALL + lists * list + messages * parameters.geometry.sealed_len() + 1;
    exchange((1, 2 * SMALL), 2 + lists + messages, replies)
}

/// All that a client exchanges in a round, by part.
pub fn client(
    parameters: &Parameters,
    servers: Servers,
    messages: f64,
) -> [(&'static str, Bytes); 4] {
    let packets = parameters.packets_per_round.into();
    let connections = exchange((0, 0), 0, 0).times(entries(parameters, servers) - 1);
    [
        ("directory", of_directory(servers).times(INFO_NODES)),
        ("extraction", of_share().times(servers.pkgs)),
        ("packets", of_packets(parameters, packets).plus(connections)),
        ("mailbox", of_mailbox(parameters, servers, messages)),
    ]
}
