//! The pairing, its prepared points and the bytes of its values.

use core::fmt;

use blst::{blst_fp6, blst_fp12};
use zephyr_core::{GT_SIZE, GtBytes, Pairing, Point};
use zeroize::{Zeroize, Zeroizing};

use crate::point::{G1, G2, wipe_fp2};
use crate::raw::{self, Lines};
use crate::scalar::Scalar;

/// BLS12-381 over blst, for hosts.
///
/// A point that came from [`Point::decode_unchecked`] may be paired, added and encoded. Multiplying it gives
/// another point than elsewhere if it is outside the subgroup, since blst uses the subgroup's endomorphism.
#[derive(Clone, Copy, Debug)]
pub struct Blst;

/// A point of G2 with the lines of its Miller loop (20 KB on the heap); without lines it is infinity.
#[derive(Clone)]
pub struct Prepared {
    point: G2,
    lines: Option<Box<Lines>>,
}

impl Pairing for Blst {
    type Scalar = Scalar;
    type G1 = G1;
    type G2 = G2;
    type Prepared = Prepared;

    const JOINS_PAIRINGS: bool = true;

    fn prepare(q: &G2) -> Prepared {
        if q.is_identity() {
            return Prepared { point: q.clone(), lines: None };
        }
        let mut lines = Box::new([blst_fp6::default(); 68]);
        raw::precompute_lines(&mut lines, &q.0);
        Prepared { point: q.clone(), lines: Some(lines) }
    }

    fn point(q: &Prepared) -> &G2 {
        &q.point
    }

    fn pair(p: &G1, q: &Prepared) -> GtBytes {
        // Infinity is no secret: it stands in an encoding's flags, and keys that are infinity are refused.
        let mut gt = match &q.lines {
            Some(lines) if !p.is_identity() => {
                let mut f = raw::miller_loop_lines(&p.0, lines);
                let gt = raw::final_exp(&f);
                wipe_fp12(&mut f);
                gt
            }
            _ => blst_fp12::default(), // 1
        };
        let out = gt_bytes(&gt);
        wipe_fp12(&mut gt);
        out
    }

    fn pairings_equal(a: (&G1, &G2), b: (&G1, &G2)) -> bool {
        let mut f = raw::miller_loop(&a.0.0, &a.1.0);
        let mut g = raw::miller_loop(&b.0.0, &b.1.0);
        let equal = raw::final_verify(&f, &g);
        wipe_fp12(&mut f);
        wipe_fp12(&mut g);
        equal
    }
}

/// The twelve coefficients in the protocol's order, which is the order in memory.
fn gt_bytes(gt: &blst_fp12) -> GtBytes {
    let mut out = Zeroizing::new([0; GT_SIZE]);
    let coefficients = gt.fp6.iter().flat_map(|fp6| &fp6.fp2).flat_map(|fp2| &fp2.fp);
    for (bytes, coefficient) in out.as_chunks_mut().0.iter_mut().zip(coefficients) {
        raw::fp_to_bytes(bytes, coefficient);
    }
    out
}

fn wipe_fp6(fp6: &mut blst_fp6) {
    fp6.fp2.iter_mut().for_each(wipe_fp2);
}

fn wipe_fp12(fp12: &mut blst_fp12) {
    fp12.fp6.iter_mut().for_each(wipe_fp6);
}

/// Wipes the lines and leaves the point at infinity.
impl Zeroize for Prepared {
    fn zeroize(&mut self) {
        if let Some(mut lines) = self.lines.take() {
            lines.iter_mut().for_each(wipe_fp6);
        }
        self.point.zeroize();
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared(…)")
    }
}
