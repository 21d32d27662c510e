//! Both X25519 give the same for everything: random keys, keys of low order, and encodings that are not reduced.

#![allow(missing_docs)]

use proptest::prelude::*;
use zephyr_blst::FastX25519;
use zephyr_core::{Dh, X25519};

fn same(secret: &[u8; 32], public: &[u8; 32]) -> bool {
    FastX25519::shared(secret, public) == X25519::shared(secret, public)
}

fn bytes(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

proptest! {
    #[test]
    fn random_keys(secret: [u8; 32], other: [u8; 32], noise: [u8; 32]) {
        let (public, theirs) = (FastX25519::public(&secret), FastX25519::public(&other));
        prop_assert_eq!(public, X25519::public(&secret));
        prop_assert_eq!(FastX25519::shared(&secret, &theirs), X25519::shared(&other, &public));
        prop_assert!(same(&secret, &noise), "most are on the twist, or have the highest bit set");
    }

    #[test]
    fn unreduced_encodings(secret: [u8; 32], low in 0..=255u8, high: bool) {
        // 2^255 - 19 and what follows it, to 2^255 - 1; with and without the bit that is to be ignored.
        let mut public = [0xff; 32];
        public[0] = low;
        public[31] = if high { 0xff } else { 0x7f };
        prop_assert!(same(&secret, &public));
    }
}

#[test]
fn keys_of_low_order_are_refused() {
    let p = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    let points = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        &p.replacen("ff", "ec", 1),
        &p.replacen("ff", "ed", 1),
        &p.replacen("ff", "ee", 1),
    ];
    for point in points {
        for top in [0, 0x80] {
            let mut public = bytes(point);
            public[31] |= top;
            for secret in [[0; 32], [1; 32], [0xff; 32]] {
                assert_eq!(FastX25519::shared(&secret, &public), None, "{point}");
                assert_eq!(X25519::shared(&secret, &public), None, "{point}");
            }
        }
    }
}

#[test]
fn the_vectors_of_the_rfc() {
    // RFC 7748, section 5.2.
    let vectors = [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ];
    for (secret, public, shared) in vectors {
        let got = FastX25519::shared(&bytes(secret), &bytes(public));
        assert_eq!(got.map(|got| *got), Some(bytes(shared)));
    }
}
