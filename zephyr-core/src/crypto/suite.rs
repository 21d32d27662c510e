//! The one door through which the protocol reaches its cryptography.

use core::marker::PhantomData;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::{pairing::Pairing, portable::Portable};

/// Length in bytes of a Diffie-Hellman key, public or secret.
pub const DH_SIZE: usize = 32;
/// Length in bytes of a signature.
pub const SIGNATURE_SIZE: usize = 64;
/// Length in bytes of a public signature key.
pub const VERIFY_KEY_SIZE: usize = 32;

/// A Diffie-Hellman function.
pub trait Dh {
    /// The public key of `secret`.
    fn public(secret: &[u8; DH_SIZE]) -> [u8; DH_SIZE];
    /// The shared secret; `None` if the other key is of low order.
    fn shared(secret: &[u8; DH_SIZE], public: &[u8; DH_SIZE]) -> Option<Zeroizing<[u8; DH_SIZE]>>;
}

/// A signature scheme whose secret keys are 32-byte seeds.
pub trait Signature {
    /// The public key of `seed`.
    fn public(seed: &[u8; 32]) -> [u8; VERIFY_KEY_SIZE];
    /// Signs `message`.
    fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; SIGNATURE_SIZE];
    /// Whether `signature` under `message` is `public`'s.
    fn verify(
        public: &[u8; VERIFY_KEY_SIZE],
        message: &[u8],
        signature: &[u8; SIGNATURE_SIZE],
    ) -> bool;
}

/// The cryptography that the state machines run on: [`Standard`] in earnest, a keyed-hash one in simulations.
pub trait Suite: 'static {
    /// The pairing group.
    type Pairing: Pairing;
    /// Key agreement of the onion.
    type Dh: Dh;
    /// Signatures of servers and clients.
    type Signature: Signature;
}

/// BLS12-381 over the backend `P`, X25519 as `D` computes it, and Ed25519.
#[derive(Clone, Copy, Debug)]
pub struct Standard<P = Portable, D = X25519>(PhantomData<(P, D)>);

impl<P: Pairing, D: Dh + 'static> Suite for Standard<P, D> {
    type Pairing = P;
    type Dh = D;
    type Signature = Ed25519;
}

/// X25519 (RFC 7748).
#[derive(Clone, Copy, Debug)]
pub struct X25519;

impl Dh for X25519 {
    fn public(secret: &[u8; DH_SIZE]) -> [u8; DH_SIZE] {
        PublicKey::from(&StaticSecret::from(*secret)).to_bytes()
    }

    fn shared(secret: &[u8; DH_SIZE], public: &[u8; DH_SIZE]) -> Option<Zeroizing<[u8; DH_SIZE]>> {
        let shared = StaticSecret::from(*secret).diffie_hellman(&PublicKey::from(*public));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}

/// Ed25519 (RFC 8032), verified strictly: no small-order keys or commitments.
#[derive(Clone, Copy, Debug)]
pub struct Ed25519;

impl Signature for Ed25519 {
    fn public(seed: &[u8; 32]) -> [u8; VERIFY_KEY_SIZE] {
        SigningKey::from_bytes(seed).verifying_key().to_bytes()
    }

    fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; SIGNATURE_SIZE] {
        SigningKey::from_bytes(seed).sign(message).to_bytes()
    }

    fn verify(
        public: &[u8; VERIFY_KEY_SIZE],
        message: &[u8],
        signature: &[u8; SIGNATURE_SIZE],
    ) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        VerifyingKey::from_bytes(public)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}
