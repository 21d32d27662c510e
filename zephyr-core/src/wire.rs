//! The messages between clients and servers.
//!
//! Control messages are postcard, one to a frame of a link; what is signed, hashed or mixed is a
//! fixed layout of raw bytes inside them.

mod codec;
pub(crate) mod cursor;

pub use codec::{Bytes, MAX_FRAME, WireError, decode, encode};
