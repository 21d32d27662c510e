//! Attacks on the manifest and on the round's directory.

#![allow(missing_docs)]

mod common;
#[path = "directory/frozen.rs"]
mod frozen;
#[path = "directory/guard.rs"]
mod guard;
#[path = "directory/manifest.rs"]
mod manifest;
#[path = "directory/round.rs"]
mod round;
#[path = "directory/update.rs"]
mod update;
#[path = "directory/world.rs"]
mod world;
