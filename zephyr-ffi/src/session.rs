//! The client as a state machine: the program moves bytes between its sockets and the session, tells it the time, and
//! keeps what it must keep.
//!
//! ```text
//! handle         zephyr_session: settings and memory; contacts stand beside it
//! step           what is to be done next, and what happened
//! bytes          what passes between sockets and the session
//! machine, link  the session and its links, in safe Rust
//! conversation   what is under way to a contact, and what has come
//! registration   one exchange with one PKG
//! network        the manifest in a network file (feature `io`)
//! ```

mod bytes;
mod contacts;
mod conversation;
mod event;
mod fragment;
mod handle;
mod link;
mod machine;
mod memory;
#[cfg(feature = "io")]
mod network;
mod registration;
mod step;

pub use bytes::*;
pub use contacts::*;
pub use conversation::*;
pub use event::*;
pub use fragment::*;
pub use handle::*;
#[cfg(feature = "io")]
pub use network::*;
pub use registration::*;
pub use step::*;

#[cfg(test)]
mod tests;
