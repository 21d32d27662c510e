//! What a board brings, and the memory of a client.

use core::ops::Range;

use zephyr_core::Geometry;
use zephyr_embedded::Resources;

/// How many contacts there can be.
pub const CONTACTS: usize = 8;
/// How many servers a client talks to at once.
pub const CONNECTIONS: usize = 3;
/// How many TCP sockets that takes: codes are asked for over one more.
pub const SOCKETS: usize = CONNECTIONS + 1;

/// Networks may have so many mixers,
const MIXERS: usize = 4;
/// so many packets a round,
const SLOTS: usize = 2;
/// so long a packet,
const PACKET: usize = match Geometry::new(3, 256) {
    Some(geometry) => geometry.packet_len(),
    None => panic!("three hops and 256 bytes are possible"),
};
/// messages of servers of so many bytes (a round's directory, and the manifest with its signatures, are the longest),
const FRAME: usize = 2_048;
/// and a manifest with so many bytes, signatures included.
const MANIFEST: usize = 2_030;

/// The memory of a client. It belongs into a static, such as a `ConstStaticCell`.
pub type Memory = Resources<CONTACTS, CONNECTIONS, MIXERS, SLOTS, PACKET, FRAME, MANIFEST>;

/// What a board brings.
pub struct Board<I, O, F, R, N, M = ()> {
    /// What is typed.
    pub input: I,
    /// What is shown.
    pub output: O,
    /// A flash…
    pub flash: F,
    /// …and the part of it that is the client's, in bytes from its start.
    pub range: Range<u32>,
    /// A generator of random numbers, in hardware.
    pub rng: R,
    /// TCP and DNS.
    pub network: N,
    /// The network of servers, as `zephyr network export` writes it.
    pub manifest: &'static [u8],
    /// What the board measures about itself.
    pub monitor: M,
}

/// What a board measures about itself, for `stats`.
pub trait Monitor {
    /// Calls `show` with each figure's name and value.
    fn figures(&self, show: &mut dyn FnMut(&'static str, u64));
}

/// Nothing.
impl Monitor for () {
    fn figures(&self, _: &mut dyn FnMut(&'static str, u64)) {}
}
