//! BLS12-381 against the vectors of RFC 9380, zkcrypto and Ethereum.

#![allow(missing_docs)]

#[path = "../../zephyr-core/tests/common/points.rs"]
mod points;
#[allow(dead_code)]
#[path = "../../zephyr-core/tests/common/vectors.rs"]
mod vectors;

#[test]
fn the_blst_backend_agrees_with_the_published_points() {
    points::check::<zephyr_blst::Blst>();
}
