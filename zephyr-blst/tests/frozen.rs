//! The frozen vectors, through this backend.

#![allow(missing_docs)]

#[path = "../../zephyr-core/tests/common/frozen.rs"]
#[allow(dead_code)]
mod frozen;
#[path = "../../zephyr-core/tests/common/vectors.rs"]
#[allow(dead_code)]
mod vectors;

use zephyr_blst::{Blst, Native};

#[test]
fn identities_are_as_frozen() {
    frozen::identities::<Blst>();
}

#[test]
fn keys_are_as_frozen() {
    frozen::keys::<Blst>();
}

#[test]
fn sealed_messages_are_as_frozen() {
    frozen::messages::<Blst>();
}

#[test]
fn packets_are_as_frozen() {
    frozen::packets::<Native>();
}
