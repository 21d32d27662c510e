//! XSalsa20, Poly1305, and their composition XSalsa20-Poly1305 (NaCl's `crypto_secretbox`), in place.

use poly1305::{Poly1305, universal_hash::KeyInit};
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Length in bytes of a Poly1305 tag.
pub const TAG_SIZE: usize = 16;

/// A keystream that can be entered at any byte.
pub(crate) struct Keystream(XSalsa20);

impl Keystream {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; 24]) -> Self {
        Self(XSalsa20::new(key.into(), nonce.into()))
    }

    /// Goes to byte `position` of the keystream.
    pub(crate) fn seek(&mut self, position: usize) {
        self.0.seek(position);
    }

    /// XORs the next bytes of the keystream into `data`.
    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        self.0.apply_keystream(data);
    }
}

/// Poly1305 (RFC 8439, section 2.5) of `data` under a key that is used once.
pub(crate) fn poly1305(key: &[u8; 32], data: &[u8]) -> [u8; TAG_SIZE] {
    Poly1305::new(key.into()).compute_unpadded(data).into()
}

/// Compares two tags in constant time.
pub(crate) fn tags_equal(a: &[u8; TAG_SIZE], b: &[u8]) -> bool {
    a.as_slice().ct_eq(b).into()
}

/// The first keystream block gives Poly1305 its key; the message starts at byte 32 of it.
fn start(key: &[u8; 32], nonce: &[u8; 24]) -> (Keystream, Zeroizing<[u8; 32]>) {
    let mut stream = Keystream::new(key, nonce);
    let mut mac_key = Zeroizing::new([0; 32]);
    stream.apply(mac_key.as_mut());
    (stream, mac_key)
}

/// Encrypts `message` in place and returns its tag.
pub fn encrypt(key: &[u8; 32], nonce: &[u8; 24], message: &mut [u8]) -> [u8; TAG_SIZE] {
    let (mut stream, mac_key) = start(key, nonce);
    stream.apply(message);
    poly1305(&mac_key, message)
}

/// Whether `tag` belongs to `ciphertext`; decrypts nothing.
#[inline(never)]
pub(crate) fn verify(
    key: &[u8; 32],
    nonce: &[u8; 24],
    ciphertext: &[u8],
    tag: &[u8; TAG_SIZE],
) -> bool {
    let (_, mac_key) = start(key, nonce);
    tags_equal(&poly1305(&mac_key, ciphertext), tag)
}

/// Decrypts `ciphertext` in place if `tag` is right; otherwise leaves it and returns `None`.
#[must_use]
pub fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; 24],
    ciphertext: &mut [u8],
    tag: &[u8; TAG_SIZE],
) -> Option<()> {
    let (mut stream, mac_key) = start(key, nonce);
    if !tags_equal(&poly1305(&mac_key, ciphertext), tag) {
        return None;
    }
    stream.apply(ciphertext);
    Some(())
}
