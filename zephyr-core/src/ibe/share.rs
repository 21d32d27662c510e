//! One PKG's share of a private key.

use core::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::crypto::pairing::{G1_SIZE, G2_SIZE, Pairing, Point};

/// Length in bytes of a share: d1 48 ‖ d2 96.
pub const SHARE_SIZE: usize = G1_SIZE + G2_SIZE;

/// A share of the private key of an address in a round: `d1 = s·Q1`, `d2 = s·Q2`.
pub struct KeyShare<P: Pairing> {
    pub(crate) d1: P::G1,
    pub(crate) d2: P::G2,
}

impl<P: Pairing> KeyShare<P> {
    /// Decodes a share; `None` if a point is badly encoded, off the curve or outside the subgroup.
    pub fn from_bytes(bytes: &[u8; SHARE_SIZE]) -> Option<Self> {
        Some(Self { d1: P::G1::decode(&bytes[..G1_SIZE])?, d2: P::G2::decode(&bytes[G1_SIZE..])? })
    }

    /// Encodes the share.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SHARE_SIZE]> {
        let mut out = Zeroizing::new([0; SHARE_SIZE]);
        self.d1.encode(&mut out[..G1_SIZE]);
        self.d2.encode(&mut out[G1_SIZE..]);
        out
    }

    /// The sum of this share and another PKG's.
    pub fn add(&self, other: &Self) -> Self {
        Self { d1: self.d1.add(&other.d1), d2: self.d2.add(&other.d2) }
    }
}

impl<P: Pairing> Drop for KeyShare<P> {
    fn drop(&mut self) {
        self.d1.zeroize();
        self.d2.zeroize();
    }
}

impl<P: Pairing> fmt::Debug for KeyShare<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyShare(…)")
    }
}
