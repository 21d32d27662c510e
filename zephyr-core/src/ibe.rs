//! Boneh-Franklin identity-based encryption with several PKGs.
//!
//! Every PKG has a secret a round and announces it with a proof of knowledge; the round's public key is the sum of
//! all announced keys, a private key the sum of the shares that the PKGs give its owner. Whoever misses one
//! PKG's secret can open nothing.

mod master;
mod private_key;
mod share;

pub use master::{MasterSecret, PKG_KEY_SIZE, PROOF_SIZE, PkgKey, PkgKeyError, RoundKey};
pub(crate) use private_key::KeyCheck;
pub use private_key::{ExtractError, PrivateKey};
pub use share::{KeyShare, SHARE_SIZE};
