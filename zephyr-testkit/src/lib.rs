//! A Zephyr network in memory, on virtual time with seeded faults, for tests.
//!
//! [`Network`] runs any number of [sessions](zephyr_core::session::Session) against servers that are honest, slow,
//! broken or hostile as [`Faults`] says. Everything follows from one seed: a run that failed fails again.
//!
//! [`sim`] simulates the whole system, with the servers' own machines and clients that crash, and checks every step.
//!
//! [`Network`] runs over any [`Suite`](zephyr_core::Suite): over [`Keyed`] thousands of rounds take a second.
//!
//! **Nothing here is safe.** [`Keyed`] has the algebra of the real cryptography and none of its strength.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod keyed;
mod network;
pub mod sim;

pub use keyed::{Exponent, Keyed, KeyedPoint};
pub use network::{
    ClientFacing, Conversation, Faults, Fragment, Network, Person, Plan, Receipt, Servers,
    WireEntry, WireKind,
};
