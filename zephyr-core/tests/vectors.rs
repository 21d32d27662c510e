//! The frozen vectors of `docs/vectors`, read and verified; `ZEPHYR_WRITE_VECTORS=1` writes them anew.

#![allow(missing_docs)]

mod common;
#[path = "vectors/write.rs"]
mod write;

use common::{P, S, frozen};

#[test]
fn labelled_hashes_are_as_frozen() {
    frozen::hashing();
}

#[test]
fn identities_are_as_frozen() {
    frozen::identities::<P>();
}

#[test]
fn keys_are_as_frozen() {
    frozen::keys::<P>();
}

#[test]
fn sealed_messages_are_as_frozen() {
    frozen::messages::<P>();
}

#[test]
fn packets_are_as_frozen() {
    frozen::packets::<S>();
}

/// Run it alone: the other tests read what it writes.
#[test]
fn the_vectors_are_written_anew_on_request() {
    if std::env::var_os("ZEPHYR_WRITE_VECTORS").is_some() {
        write::all();
    }
}
