//! The fast BLS12-381 backend of Zephyr for hosts, over blst.
//!
//! [`Blst`] gives the same bytes as `zephyr_core::Portable` for every input, at about twice its speed; hosts run on
//! the suite [`Native`]. Unsafe code stands in one private module, which wraps the calls into blst's C and assembly.

#![deny(unsafe_code, unsafe_op_in_unsafe_fn)]
#![deny(missing_docs)]

mod pairing;
mod point;
#[allow(unsafe_code)]
mod raw;
mod scalar;

pub use pairing::{Blst, Prepared};
pub use point::{G1, G2};
pub use scalar::Scalar;

/// The cryptography of hosts: BLS12-381 over blst, X25519 and Ed25519.
pub type Native = zephyr_core::Standard<Blst>;
