//! The Zephyr client for hosts: sockets, storage and the session driven with tokio.
//!
//! ```text
//! network        the file that describes a network
//! store          the home: identity, contacts, outbox and inbox in SQLite
//! registration   codes from the PKGs
//! client         sends, receives, and drives the session through the rounds
//! transport      links over TCP and WebSocket
//! ```
//!
//! 1. [`Network::load`] a network file and [`Store::create`] a home in it.
//! 2. [`Registrar::register`], and [`Registrar::confirm`] with the code that each PKG mailed.
//! 3. [`Client::run`] in a task of its own; meanwhile [`Client::send`] and listen to [`Client::events`].
//!
//! Between people who have each other as contacts nothing is lost and nothing comes twice: a message stays in the
//! outbox, and is sent again, until the recipient has acknowledged it, and messages arrive in the order in which they
//! were written. [`Client::outbox`] and [`Event::Delivery`] tell how far each has come, [`Client::delivered`] waits.
//!
//! ```no_run
//! use std::path::Path;
//! use zephyr_client::{Client, Event, Message, Options, Store};
//! use zephyr_core::Address;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Store::open(Path::new("home")).await?, Options::default());
//! let mut events = client.events();
//! let running = tokio::spawn({
//!     let client = client.clone();
//!     async move { client.run(std::future::pending()).await }
//! });
//! client.send(&Address::parse("bob@example.org")?, Message::Text("hello".into())).await?;
//! while let Ok(event) = events.recv().await {
//!     if let Event::Message(message) = event {
//!         println!("{:?}", message.text());
//!     }
//! }
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod check;
mod client;
mod clock;
mod message;
mod network;
mod registration;
mod store;
#[cfg(test)]
mod testing;
mod transport;

// Networks
pub use network::{Network, NetworkError, NextVersion};

// The home
pub use store::{
    BackupError, Contact, Delivery, Home, InboxMessage, MAX_MESSAGE, MIN_PASSPHRASE, MessageId,
    OutboxMessage, Refused, Registration, Store, StoreError,
};

// Registration
pub use check::{Finding, check};
pub use registration::{Answer, Answers, Pkg, Registrar, RegistrationError, RequestError};

// Messages
pub use client::{
    Client, Event, Options, Queued, RunError, Stats, Traffic, Waiting, try_side_by_side,
};
pub use message::{Estimate, Message, SendError};

// Connections to servers
pub use transport::{AddressError, ConnectError, Connection, ConnectionError, Timeouts};
