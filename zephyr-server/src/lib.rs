//! The Zephyr servers: PKG, mixer, info-node and mailbox server.

pub mod listen;
pub mod net;
