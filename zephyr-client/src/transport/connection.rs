//! One link to one server.

use std::fmt;
use std::time::Duration;

use getrandom::SysRng;
use rand_core::TryRng;
use tokio::time::timeout;
use zephyr_blst::Native;
use zephyr_core::{
    CONNECTION_OVERHEAD, FRAME_OVERHEAD, FRAME_PREFIX, HANDSHAKE_SIZE, MAX_FRAME_MESSAGE,
    NetworkId, Received, Suite,
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
    inner: zephyr_core::Connection<Vec<u8>, <Native as Suite>::Dh>,
    hash: [u8; 32],
    /// What is on its way out.
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
        let memory = vec![0; MAX_FRAME_MESSAGE + FRAME_OVERHEAD];
        let inner = zephyr_core::Connection::new(network, server_key, *ephemeral, memory);
        timeout(timeouts.connect, async {
            let stream = Stream::open(address).await?;
            let (hash, out) = ([0; 32], Vec::new());
            let mut this = Self { stream, inner, hash, out, timeouts, broken: false };
            this.handshake().await.map_err(ConnectError::Handshake)?;
            Ok(this)
        })
        .await
        .map_err(|_| ConnectError::Timeout)?
    }

    async fn handshake(&mut self) -> Result<(), ConnectionError> {
        let mut first = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
        let len = self.inner.start(&mut first)?;
        self.stream.write_all(&first[..len]).await?;
        self.wait().await?;
        let Some(Received::Opened { handshake_hash }) = self.inner.receive()? else {
            return Err(ConnectionError::Closed);
        };
        self.hash = handshake_hash;
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
        self.out.resize(message.len() + CONNECTION_OVERHEAD, 0);
        self.broken = true;
        let len = self.inner.seal(message, &mut self.out)?;
        timeout(self.timeouts.send, self.stream.write_all(&self.out[..len]))
            .await
            .map_err(|_| ConnectionError::Timeout)??;
        self.broken = false;
        Ok(())
    }

    /// The next message. The future may be dropped: nothing is lost.
    ///
    /// # Errors
    /// After any but [`Timeout`](ConnectionError::Timeout) the connection is of no more use.
    pub async fn recv(&mut self) -> Result<&[u8], ConnectionError> {
        timeout(self.timeouts.receive, self.wait())
            .await
            .map_err(|_| ConnectionError::Timeout)??;
        match self.inner.receive()? {
            Some(Received::Message(message)) => Ok(message),
            _ => Err(ConnectionError::Closed),
        }
    }

    /// Tells the server that nothing more will come. Dropping the connection closes it as well.
    ///
    /// # Errors
    /// The network's.
    pub async fn close(mut self) -> Result<(), ConnectionError> {
        let close = timeout(self.timeouts.send, self.stream.close());
        Ok(close.await.map_err(|_| ConnectionError::Timeout)??)
    }

    async fn wait(&mut self) -> Result<(), ConnectionError> {
        while !self.inner.has_received() {
            match self.stream.read(self.inner.space()).await? {
                0 => return Err(ConnectionError::Closed),
                n => self.inner.filled(n),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("inner", &self.inner).finish_non_exhaustive()
    }
}
