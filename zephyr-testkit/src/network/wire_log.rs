//! What somebody sees who listens to a client's wire.

use zephyr_core::UnixMs;
use zephyr_core::session::ServerRef;

/// Something on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireKind {
    /// The client opens a connection.
    Connect,
    /// The client sends a message of so many bytes.
    Up(usize),
    /// The server sends a message of so many bytes.
    Down(usize),
    /// The client closes.
    Close,
    /// The connection can't be had, or breaks.
    Broken,
}

/// When, to or from whom, how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireEntry {
    /// When, in the network's time.
    pub at: UnixMs,
    /// The server.
    pub server: ServerRef,
    /// What.
    pub kind: WireKind,
}
