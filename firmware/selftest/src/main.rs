//! Runs the protocol once on a Cortex-M4F, checks every result against the others, and prints what each step costs in
//! instructions and stack.

#![no_std]
#![no_main]

mod report;
mod rng;
mod stack;
mod timer;

use bls12_381::{
    G1Affine, G1Projective, G2Affine, G2Projective, Scalar,
    hash_to_curve::{ExpandMsgXmd, HashToCurve},
    pairing,
};
use cortex_m_rt::entry;
use rand_core::Rng;
use report::Report;
use rng::TestRng;
use x25519_dalek::{PublicKey, StaticSecret};

#[entry]
fn main() -> ! {
    let mut report = Report::new();
    let mut rng = TestRng::new();
    let q1 = report.step("hash to G1", || {
        <G1Projective as HashToCurve<ExpandMsgXmd<sha2::Sha256>>>::hash_to_curve(
            [&b"alice@example.org"[..]],
            b"SELFTEST",
        )
    });
    let q2 = report.step("hash to G2", || {
        <G2Projective as HashToCurve<ExpandMsgXmd<sha2::Sha256>>>::hash_to_curve(
            [&b"alice@example.org"[..]],
            b"SELFTEST",
        )
    });
    let s = Scalar::from(rng.next_u64());
    let d1 = report.step("G1 mult", || G1Affine::from(q1 * s));
    let d2 = report.step("G2 mult", || G2Affine::from(q2 * s));
    let left = report.step("pairing", || pairing(&d1, &G2Affine::from(q2)));
    let right = report.step("pairing", || pairing(&G1Affine::from(q1), &d2));
    assert_eq!(left, right);
    let mut secret = [0; 32];
    rng.fill_bytes(&mut secret);
    report.step("X25519", || PublicKey::from(&StaticSecret::from(secret)));
    report.finish()
}
