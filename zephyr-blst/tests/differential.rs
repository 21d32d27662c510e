//! Both backends give the same for everything: random, valid, damaged and hostile inputs.

#![allow(missing_docs)]

use proptest::prelude::*;
use zephyr_blst::Blst;
use zephyr_core::{GT_SIZE, Pairing, Point, Portable, Scalar};

/// q, the order of the groups.
const Q: &str = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
/// p, the size of the field.
const P: &str = concat!(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf",
    "6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
);

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn plus(mut number: Vec<u8>, summand: i8) -> Vec<u8> {
    let mut carry = i16::from(summand);
    for byte in number.iter_mut().rev() {
        carry += i16::from(*byte);
        *byte = carry.rem_euclid(256) as u8;
        carry = carry.div_euclid(256);
    }
    number
}

fn encoded<S, T: Point<S>>(point: &T) -> Vec<u8> {
    let mut out = vec![0; T::SIZE];
    point.encode(&mut out);
    out
}

/// What a backend says of an encoding: decoded and checked, decoded only.
fn decoded<S, T: Point<S>>(bytes: &[u8]) -> [Option<(Vec<u8>, bool)>; 2] {
    [T::decode(bytes), T::decode_unchecked(bytes)]
        .map(|point| point.map(|p| (encoded(&p), p.is_identity())))
}

fn both_decode_g1(bytes: &[u8]) -> [Option<(Vec<u8>, bool)>; 2] {
    let portable = decoded::<_, <Portable as Pairing>::G1>(bytes);
    assert_eq!(decoded::<_, <Blst as Pairing>::G1>(bytes), portable, "{}", hex::encode(bytes));
    portable
}

fn both_decode_g2(bytes: &[u8]) -> [Option<(Vec<u8>, bool)>; 2] {
    let portable = decoded::<_, <Portable as Pairing>::G2>(bytes);
    assert_eq!(decoded::<_, <Blst as Pairing>::G2>(bytes), portable, "{}", hex::encode(bytes));
    portable
}

/// All that the traits can compute from two scalars and two messages, as bytes.
fn transcript<P: Pairing>(scalars: [&[u8; 32]; 2], messages: [&[u8]; 2]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let [a, b] = scalars.map(|bytes| {
        let mut wide = [0; 64];
        wide[32..].copy_from_slice(bytes);
        P::Scalar::from_bytes(bytes).unwrap_or_else(|| P::Scalar::from_wide(&wide))
    });
    for scalar in [&a, &b, &a.mul_add(&b, &a), &b.mul_add(&b, &a)] {
        out.push(scalar.to_bytes().to_vec());
        out.push(vec![u8::from(scalar.is_zero())]);
    }
    let (g1, h1) = group::<P, P::G1>(&a, &b, messages, &mut out);
    let (g2, h2) = group::<P, P::G2>(&a, &b, messages, &mut out);
    for (p, q) in [(&g1, &g2), (&h1, &g2), (&g1, &h2), (&h1, &h2)] {
        out.push(P::pair(p, &P::prepare(q)).to_vec());
        out.push(vec![
            u8::from(P::pairings_equal((p, q), (p, q))),
            u8::from(P::pairings_equal((p, q), (&p.neg(), &q.neg()))),
            u8::from(P::pairings_equal((p, q), (&g1, &g2))),
            u8::from(P::pairings_equal((&p.mul(&b), q), (p, &q.mul(&b)))),
        ]);
    }
    out
}

/// Computes in one group; returns a·H(m0) and b·H(m1).
fn group<P: Pairing, T: Point<P::Scalar>>(
    a: &P::Scalar,
    b: &P::Scalar,
    messages: [&[u8]; 2],
    out: &mut Vec<Vec<u8>>,
) -> (T, T) {
    let [h0, h1] = messages.map(|message| T::hash(b"ZEPHYR-TEST", message));
    let (x, y) = (h0.mul(a), h1.mul(b));
    let infinity = h0.add(&h0.neg());
    for point in [
        &h0,
        &h1,
        &T::hash(messages[0], messages[1]),
        &x,
        &y,
        &T::generator().mul(a),
        &T::generator().neg(),
        &x.add(&y),
        &x.add(&x),
        &x.add(&infinity),
        &infinity.add(&y),
        &infinity.add(&infinity),
        &infinity.neg(),
        &infinity.mul(a),
        &infinity,
        &x.neg(),
        &y.add(&y.neg()),
    ] {
        out.push(encoded(point));
        out.push(vec![u8::from(point.is_identity()), u8::from(*point == x)]);
    }
    (x, y)
}

