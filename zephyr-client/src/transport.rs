//! Connections to servers: the link of `zephyr-core` over TCP, or over WebSocket where only the web gets through.

mod address;
mod connection;
mod error;
mod meter;
mod stream;
mod tcp;
mod websocket;

pub use address::AddressError;
pub use connection::{Connection, Timeouts};
pub use error::{ConnectError, ConnectionError};
