//! Why a connection could not be made, or broke.

use std::io;

use zephyr_core::LinkError;

use super::address::AddressError;

/// Why there is no connection to a server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not one.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The server could not be reached.
    #[error("the server can't be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Timeout,
    /// There is something at this address, but it does not speak as this server would.
    #[error("the connection failed while it was set up: {0}")]
    Handshake(#[source] ConnectionError),
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// Why a connection broke. It is of no more use, except after [`Timeout`](Self::Timeout) of a receive and
/// [`TooLong`](Self::TooLong).
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came, or nothing could be sent, for as long as the timeout.
    #[error("the server did not answer in time")]
    Timeout,
    /// A message longer than a frame can carry.
    #[error("a message of {0} bytes doesn't fit one frame")]
    TooLong(usize),
    /// The server is not the one that it should be, does not keep to the protocol, or something changed bytes on the
    /// way.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The network failed.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}