fn assert_same(scalars: [&[u8; 32]; 2], messages: [&[u8]; 2]) {
    let portable = transcript::<Portable>(scalars, messages);
    let blst = transcript::<Blst>(scalars, messages);
    assert_eq!(portable.len(), blst.len());
    for (i, (p, b)) in portable.iter().zip(&blst).enumerate() {
        assert_eq!(hex::encode(p), hex::encode(b), "value {i}");
    }
}

#[test]
fn extreme_scalars_and_messages_give_the_same() {
    let q = bytes::<32>(Q).to_vec();
    let zero = vec![0; 32];
    let numbers = [
        plus(zero.clone(), 1),
        plus(zero.clone(), 2),
        zero,
        plus(q.clone(), -1),
        plus(q.clone(), 1),
        q,
        vec![0xff; 32],
        [vec![0x80], vec![0; 31]].concat(),
    ]
    .map(|n| <[u8; 32]>::try_from(n).unwrap());
    let long = vec![b'x'; 100_000];
    for (i, a) in numbers.iter().enumerate() {
        let b = &numbers[(i + 3) % numbers.len()];
        assert_same([a, b], [b"", &long[..[0, 1, 255, 256, 300, 1_000, 65_536, 100_000][i]]]);
    }
}

fn decodes<P: Pairing>(number: &[u8; 32]) -> bool {
    P::Scalar::from_bytes(number).is_some()
}

fn reduced<P: Pairing>(wide: &[u8; 64]) -> [u8; 32] {
    P::Scalar::from_wide(wide).to_bytes()
}

#[test]
fn scalars_decode_alike_around_the_group_order() {
    let q = bytes::<32>(Q).to_vec();
    for (number, valid) in [
        (plus(q.clone(), -1), true),
        (q.clone(), false),
        (plus(q, 1), false),
        (vec![0xff; 32], false),
        (vec![0; 32], true),
    ] {
        let number = number.try_into().unwrap();
        assert_eq!([decodes::<Portable>(&number), decodes::<Blst>(&number)], [valid; 2]);
    }
}

#[test]
fn wide_scalars_reduce_alike() {
    let q = bytes::<32>(Q);
    let halves =
        [vec![0; 32], vec![0xff; 32], q.to_vec(), plus(q.to_vec(), -1), plus(q.to_vec(), 1)];
    for high in &halves {
        for low in &halves {
            let wide = [&high[..], low].concat().try_into().unwrap();
            assert_eq!(reduced::<Portable>(&wide), reduced::<Blst>(&wide));
        }
    }
}

#[test]
fn hostile_encodings_decode_alike() {
    let p = bytes::<48>(P).to_vec();
    let mut numbers = vec![vec![0; 48], plus(vec![0; 48], 1), vec![0xff; 48], p.clone()];
    numbers.extend((-4..=4).map(|d| plus(p.clone(), d)));
    numbers.push(encoded(&<Portable as Pairing>::G1::generator()));
    let g2 = encoded(&<Portable as Pairing>::G2::generator());
    numbers.extend([g2[..48].to_vec(), g2[48..].to_vec()]);
    for number in &numbers {
        for flags in 0..8 {
            let mut first = number.clone();
            first[0] = first[0] & 0x1f | flags << 5;
            both_decode_g1(&first);
            for second in &numbers {
                both_decode_g2(&[first.clone(), second.clone()].concat());
            }
        }
    }
    for length in [0, 1, 47, 49, 95, 97] {
        assert_eq!(both_decode_g1(&vec![0xc0; length]), [None, None]);
        assert_eq!(both_decode_g2(&vec![0xc0; length]), [None, None]);
    }
}

#[test]
fn points_outside_the_subgroup_decode_only_unchecked() {
    let (mut outside_g1, mut outside_g2) = (0, 0);
    for x in 0..40_u8 {
        let mut encoding = [0; 96];
        (encoding[0], encoding[47], encoding[95]) = (0x80, x, x);
        if let [None, Some(_)] = both_decode_g1(&encoding[..48]) {
            outside_g1 += 1;
        }
        if let [None, Some(_)] = both_decode_g2(&encoding) {
            outside_g2 += 1;
        }
    }
    assert!(outside_g1 > 10 && outside_g2 > 10, "{outside_g1} {outside_g2}");
}

