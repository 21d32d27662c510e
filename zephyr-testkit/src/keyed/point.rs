//! Points that are their own discrete logarithms.

use zephyr_core::Point;
use zeroize::Zeroize;

use super::digest;
use super::effort::spend;
use super::exponent::Exponent;

const FINITE: u8 = 0x80;
const INFINITE: u8 = 0xc0;

/// A point, encoded in `N` bytes: flag (0x80, or 0xc0 for infinity) ‖ torsion ‖ zeros ‖ exponent in 8 bytes.
///
/// The torsion plays the part of the curve's other subgroups: a point is in the right one if it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Zeroize)]
pub struct KeyedPoint<const N: usize> {
    exponent: Exponent,
    torsion: u8,
}

impl<const N: usize> KeyedPoint<N> {
    pub(super) fn exponent(self) -> Exponent {
        self.exponent
    }

    fn flag(self) -> u8 {
        if self.exponent == Exponent::ZERO && self.torsion == 0 { INFINITE } else { FINITE }
    }
}

impl<const N: usize> Point<Exponent> for KeyedPoint<N> {
    const SIZE: usize = N;

    fn generator() -> Self {
        Self { exponent: Exponent::ONE, torsion: 0 }
    }

    fn hash(dst: &[u8], message: &[u8]) -> Self {
        let exponent = Exponent::reduce(&digest("point", &[dst, message]));
        Self { exponent, torsion: 0 }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::decode_unchecked(bytes).filter(|point| point.torsion == 0)
    }

    fn decode_unchecked(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; N] = bytes.try_into().ok()?;
        let ([flag, torsion], rest) = bytes.split_first_chunk()?;
        let (zeros, exponent) = rest.split_last_chunk()?;
        let exponent = Exponent::new(u64::from_be_bytes(*exponent))?;
        let point = Self { exponent, torsion: *torsion };
        (zeros.iter().all(|&b| b == 0) && *flag == point.flag()).then_some(point)
    }

    fn encode(&self, out: &mut [u8]) {
        out.fill(0);
        out[..2].copy_from_slice(&[self.flag(), self.torsion]);
        out[N - 8..].copy_from_slice(&self.exponent.value().to_be_bytes());
    }

    fn mul(&self, scalar: &Exponent) -> Self {
        spend(0, 1);
        let torsion = self.torsion.wrapping_mul(scalar.value() as u8);
        Self { exponent: self.exponent.mul(*scalar), torsion }
    }

    fn add(&self, other: &Self) -> Self {
        let torsion = self.torsion.wrapping_add(other.torsion);
        Self { exponent: self.exponent.add(other.exponent), torsion }
    }

    fn neg(&self) -> Self {
        Self { exponent: self.exponent.neg(), torsion: self.torsion.wrapping_neg() }
    }

    fn is_identity(&self) -> bool {
        self.flag() == INFINITE
    }
}
