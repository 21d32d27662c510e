//! The pairing: the product of the exponents, hashed to the length of the real target group.

use zephyr_core::{G1_SIZE, G2_SIZE, GT_SIZE, GtBytes, Pairing};
use zeroize::Zeroizing;

use super::effort::spend;
use super::{Exponent, Keyed, KeyedPoint, digest};

impl Pairing for Keyed {
    type Scalar = Exponent;
    type G1 = KeyedPoint<G1_SIZE>;
    type G2 = KeyedPoint<G2_SIZE>;
    type Prepared = KeyedPoint<G2_SIZE>;

    fn prepare(q: &Self::G2) -> Self::Prepared {
        *q
    }

    fn point(q: &Self::Prepared) -> &Self::G2 {
        q
    }

    fn pair(p: &Self::G1, q: &Self::Prepared) -> GtBytes {
        spend(1, 0);
        let product = p.exponent().mul(q.exponent()).value().to_be_bytes();
        let mut out = Zeroizing::new([0; GT_SIZE]);
        // The digest once is enough: nobody looks for structure in the rest.
        out[..32].copy_from_slice(&digest("pairing", &[&product]));
        out
    }

    fn pairings_equal(a: (&Self::G1, &Self::G2), b: (&Self::G1, &Self::G2)) -> bool {
        spend(2, 0);
        a.0.exponent().mul(a.1.exponent()) == b.0.exponent().mul(b.1.exponent())
    }
}
