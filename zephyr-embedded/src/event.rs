//! What the runner tells the application.

use core::fmt;

use zephyr_core::session::{self, ServerRef};
use zephyr_core::{LinkError, Round};

use crate::home::MessageId;

/// Something that happened. For people to read: a client that nobody listens to works as well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// All of the message has arrived at its recipient.
    Delivered(MessageId),
    /// What the session reports of its rounds.
    Round(session::Event),
    /// A server couldn't be reached, or broke off. It is asked again, or another one is.
    Unreachable {
        /// Which.
        server: ServerRef,
        /// Why.
        why: Failure,
    },
    /// A part of a message came and was not kept, since there is no room. It will be sent again.
    NoRoom,
    /// The servers change, and the client knows how.
    NewVersion {
        /// The version of the manifest.
        version: u32,
        /// The first round in which it is in effect.
        from: Round,
    },
    /// The servers change, and [`Resources`](crate::Resources) have too little room for the new manifest, or for what
    /// it asks for. The client goes on until it takes effect, and needs another firmware then.
    VersionTooLarge {
        /// The version of the manifest.
        version: u32,
        /// The first round in which it is in effect.
        from: Round,
        /// The parameter of `Resources` that is too small.
        what: &'static str,
        /// What it must be at least.
        needed: usize,
    },
    /// There is a contact for which [`Resources`](crate::Resources) have no place.
    ContactsFull,
}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The server's address in the manifest is none that this client can dial: `host:port` is.
    Address,
    /// The server's name has no address, or the name server doesn't answer.
    Name,
    /// No connection was made.
    Connect,
    /// The connection broke.
    Broken,
    /// The server said nothing for too long.
    TookTooLong,
    /// It is not the server that it should be, or sent what it should not. A
    /// [frame](LinkError::Frame) longer than the buffer too: see `FRAME` of [`Resources`](crate::Resources).
    Link(LinkError),
    /// The server closed the connection without having answered, or its answer makes no sense.
    Answer,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "its address is none that this client can dial",
            Self::Name => "its name could not be looked up",
            Self::Connect => "no connection was made",
            Self::Broken => "the connection broke",
            Self::TookTooLong => "the server took too long",
            Self::Link(error) => return error.fmt(f),
            Self::Answer => "the server gave no answer that makes sense",
        })
    }
}

impl core::error::Error for Failure {}
