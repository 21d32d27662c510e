//! The rules of the Zephyr servers, without I/O: time, frames and random numbers come from outside.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate self as zephyr_machine; // under this name the servers' tests know `testing` too

pub mod agreement;
pub mod batch;
pub mod board;
pub mod delivery;
pub mod event;
pub mod follow;
pub mod info;
pub mod ledger;
pub mod loops;
pub mod mailbox;
mod manifest;
pub mod mix;
pub mod mixer;
pub mod mixer_server;
pub mod noise;
pub mod peer;
pub mod pkg;
pub mod record;
pub mod reputation;
#[cfg(test)]
mod testing;

pub use manifest::{SharedManifest, VersionError};
