//! Integers modulo the group order.

use core::fmt;

use blst::blst_scalar;
use zephyr_core::SCALAR_SIZE;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::raw;

/// An integer modulo the group order. Dropping it erases it.
#[derive(Clone)]
pub struct Scalar(pub(crate) blst_scalar); // always below the group order; erases itself when dropped

impl zephyr_core::Scalar for Scalar {
    fn from_wide(bytes: &[u8; 64]) -> Self {
        Self(raw::scalar_from_wide(bytes))
    }

    fn from_bytes(bytes: &[u8; SCALAR_SIZE]) -> Option<Self> {
        raw::scalar_from_bytes(bytes).map(Self)
    }

    fn to_bytes(&self) -> [u8; SCALAR_SIZE] {
        raw::scalar_to_bytes(&self.0)
    }

    fn mul_add(&self, factor: &Self, summand: &Self) -> Self {
        let [mut a, mut b, mut c] = [self, factor, summand].map(|s| raw::fr_from_scalar(&s.0));
        let out = raw::fr_mul_add(&mut a, &b, &c);
        a.l.zeroize();
        b.l.zeroize();
        c.l.zeroize();
        Self(out)
    }

    fn is_zero(&self) -> bool {
        self.0.b.iter().fold(0, |or, byte| or | byte) == 0
    }
}

impl Zeroize for Scalar {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Scalar {}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scalar(…)")
    }
}
