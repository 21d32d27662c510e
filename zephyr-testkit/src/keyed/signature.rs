//! Signatures that anybody can make who knows the public key.

use zephyr_core::{SIGNATURE_SIZE, Signature, VERIFY_KEY_SIZE};

use super::{Keyed, digest};

impl Signature for Keyed {
    fn public(seed: &[u8; 32]) -> [u8; VERIFY_KEY_SIZE] {
        digest("verify key", &[seed])
    }

    fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; SIGNATURE_SIZE] {
        signature(&<Self as Signature>::public(seed), message)
    }

    fn verify(
        public: &[u8; VERIFY_KEY_SIZE],
        message: &[u8],
        given: &[u8; SIGNATURE_SIZE],
    ) -> bool {
        signature(public, message) == *given
    }
}

fn signature(public: &[u8; VERIFY_KEY_SIZE], message: &[u8]) -> [u8; SIGNATURE_SIZE] {
    let half = digest("signature", &[public, message]);
    let mut out = [0; SIGNATURE_SIZE];
    out[..32].copy_from_slice(&half);
    out[32..].copy_from_slice(&half);
    out
}
