//! The frozen vectors of `docs/vectors`, read and verified; `ZEPHYR_WRITE_VECTORS=1` writes them anew.

#![allow(missing_docs)]

mod common;
#[path = "vectors/write.rs"]
mod write;

use common::reference::{self, Layer, Sealing};
use common::vectors::{files, load};
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

#[test]
fn intermediate_values_of_sealed_messages_follow_from_the_inputs() {
    for name in files("seal") {
        for block in load(format!("seal/{name}")).iter().filter(|b| b.get("opens") == "yes") {
            let g1 = |name| bls12_381::G1Affine::from_compressed(&block.array(name)).unwrap();
            let sealing = Sealing {
                directory: block.array("directory"),
                round: block.number("round"),
                recipient: block.get("recipient").into(),
                p1: g1("p1"),
                q2: reference::q2(&block.array("network"), block.get("recipient")),
                tag: block.array("tag"),
                salt: block.array("salt"),
                payload: block.hex("payload"),
            };
            let mut parts = sealing.seal();
            if block.find("k_ab").is_some() {
                let slot = block.number("slot") as u16;
                parts = parts.signed(&block.array("k_ab"), &sealing.directory, slot);
            }
            assert_eq!(sealing.q2.to_compressed(), block.array("q2"));
            assert_eq!(
                (parts.k, parts.u, parts.v),
                (block.array("k"), block.array("u"), block.array("v"))
            );
            assert_eq!(parts.mask, block.array("mask"));
            assert_eq!(zephyr_core::Scalar::to_bytes(&parts.r), block.array("r"));
            assert_eq!((parts.boxed.clone(), parts.mac), (block.hex("box"), block.array("mac")));
            assert_eq!(parts.bytes(), block.hex("sealed"), "{name}");
        }
    }
}

#[test]
fn hop_keys_follow_from_the_ephemeral_keys() {
    for name in files("onion") {
        for block in load(format!("onion/{name}")).iter().filter(|b| b.find("k_enc").is_some()) {
            let layer = Layer {
                secret: block.array("ephemeral_secret"),
                mixer_key: block.array("mixer_key"),
                position: block.number("position") as u8,
                routing: vec![],
            };
            assert_eq!(layer.epk()[..], block.hex("packet")[..32]);
            let keys = layer.keys(&block.array("directory"));
            assert_eq!(keys, (block.array("k_enc"), block.array("k_mac")), "{name}");
        }
    }
}

/// Run it alone: the other tests read what it writes.
#[test]
fn the_vectors_are_written_anew_on_request() {
    if std::env::var_os("ZEPHYR_WRITE_VECTORS").is_some() {
        write::all();
    }
}
