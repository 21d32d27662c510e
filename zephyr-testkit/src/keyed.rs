//! A suite with the algebra of the real one and nothing of its strength: points are their own discrete
//! logarithms, signatures are hashes that anybody can make.

mod dh;
mod effort;
mod exponent;
mod pairing;
mod point;
mod signature;

pub(crate) use effort::Effort;
pub use exponent::Exponent;
pub use point::KeyedPoint;

use sha2::{Digest, Sha256};
use zephyr_core::Suite;

/// Cryptography for simulations: a few microseconds for what takes the real one milliseconds.
///
/// Never for networks of people: every key can be computed from what is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed;

impl Suite for Keyed {
    type Pairing = Self;
    type Dh = Self;
    type Signature = Self;
}

/// SHA-256 over a label and some parts, each with its length before it.
fn digest(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [label.as_bytes()].iter().chain(parts) {
        hash.update((part.len() as u32).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
