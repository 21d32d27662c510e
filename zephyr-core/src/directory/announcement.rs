//! The round keys that mixers and PKGs announce, signed with their identities.

use crate::crypto::hash::{Label, hash};
use crate::crypto::suite::{DH_SIZE, SIGNATURE_SIZE, Signature, Suite};
use crate::ibe::PKG_KEY_SIZE;
use crate::ids::{NetworkId, Round, ServerId};

/// Length in bytes of a mixer's announcement: round 8 ‖ key 32 ‖ signature 64.
pub const MIXER_ANNOUNCEMENT_SIZE: usize = 8 + DH_SIZE + SIGNATURE_SIZE;
/// Length in bytes of a PKG's announcement: round 8 ‖ key with proof 208 ‖ signature 64.
pub const PKG_ANNOUNCEMENT_SIZE: usize = 8 + PKG_KEY_SIZE + SIGNATURE_SIZE;

macro_rules! announcement {
    ($(#[$doc:meta])* $name:ident, $label:expr, $key:ident, $size:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The round.
            pub round: Round,
            /// The key.
            pub key: [u8; $key],
            /// The signature over network, round and key.
            pub signature: [u8; SIGNATURE_SIZE],
        }

        impl $name {
            /// Signs `key` for `round` with the identity of the server whose Ed25519 seed this is.
            pub fn sign<S: Suite>(
                seed: &[u8; 32],
                network: &NetworkId,
                round: Round,
                key: [u8; $key],
            ) -> Self {
                let signature = S::Signature::sign(seed, &Self::digest(network, round, &key));
                Self { round, key, signature }
            }

            /// Whether `server` signed this in `network`.
            pub fn verify<S: Suite>(&self, network: &NetworkId, server: &ServerId) -> bool {
                let digest = Self::digest(network, self.round, &self.key);
                S::Signature::verify(server.as_bytes(), &digest, &self.signature)
            }

            fn digest(network: &NetworkId, round: Round, key: &[u8]) -> [u8; 32] {
                hash($label, &[network.as_bytes(), &round.0.to_be_bytes(), key])
            }

            /// Encodes: round ‖ key ‖ signature.
            pub fn to_bytes(&self) -> [u8; $size] {
                let mut out = [0; $size];
                out[..8].copy_from_slice(&self.round.0.to_be_bytes());
                out[8..8 + $key].copy_from_slice(&self.key);
                out[8 + $key..].copy_from_slice(&self.signature);
                out
            }

            /// Decodes; checks nothing but the length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                let (round, rest) = bytes.split_first_chunk()?;
                let (key, signature) = rest.split_first_chunk()?;
                Some(Self {
                    round: Round(u64::from_be_bytes(*round)),
                    key: *key,
                    signature: signature.try_into().ok()?,
                })
            }
        }
    };
}

announcement!(
    /// A mixer's X25519 key of a round.
    MixerAnnouncement, Label::MIXER_KEY, DH_SIZE, MIXER_ANNOUNCEMENT_SIZE
);
announcement!(
    /// A PKG's public key of a round, with its proof of knowledge.
    PkgAnnouncement, Label::PKG_KEY, PKG_KEY_SIZE, PKG_ANNOUNCEMENT_SIZE
);
