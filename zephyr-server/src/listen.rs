//! The door for clients: links over TCP and over WebSocket, on one port.
//!
//! Whoever connects is a stranger. What one costs is bounded in time and memory before it has proved anything, and
//! what one address may hold open is bounded by [`Limits`].

mod connection;
mod gate;
mod peer;
mod replies;
mod serve;
mod stream;

pub use peer::{PeerInfo, Prefix};
pub use replies::{Close, Replies};
pub(crate) use serve::stopped;
pub use serve::{Handler, Limits, Listener, serve};

use zephyr_core::Suite;

use crate::node::Native;

/// The server's end.
type Link = zephyr_core::Link<<Native as Suite>::Dh>;
