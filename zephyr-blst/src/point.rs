//! Points of the two groups.

use core::fmt;

use blst::{blst_p1_affine, blst_p2_affine};
use zephyr_core::{G1_SIZE, G2_SIZE, Point};
use zeroize::Zeroize;

use crate::raw;
use crate::scalar::Scalar;

/// A point of G1.
#[derive(Clone, PartialEq)]
pub struct G1(pub(crate) blst_p1_affine);

/// A point of G2.
#[derive(Clone, PartialEq)]
pub struct G2(pub(crate) blst_p2_affine);

macro_rules! point {
    ($name:ident, $group:ident, $affine:ty, $size:expr, $wipe:ident) => {
        impl Point<Scalar> for $name {
            const SIZE: usize = $size;

            fn generator() -> Self {
                Self(raw::$group::generator())
            }

            fn hash(dst: &[u8], message: &[u8]) -> Self {
                Self(raw::$group::hash(dst, message))
            }

            fn decode(bytes: &[u8]) -> Option<Self> {
                Self::decode_unchecked(bytes).filter(|p| raw::$group::in_group(&p.0))
            }

            fn decode_unchecked(bytes: &[u8]) -> Option<Self> {
                raw::$group::uncompress(bytes.try_into().ok()?).map(Self)
            }

            fn encode(&self, out: &mut [u8]) {
                out.copy_from_slice(&raw::$group::compress(&self.0));
            }

            fn mul(&self, scalar: &Scalar) -> Self {
                let mut p = raw::$group::from_affine(&self.0);
                let mut product = raw::$group::mult(&p, &scalar.0);
                let out = Self(raw::$group::to_affine(&product));
                for point in [&mut p, &mut product] {
                    $wipe(&mut point.x);
                    $wipe(&mut point.y);
                    $wipe(&mut point.z);
                }
                out
            }

            fn add(&self, other: &Self) -> Self {
                let mut p = raw::$group::from_affine(&self.0);
                let mut sum = raw::$group::add(&p, &other.0);
                let out = Self(raw::$group::to_affine(&sum));
                for point in [&mut p, &mut sum] {
                    $wipe(&mut point.x);
                    $wipe(&mut point.y);
                    $wipe(&mut point.z);
                }
                out
            }

            fn neg(&self) -> Self {
                let mut p = raw::$group::from_affine(&self.0);
                raw::$group::neg(&mut p);
                Self(raw::$group::to_affine(&p))
            }

            fn is_identity(&self) -> bool {
                self.0 == <$affine>::default()
            }
        }

        /// Leaves the point at infinity.
        impl Zeroize for $name {
            fn zeroize(&mut self) {
                $wipe(&mut self.0.x);
                $wipe(&mut self.0.y);
            }
        }

        /// Shows no coordinates: some points are secret.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

point!(G1, g1, blst_p1_affine, G1_SIZE, wipe_fp);
point!(G2, g2, blst_p2_affine, G2_SIZE, wipe_fp2);

fn wipe_fp(fp: &mut blst::blst_fp) {
    fp.l.zeroize();
}

pub(crate) fn wipe_fp2(fp2: &mut blst::blst_fp2) {
    fp2.fp.iter_mut().for_each(wipe_fp);
}
