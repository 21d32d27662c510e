//! The fast cryptography of Zephyr for hosts: BLS12-381 over blst, and X25519 over graviola.
//!
//! [`Blst`] gives the same bytes as `zephyr_core::Portable` for every input, at about twice its speed, and
//! [`FastX25519`] the same as `zephyr_core::X25519`; hosts run on the suite [`Native`]. Unsafe code stands in one
//! private module, which wraps the calls into blst's C and assembly.

#![deny(unsafe_code, unsafe_op_in_unsafe_fn)]
#![deny(missing_docs)]

mod dh;
mod pairing;
mod point;
#[allow(unsafe_code)]
mod raw;
mod scalar;

pub use dh::FastX25519;
pub use pairing::{Blst, Prepared};
pub use point::{G1, G2};
pub use scalar::Scalar;

/// The cryptography of hosts: BLS12-381 over blst, X25519 over graviola, and Ed25519.
pub type Native = zephyr_core::Standard<Blst, FastX25519>;
