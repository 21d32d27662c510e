//! XSalsa20-Poly1305 against NaCl and libsodium.

#![allow(missing_docs)]

#[allow(dead_code)]
#[path = "common/vectors.rs"]
mod vectors;

use vectors::{Block, load};
use zephyr_core::hazmat::{secretbox_open, secretbox_seal};

/// Opens a box as NaCl lays it out, tag first.
fn open(block: &Block) -> Option<Vec<u8>> {
    let sealed = block.hex("box");
    let (tag, ciphertext) = sealed.split_first_chunk().expect("a tag");
    let mut text = ciphertext.to_vec();
    let opened = secretbox_open(&block.array("key"), &block.array("nonce"), &mut text, tag);
    if opened.is_none() {
        assert_eq!(text, ciphertext, "a box that does not open is left as it is");
    }
    opened.map(|()| text)
}

#[test]
fn seals_and_opens_as_nacl_and_libsodium_do() {
    for block in [load("secretbox/nacl.txt"), load("secretbox/libsodium.txt")].concat() {
        let message = block.hex("message");
        let mut text = message.clone();
        let tag = secretbox_seal(&block.array("key"), &block.array("nonce"), &mut text);
        assert_eq!([&tag[..], &text].concat(), block.hex("box"));
        assert_eq!(open(&block), Some(message));
    }
}

#[test]
fn what_libsodium_refuses_is_refused() {
    for wrong in [
        "ciphertext_changed",
        "ciphertext_extended",
        "ciphertext_truncated",
        "key_wrong",
        "nonce_wrong",
        "tag_changed",
    ] {
        for block in load(format!("secretbox/{wrong}.txt")) {
            assert_eq!(open(&block), None, "{wrong}");
        }
    }
}