#[test]
fn pairings_with_points_outside_the_subgroup_are_the_same() {
    // What a sealed message can make its recipient compute.
    fn value<P: Pairing>(encoding: &[u8]) -> Option<Vec<u8>> {
        let u = P::G1::decode_unchecked(encoding)?;
        Some(P::pair(&u, &P::prepare(&P::G2::hash(b"ZEPHYR-TEST", b"key"))).to_vec())
    }
    let mut compared = 0;
    for x in 0..12 {
        let mut encoding = [0; 48];
        (encoding[0], encoding[47]) = (0x80, x);
        assert_eq!(value::<Portable>(&encoding), value::<Blst>(&encoding));
        compared += usize::from(value::<Portable>(&encoding).is_some());
    }
    assert!(compared > 3);
}

#[test]
fn infinity_pairs_to_one() {
    fn check<P: Pairing>() {
        let (g1, g2) = (P::G1::generator(), P::G2::generator());
        let (zero1, zero2) = (g1.add(&g1.neg()), g2.add(&g2.neg()));
        let mut one = [0; GT_SIZE];
        one[47] = 1;
        for (p, q) in [(&zero1, &g2), (&g1, &zero2), (&zero1, &zero2)] {
            assert_eq!(*P::pair(p, &P::prepare(q)), one);
            assert!(P::pairings_equal((p, q), (&zero1, &g2)));
            assert!(!P::pairings_equal((p, q), (&g1, &g2)));
        }
    }
    check::<Portable>();
    check::<Blst>();
}

#[test]
fn wiping_leaves_nothing_of_a_point() {
    use zeroize::Zeroize;
    let mut p = <Blst as Pairing>::G1::generator();
    let mut q = Blst::prepare(&<Blst as Pairing>::G2::generator());
    let mut s = <Blst as Pairing>::Scalar::from_wide(&[1; 64]);
    p.zeroize();
    assert!(p.is_identity());
    let one = Blst::pair(&p, &q);
    q.zeroize();
    assert_eq!(Blst::pair(&<Blst as Pairing>::G1::generator(), &q), one);
    s.zeroize();
    assert!(s.is_zero());
}

fn array<const N: usize>() -> impl Strategy<Value = [u8; N]> {
    proptest::collection::vec(any::<u8>(), N).prop_map(|v| v.try_into().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn everything_computed_is_the_same(
        a in array::<32>(),
        b in array::<32>(),
        m in proptest::collection::vec(any::<u8>(), 0..300),
        n in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        assert_same([&a, &b], [&m, &n]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn wide_scalars_are_the_same(wide in array::<64>()) {
        prop_assert_eq!(reduced::<Portable>(&wide), reduced::<Blst>(&wide));
    }

    #[test]
    fn random_bytes_decode_alike(mut bytes in array::<96>(), flags in 0..8_u8, below in any::<bool>()) {
        both_decode_g2(&bytes);
        both_decode_g1(&bytes[..48]);
        bytes[0] = bytes[0] & 0x1f | flags << 5;
        if below {
            bytes[0] &= 0xef; // x below p more often than not
            bytes[48] &= 0x0f;
        }
        both_decode_g1(&bytes[..48]);
        both_decode_g2(&bytes);
    }

    #[test]
    fn valid_encodings_with_a_flipped_bit_decode_alike(message in any::<u64>(), bit in 0..768_usize) {
        let message = message.to_be_bytes();
        let mut g2 = encoded(&<Portable as Pairing>::G2::hash(b"ZEPHYR-TEST", &message));
        prop_assert!(both_decode_g2(&g2)[0].is_some());
        g2[bit / 8] ^= 0x80 >> (bit % 8);
        both_decode_g2(&g2);
        let bit = bit % 384;
        let mut g1 = encoded(&<Portable as Pairing>::G1::hash(b"ZEPHYR-TEST", &message));
        prop_assert!(both_decode_g1(&g1)[0].is_some());
        g1[bit / 8] ^= 0x80 >> (bit % 8);
        both_decode_g1(&g1);
    }
}
