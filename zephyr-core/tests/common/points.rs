//! What the published vectors say about the points of a backend.

use zephyr_core::{Pairing, Point, Scalar};

use super::vectors::{self, Block};

fn encoded<S, T: Point<S>>(point: &T) -> Vec<u8> {
    let mut out = vec![0; T::SIZE];
    point.encode(&mut out);
    out
}

/// Runs all vectors of points, of hashing to them and of pairing them on a backend.
pub fn check<P: Pairing>() {
    check_group::<P, P::G1>("g1");
    check_group::<P, P::G2>("g2");
    for block in vectors::load("pairing/py_ecc.txt") {
        let p = P::G1::decode(&block.hex("p")).expect("a point");
        let q = P::G2::decode(&block.hex("q")).expect("a point");
        assert_eq!(hex::encode(P::pair(&p, &P::prepare(&q)).as_slice()), block.get("gt"));
        assert!(P::pairings_equal((&p, &q), (&p.neg(), &q.neg())));
        assert!(!P::pairings_equal((&p, &q), (&p.neg(), &q)));
    }
}

fn check_group<P: Pairing, T: Point<P::Scalar>>(group: &str) {
    hashes_to_the_points_of_the_rfc::<P, T>(group);
    multiplies_the_generator::<P, T>(group);
    for block in load(group, "valid") {
        let bytes = block.hex("point");
        let point = T::decode(&bytes).expect("a valid point");
        assert!(encoded(&point) == bytes && !point.is_identity());
    }
    for block in load(group, "infinity") {
        let bytes = block.hex("point");
        let point = T::decode(&bytes).expect("infinity");
        assert!(encoded(&point) == bytes && point.is_identity());
    }
    for block in load(group, "not_in_subgroup") {
        let bytes = block.hex("point");
        assert!(T::decode(&bytes).is_none(), "{bytes:02x?}");
        let point = T::decode_unchecked(&bytes).expect("a point of the curve");
        assert_eq!(encoded(&point), bytes);
    }
    for wrong in [
        "infinity_with_sign",
        "infinity_with_x",
        "length",
        "no_compression_flag",
        "not_on_curve",
        "x_not_below_p",
    ] {
        for block in load(group, wrong) {
            let bytes = block.hex("point");
            assert!(T::decode(&bytes).is_none(), "{wrong}: {bytes:02x?}");
            assert!(T::decode_unchecked(&bytes).is_none(), "{wrong}: {bytes:02x?}");
        }
    }
}

fn load(group: &str, file: &str) -> Vec<Block> {
    let blocks = vectors::load(format!("points/{group}_{file}.txt"));
    assert!(!blocks.is_empty());
    blocks
}

fn hashes_to_the_points_of_the_rfc<P: Pairing, T: Point<P::Scalar>>(group: &str) {
    let blocks = vectors::load(format!("hash_to_curve/bls12381{group}_ro.txt"));
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let point = T::hash(&block.hex("dst"), &block.hex("message"));
        let bytes = encoded(&point);
        assert_eq!(bytes, block.hex("point"));
        // The RFC prints the affine point; all but three bits of the encoding are its x, c1 first.
        let x = match block.find("x") {
            Some(_) => block.hex("x"),
            None => [block.hex("x_c1"), block.hex("x_c0")].concat(),
        };
        assert_eq!((bytes[0] & 0x1f, &bytes[1..]), (x[0], &x[1..]));
    }
}

fn multiplies_the_generator<P: Pairing, T: Point<P::Scalar>>(group: &str) {
    let mut previous: Option<(P::Scalar, T)> = None;
    for block in load(group, "multiples") {
        let scalar = P::Scalar::from_bytes(&block.array("scalar")).expect("below the order");
        let bytes = block.hex("point");
        let point = T::generator().mul(&scalar);
        assert_eq!(encoded(&point), bytes);
        assert!(T::decode(&bytes).expect("a valid point") == point);
        let mut one = [0; 32];
        one[31] = 1;
        let one = P::Scalar::from_bytes(&one).expect("below the order");
        if let Some((a, p)) = previous {
            let sum = a.mul_add(&one, &scalar);
            assert!(p.add(&point) == T::generator().mul(&sum));
        }
        previous = Some((scalar, point));
    }
}
