//! libzephyr: Zephyr for programs in C and C++. `bindings/c/include/zephyr.h`, which is generated from here, is its
//! documentation; types and functions have the same names on both sides.
//!
//! ```text
//! client    with I/O inside: a home, a background thread, callbacks (feature `io`)
//! session   the client as a state machine: the program owns sockets, clock and storage
//! blocks    identities, sealing, mailboxes, onions, directories
//! abi       what both sides of the border agree on: statuses, panics, pointers, lent memory, random numbers
//! ```

#![no_std]
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![allow(non_camel_case_types)] // the names of C
#![allow(clippy::too_many_arguments)] // a buffer is two of them, and C has no others

// On a host somebody must say what a panic does, also without `io`.
#[cfg(any(feature = "io", not(target_os = "none")))]
extern crate std;

mod abi;
mod blocks;
#[cfg(feature = "io")]
mod client;
mod session;

pub use abi::*;
pub use blocks::*;
pub use session::*;

/// The cryptography: blst on hosts, the portable backend on microcontrollers. The bytes are the same.
#[cfg(feature = "io")]
type Suite = zephyr_blst::Native;
#[cfg(not(feature = "io"))]
type Suite = zephyr_core::Standard;

type Pairing = <Suite as zephyr_core::Suite>::Pairing;
type Dh = <Suite as zephyr_core::Suite>::Dh;
