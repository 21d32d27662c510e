//! The Zephyr servers: PKG, mixer, info-node and mailbox server.

#![forbid(unsafe_code)]

mod front;
pub mod listen;
pub mod mail;
mod metrics;
pub mod net;
mod node;
mod registrar;
mod roles;
pub mod store;
#[cfg(test)]
mod testing;

pub use front::{FrontConfig, MailboxFront};
pub use node::{Native, Node, NodeConfig, NodeError, NodeStats, PkgConfig, Stats};
pub use registrar::Registrar;
pub use zephyr_machine::event::ServerEvent;
