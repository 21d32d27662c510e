//! What can go wrong on a link.

use core::fmt;

/// Why a link refused something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// A message is not the peer's: wrong key or network, changed, repeated, reordered. The link is closed.
    Authentication,
    /// The initiator speaks another wire version. The link is closed.
    Version,
    /// The link is closed by an earlier failure, or its nonces are used up.
    Closed,
    /// Not now: the handshake is not over, or it is the peer's turn, or it is over already.
    OutOfTurn,
    /// The lent buffer is too short, or the message longer than a frame can carry.
    Buffer,
    /// The peer announced a frame that may not come. A [`Connection`](super::Connection) is closed then.
    Frame(FrameError),
}

impl From<FrameError> for LinkError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame(error) => return error.fmt(f),
            Self::Authentication => {
                "the link could not be authenticated: check the server's key and the network id"
            }
            Self::Version => {
                "the peer speaks another version of the protocol: update the older side"
            }
            Self::Closed => "the link is closed: connect anew",
            Self::OutOfTurn => "the link's handshake is at another step",
            Self::Buffer => "the message or frame doesn't fit the buffer",
        })
    }
}

impl core::error::Error for LinkError {}

/// The peer announced a frame that may not come now or doesn't fit the buffer. The stream is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameError {
    /// The announced length in bytes.
    pub length: u16,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer announced a frame of {} bytes, which is not allowed here", self.length)
    }
}

impl core::error::Error for FrameError {}
