//! The way back to a client.

use std::io;
use std::time::Duration;

use tokio::time::timeout;
use zephyr_core::{FRAME_OVERHEAD, FrameError, LinkError, MAX_FRAME_MESSAGE};

use super::Link;
use super::stream::Stream;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Close {
    /// The peer has gone.
    #[error("the peer has gone")]
    Gone,
    /// The peer sent nothing, or took nothing, for too long.
    #[error("the peer was too slow")]
    Slow,
    /// The handler wants nothing more from this peer.
    #[error("the peer was refused")]
    Refused,
    /// A request is no message of the protocol.
    #[error("the peer sent a malformed request")]
    Malformed,
    /// A reply doesn't fit a frame.
    #[error("a reply of {0} bytes doesn't fit one frame")]
    TooLong(usize),
    /// The peer announced a frame that may not come.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer does not speak as a client of this server and network would.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}

/// Replies are gathered to at most this many bytes before they go out: a mailbox is thousands of short ones.
const GATHERED: usize = 16 * 1024;

/// Sends any number of replies to one request.
pub struct Replies<'a> {
    pub(super) stream: &'a mut Stream,
    pub(super) link: &'a mut Link,
    pub(super) out: &'a mut Vec<u8>,
    pub(super) write_timeout: Duration,
}

impl Replies<'_> {
    /// Sends one message of at most [`MAX_FRAME_MESSAGE`] bytes. It goes out together with others, at the latest when
    /// the request has been answered; waits until the network has taken those before if there are enough.
    ///
    /// If the future is dropped before it is done, the connection is of no more use.
    ///
    /// # Errors
    /// To be passed on: the connection is of no more use. [`Close::TooLong`] alone leaves it as it was.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), Close> {
        if message.len() > MAX_FRAME_MESSAGE {
            return Err(Close::TooLong(message.len()));
        }
        if self.out.len() + message.len() + FRAME_OVERHEAD > GATHERED {
            self.flush().await?;
        }
        let start = self.out.len();
        self.out.resize(start + message.len() + FRAME_OVERHEAD, 0);
        let len = self.link.seal(message, &mut self.out[start..])?;
        self.out.truncate(start + len);
        Ok(())
    }

    /// Sends what has been gathered, and waits until the network has taken it.
    pub(super) async fn flush(&mut self) -> Result<(), Close> {
        if self.out.is_empty() {
            return Ok(());
        }
        timeout(self.write_timeout, self.stream.write_all(self.out))
            .await
            .map_err(|_| Close::Slow)??;
        self.out.clear();
        Ok(())
    }
}
