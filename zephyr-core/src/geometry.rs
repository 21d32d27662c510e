//! The sizes that follow from a network's parameters.

use crate::onion::{HOP_SIZE, PACKET_HEADER_SIZE};
use crate::seal::SEAL_OVERHEAD;

/// The most hops that a route can have.
pub const MAX_HOPS: usize = 16;
/// The smallest payload length in bytes that a network may choose.
pub const MIN_PAYLOAD: usize = 128;
/// The largest payload length in bytes that a network may choose.
pub const MAX_PAYLOAD: usize = 32 * 1024;

/// Number of hops and payload length of a network; every size of a packet follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    hops: u8,
    payload_len: u16,
}

impl Geometry {
    /// A geometry of 1 to 16 hops and payloads of 128 to 32,768 bytes; `None` outside of these.
    pub const fn new(hops: usize, payload_len: usize) -> Option<Self> {
        if hops == 0 || hops > MAX_HOPS || payload_len < MIN_PAYLOAD || payload_len > MAX_PAYLOAD {
            return None;
        }
        Some(Self { hops: hops as u8, payload_len: payload_len as u16 })
    }

    /// Number of hops.
    pub const fn hops(self) -> usize {
        self.hops as usize
    }

    /// Length in bytes of a payload with its padding.
    pub const fn payload_len(self) -> usize {
        self.payload_len as usize
    }

    /// Length in bytes of a sealed message: payload + 144.
    pub const fn sealed_len(self) -> usize {
        self.payload_len() + SEAL_OVERHEAD
    }

    /// Length in bytes of a packet's body: 50 a hop and the sealed message.
    pub const fn body_len(self) -> usize {
        self.hops() * HOP_SIZE + self.sealed_len()
    }

    /// Length in bytes of a packet: body + 48, the same at every hop.
    pub const fn packet_len(self) -> usize {
        PACKET_HEADER_SIZE + self.body_len()
    }
}
