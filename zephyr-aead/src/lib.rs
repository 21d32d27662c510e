//! ChaCha20-Poly1305 (RFC 8439), in place and without a heap.
//!
//! A crate of its own for firmware, which is compiled for size: generic code is compiled as the crate is that names its
//! types, and this, through which every byte of a mailbox goes, can so be compiled for speed.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

use chacha20::cipher::{Block, KeyIvInit, StreamCipherCore};
use chacha20::{ChaChaCore, R20, variants::Ietf};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Length in bytes of a key.
pub const KEY_SIZE: usize = 32;
/// Length in bytes of a nonce. Never seal twice with one of them under a key.
pub const NONCE_SIZE: usize = 12;
/// Length in bytes of a tag.
pub const TAG_SIZE: usize = 16;

type ChaCha20 = ChaChaCore<R20, Ietf>;

/// How many blocks are made at once: as many as a host's vector instructions do.
const BLOCKS: usize = 4;
const BLOCK_SIZE: usize = 64;

/// Encrypts `message` in place, and returns the tag over it and `ad`.
pub fn seal(
    key: &[u8; KEY_SIZE],
    nonce: &[u8; NONCE_SIZE],
    ad: &[u8],
    message: &mut [u8],
) -> [u8; TAG_SIZE] {
    let (mut stream, mac) = start(key, nonce);
    apply(&mut stream, message);
    tag(mac, ad, message)
}

/// Decrypts `message` in place if `tag` is right for it and `ad`; otherwise leaves it and returns `false`.
#[must_use]
pub fn open(
    key: &[u8; KEY_SIZE],
    nonce: &[u8; NONCE_SIZE],
    ad: &[u8],
    message: &mut [u8],
    expected: &[u8; TAG_SIZE],
) -> bool {
    let (mut stream, mac) = start(key, nonce);
    let genuine = tag(mac, ad, message).ct_eq(expected).into();
    if genuine {
        apply(&mut stream, message);
    }
    genuine
}

/// The keystream behind its first block, half of which is Poly1305's key.
fn start(key: &[u8; KEY_SIZE], nonce: &[u8; NONCE_SIZE]) -> (ChaCha20, Poly1305) {
    let mut stream = ChaCha20::new(key.into(), nonce.into());
    let mut first = Block::<ChaCha20>::default();
    stream.write_keystream_block(&mut first);
    let mut mac_key = Zeroizing::new([0; KEY_SIZE]);
    mac_key.copy_from_slice(&first[..KEY_SIZE]);
    (stream, Poly1305::new((&*mac_key).into()))
}

fn apply(stream: &mut ChaCha20, message: &mut [u8]) {
    let mut blocks = [Block::<ChaCha20>::default(); BLOCKS];
    for part in message.chunks_mut(BLOCKS * BLOCK_SIZE) {
        let blocks = &mut blocks[..part.len().div_ceil(BLOCK_SIZE)];
        stream.write_keystream_blocks(blocks);
        for (bytes, block) in part.chunks_mut(BLOCK_SIZE).zip(blocks.iter()) {
            xor(bytes, block);
        }
    }
}

/// Word by word: compilers for microcontrollers don't do that by themselves.
fn xor(bytes: &mut [u8], block: &[u8]) {
    let (words, rest) = bytes.as_chunks_mut::<4>();
    let (keys, _) = block.as_chunks::<4>();
    for (word, key) in words.iter_mut().zip(keys) {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(*key)).to_ne_bytes();
    }
    let last = &block[words.len() * 4..];
    rest.iter_mut().zip(last).for_each(|(byte, key)| *byte ^= key);
}

fn tag(mut mac: Poly1305, ad: &[u8], ciphertext: &[u8]) -> [u8; TAG_SIZE] {
    let mut lengths = [0; TAG_SIZE];
    lengths[..8].copy_from_slice(&(ad.len() as u64).to_le_bytes());
    lengths[8..].copy_from_slice(&(ciphertext.len() as u64).to_le_bytes());
    mac.update_padded(ad);
    mac.update_padded(ciphertext);
    mac.update(&[lengths.into()]);
    mac.finalize().into()
}
