//! One link to one server.

use std::fmt;
use std::time::Duration;

use getrandom::SysRng;
use rand_core::TryRng;
use tokio::time::timeout;
use zephyr_core::{
    FRAME_OVERHEAD, FRAME_PREFIX, FrameBuffer, HANDSHAKE_SIZE, Link, MAX_FRAME_MESSAGE, NetworkId,
};
use zeroize::Zeroizing;

use super::error::{ConnectError, ConnectionError};
use super::stream::Stream;

/// How long a connection waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection and its handshake, all together.
    pub connect: Duration,
    /// For one message to be taken by the network.
    pub send: Duration,
    /// For the next message to come.
    pub receive: Duration,
}

impl Default for Timeouts {
    /// 10 seconds, 20 seconds and 30 seconds.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), send: seconds(20), receive: seconds(30) }
    }
}

/// An authenticated, encrypted connection to a server: messages of at most [`MAX_FRAME_MESSAGE`] bytes, both ways.
///
/// It holds at most two frames in memory, and closes when it is dropped.
pub struct Connection {
    stream: Stream,
    link: Link,
    hash: [u8; 32],
    frames: FrameBuffer<Vec<u8>>,
    /// Frames on their way out. The wire version waits here for the first request.
    out: Vec<u8>,
    timeouts: Timeouts,
    /// A message was sent in part, so nothing can follow it.
    broken: bool,
}

impl Connection {
    /// Connects to the server at `address`, `host:port` or `ws://host:port/path`, whose X25519 key is `server_key`.
    ///
    /// # Errors
    /// Says whether the server couldn't be reached or isn't the one it should be.
    pub async fn connect(
        address: &str,
        server_key: &[u8; 32],
        network: &NetworkId,
        timeouts: Timeouts,
    ) -> Result<Self, ConnectError> {
        let mut ephemeral = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(ephemeral.as_mut())?;
        let link = Link::initiator(network, server_key, *ephemeral);
        timeout(timeouts.connect, async {
            let stream = Stream::open(address).await?;
            Self::handshake(stream, link, timeouts).await.map_err(ConnectError::Handshake)
        })
        .await
        .map_err(|_| ConnectError::Timeout)?
    }

    async fn handshake(
        stream: Stream,
        link: Link,
        timeouts: Timeouts,
    ) -> Result<Self, ConnectionError> {
        let frames = FrameBuffer::new(vec![0; MAX_FRAME_MESSAGE + FRAME_OVERHEAD]);
        let (out, hash) = (Vec::new(), [0; 32]);
        let mut this = Self { stream, link, hash, frames, out, timeouts, broken: false };
        this.queue_handshake()?;
        this.stream.write_all(&this.out).await?;
        this.out.clear();
        this.wait_for_frame().await?;
        let lengths = this.link.lengths();
        let frame = this.frames.next_frame(lengths)?.ok_or(ConnectionError::Closed)?;
        this.link.read_handshake(frame)?;
        this.hash = *this.link.handshake_hash().ok_or(ConnectionError::Closed)?;
        this.queue_handshake()?; // the wire version
        Ok(this)
    }

    fn queue_handshake(&mut self) -> Result<(), ConnectionError> {
        self.out.resize(FRAME_PREFIX + HANDSHAKE_SIZE, 0);
        let len = self.link.write_handshake(&mut self.out)?;
        self.out.truncate(len);
        Ok(())
    }

    /// What signatures on this connection are bound to: the same on both ends, and on no other connection.
    pub fn handshake_hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Bytes received so far, with everything but the headers of TCP and IP.
    pub fn bytes_in(&self) -> u64 {
        self.stream.meter().bytes_in
    }

    /// Bytes sent so far, with everything but the headers of TCP and IP.
    pub fn bytes_out(&self) -> u64 {
        self.stream.meter().bytes_out
    }

    /// Sends one message. If the future is dropped before it is done, the connection is of no more use.
    ///
    /// # Errors
    /// After any but [`TooLong`](ConnectionError::TooLong) the connection is of no more use.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), ConnectionError> {
        if self.broken {
            return Err(ConnectionError::Closed);
        }
        if message.len() > MAX_FRAME_MESSAGE {
            return Err(ConnectionError::TooLong(message.len()));
        }
        let start = self.out.len();
        self.out.resize(start + message.len() + FRAME_OVERHEAD, 0);
        self.broken = true;
        self.link.seal(message, &mut self.out[start..])?;
        timeout(self.timeouts.send, self.stream.write_all(&self.out))
            .await
            .map_err(|_| ConnectionError::Timeout)??;
        self.out.clear();
        self.broken = false;
        Ok(())
    }

    /// The next message. The future may be dropped: nothing is lost.
    ///
    /// # Errors
    /// After any but [`Timeout`](ConnectionError::Timeout) the connection is of no more use.
    pub async fn recv(&mut self) -> Result<&[u8], ConnectionError> {
        timeout(self.timeouts.receive, self.wait_for_frame())
            .await
            .map_err(|_| ConnectionError::Timeout)??;
        let lengths = self.link.lengths();
        let frame = self.frames.next_frame(lengths)?.ok_or(ConnectionError::Closed)?;
        Ok(self.link.open(frame)?)
    }

    /// Tells the server that nothing more will come. Dropping the connection closes it as well.
    ///
    /// # Errors
    /// The network's.
    pub async fn close(mut self) -> Result<(), ConnectionError> {
        let close = timeout(self.timeouts.send, self.stream.close());
        Ok(close.await.map_err(|_| ConnectionError::Timeout)??)
    }

    async fn wait_for_frame(&mut self) -> Result<(), ConnectionError> {
        while self.frames.waiting(self.link.lengths())?.is_none() {
            match self.stream.read(self.frames.space()).await? {
                0 => return Err(ConnectionError::Closed),
                n => self.frames.filled(n),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("link", &self.link).finish_non_exhaustive()
    }
}
