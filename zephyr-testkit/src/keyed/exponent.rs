//! Integers modulo the prime 2^61 - 1.

use zephyr_core::{SCALAR_SIZE, Scalar};
use zeroize::Zeroize;

/// The order of all groups.
const Q: u64 = (1 << 61) - 1;

/// An integer modulo 2^61 - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Zeroize)]
pub struct Exponent(u64);

impl Exponent {
    pub(super) const ZERO: Self = Self(0);
    pub(super) const ONE: Self = Self(1);

    /// `None` if `value` is not below the order.
    pub(super) fn new(value: u64) -> Option<Self> {
        (value < Q).then_some(Self(value))
    }

    /// The value, below 2^61 - 1.
    pub fn value(self) -> u64 {
        self.0
    }

    /// Reads `bytes` big-endian and reduces.
    pub(super) fn reduce(bytes: &[u8]) -> Self {
        let byte = |sum: Self, &b: &u8| sum.mul(Self(256)).add(Self(b.into()));
        bytes.iter().fold(Self::ZERO, byte)
    }

    pub(super) fn mul(self, other: Self) -> Self {
        let product = u128::from(self.0) * u128::from(other.0);
        // 2^61 = 1 modulo Q.
        let (low, high) = (product as u64 & Q, (product >> 61) as u64);
        Self(low).add(Self(high))
    }

    pub(super) fn add(self, other: Self) -> Self {
        let sum = self.0 + other.0;
        Self(if sum >= Q { sum - Q } else { sum })
    }

    pub(super) fn neg(self) -> Self {
        Self(if self.0 == 0 { 0 } else { Q - self.0 })
    }
}

impl Scalar for Exponent {
    fn from_wide(bytes: &[u8; 64]) -> Self {
        Self::reduce(bytes)
    }

    fn from_bytes(bytes: &[u8; SCALAR_SIZE]) -> Option<Self> {
        let (zeros, value) = bytes.split_last_chunk()?;
        let value = u64::from_be_bytes(*value);
        zeros.iter().all(|&b| b == 0).then(|| Self::new(value)).flatten()
    }

    fn to_bytes(&self) -> [u8; SCALAR_SIZE] {
        let mut out = [0; SCALAR_SIZE];
        out[SCALAR_SIZE - 8..].copy_from_slice(&self.0.to_be_bytes());
        out
    }

    fn mul_add(&self, factor: &Self, summand: &Self) -> Self {
        self.mul(*factor).add(*summand)
    }

    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}
