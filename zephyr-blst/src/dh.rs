//! X25519 in the formally verified assembly of s2n-bignum, through graviola.

use zephyr_core::{DH_SIZE, Dh, X25519};
use zeroize::Zeroizing;

/// X25519 (RFC 7748): the same as `zephyr_core::X25519` for every input, at about twice its speed on the processors
/// that graviola knows (x86-64 from about 2015 on, AArch64 with its cryptographic instructions). On others it is
/// `zephyr_core::X25519`.
#[derive(Clone, Copy, Debug)]
pub struct FastX25519;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod fast {
    use graviola::key_agreement::x25519::{PublicKey, StaticPrivateKey};
    pub(super) use graviola::util::is_cpu_supported;

    pub(super) fn public(secret: &[u8; 32]) -> [u8; 32] {
        StaticPrivateKey::from_array(secret).public_key().as_bytes()
    }

    pub(super) fn shared(secret: &[u8; 32], public: &[u8; 32]) -> Option<[u8; 32]> {
        let secret = StaticPrivateKey::from_array(secret);
        // Fails for keys of low order, as it must.
        secret.diffie_hellman(&PublicKey::from_array(public)).ok().map(|shared| shared.0)
    }
}

impl Dh for FastX25519 {
    fn public(secret: &[u8; DH_SIZE]) -> [u8; DH_SIZE] {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        if fast::is_cpu_supported() {
            return fast::public(secret);
        }
        X25519::public(secret)
    }

    fn shared(secret: &[u8; DH_SIZE], public: &[u8; DH_SIZE]) -> Option<Zeroizing<[u8; DH_SIZE]>> {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        if fast::is_cpu_supported() {
            return fast::shared(secret, public).map(Zeroizing::new);
        }
        X25519::shared(secret, public)
    }
}
