//! The Zephyr servers: PKG, mixer, info-node and mailbox server.

pub mod net;
