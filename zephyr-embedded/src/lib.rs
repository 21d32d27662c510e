//! The Zephyr client for microcontrollers.
//!
//! It drives the same [`Session`](zephyr_core::session::Session) as every other client: the same rounds, cover and
//! checks. There is no heap; the large memory is in [`Resources`], which the application lends. No chip is named: an
//! application brings
//!
//! - the network, anything with [`TcpConnect`](embedded_nal_async::TcpConnect) and [`Dns`](embedded_nal_async::Dns),
//!   such as `Sockets` over embassy-net;
//! - [`Storage`], such as [`FlashStorage`], which keeps keys, contacts, outbox and inbox over a reset;
//! - random numbers, a [`CryptoRng`](rand_core::CryptoRng): a hardware generator;
//! - embassy-time's driver.
//!
//! [`new`] gives a [`Device`], and that a [`Client`], the handle by which the application registers, writes and reads, and a [`Runner`] to
//! spawn. The runner lets other tasks run after every operation of a group; the longest of them is one pairing.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![allow(async_fn_in_trait, reason = "no task of this crate moves between threads")]

#[cfg(test)]
extern crate std;

mod account;
mod apart;
mod client;
mod endpoint;
mod error;
mod event;
mod flash;
mod home;
mod manifests;
#[cfg(feature = "embassy-net")]
mod net;
mod registration;
mod resources;
mod runner;
mod shared;
mod storage;

// What an application makes and keeps
pub use account::Account;
pub use client::Client;
pub use resources::{Config, Device, Resources, new};
pub use runner::Runner;

// What survives a reset
pub use flash::{FlashError, FlashStorage};
pub use storage::{Key, Storage};

// The network
#[cfg(feature = "embassy-net")]
pub use net::{Socket, SocketBuffers, Sockets};

// Messages and registrations
pub use home::{ContactError, MAX_TEXT, MessageId, Part, SendError};
pub use registration::{Pkg, Registration, RegistrationError};

// Little stack
pub use apart::Apart;
#[doc(hidden)]
pub use apart::made;

// What happens
pub use error::Error;
pub use event::{Event, Failure};

/// The program in the documentation compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedded.md")]
struct Documentation;
