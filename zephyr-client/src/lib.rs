//! The Zephyr client for hosts: sockets, storage and the session driven with tokio.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod transport;

// Connections to servers
pub use transport::{AddressError, ConnectError, Connection, ConnectionError, Timeouts};
