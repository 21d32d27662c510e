//! One client's connection, from its first byte to its last.

use std::net::IpAddr;
use std::time::Duration;

use getrandom::SysRng;
use rand_core::TryRng;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use zephyr_core::{FRAME_OVERHEAD, FRAME_PREFIX, FrameBuffer, HANDSHAKE_SIZE};
use zeroize::Zeroizing;

use super::Link;
use super::peer::PeerInfo;
use super::replies::{Close, Replies};
use super::serve::{Handler, Limits, Shared, stopped};
use super::stream::Stream;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves one client until it leaves, errs or is too slow, or `shutdown` becomes true between two requests.
pub(super) async fn run<H: Handler>(
    stream: TcpStream,
    ip: IpAddr,
    shared: &Shared<H>,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), Close> {
    let limits = &shared.limits;
    let mut connection = tokio::select! {
        connection = timeout(limits.handshake, Connection::accept(stream, shared)) => {
            connection.map_err(|_| Close::Slow)??
        }
        () = stopped(&mut shutdown) => return Ok(()),
    };
    let hash = connection.link.handshake_hash().ok_or(Close::Gone)?;
    let peer = PeerInfo { ip, handshake_hash: *hash };
    let end = loop {
        tokio::select! {
            request = timeout(limits.idle, connection.wait_for_request()) => match request {
                Ok(Ok(())) => {}
                Ok(Err(end)) => break Err(end),
                Err(_) => break Err(Close::Slow),
            },
            () = stopped(&mut shutdown) => break Ok(()),
        }
        if let Err(end) = connection.answer(&peer, &shared.handler, limits).await {
            break Err(end);
        }
    };
    let _ = timeout(GOODBYE, connection.stream.close()).await;
    end
}

struct Connection {
    stream: Stream,
    link: Link,
    frames: FrameBuffer<Vec<u8>>,
    out: Vec<u8>,
}

impl Connection {
    async fn accept<H>(stream: TcpStream, shared: &Shared<H>) -> Result<Self, Close> {
        stream.set_nodelay(true)?;
        let max_request = shared.limits.max_request;
        let stream = Stream::accept(stream, max_request).await?;
        let mut ephemeral = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(ephemeral.as_mut()).map_err(|e| Close::Io(e.into()))?;
        let link = Link::responder(&shared.network, &shared.key, *ephemeral);
        // The handshake's frames fit as well, however small the requests.
        let capacity = (max_request + FRAME_OVERHEAD).max(FRAME_PREFIX + HANDSHAKE_SIZE);
        let frames = FrameBuffer::new(vec![0; capacity]);
        let mut this = Self { stream, link, frames, out: Vec::new() };
        this.read_handshake().await?;
        this.out.resize(FRAME_PREFIX + HANDSHAKE_SIZE, 0);
        let len = this.link.write_handshake(&mut this.out)?;
        this.stream.write_all(&this.out[..len]).await?;
        this.out.clear();
        Ok(this)
    }

    async fn read_handshake(&mut self) -> Result<(), Close> {
        self.wait_for_frame().await?;
        let lengths = self.link.lengths();
        let frame = self.frames.next_frame(lengths)?.ok_or(Close::Gone)?;
        Ok(self.link.read_handshake(frame)?)
    }

    /// Waits until a whole request is there. The wire version comes in front of the first.
    async fn wait_for_request(&mut self) -> Result<(), Close> {
        if !self.link.is_open() {
            self.read_handshake().await?;
        }
        self.wait_for_frame().await
    }

    async fn answer<H: Handler>(
        &mut self,
        peer: &PeerInfo,
        handler: &H,
        limits: &Limits,
    ) -> Result<(), Close> {
        let lengths = self.link.lengths();
        let frame = self.frames.next_frame(lengths)?.ok_or(Close::Gone)?;
        let request = self.link.open(frame)?;
        let mut replies = Replies {
            stream: &mut self.stream,
            link: &mut self.link,
            out: &mut self.out,
            write_timeout: limits.write,
        };
        handler.handle(peer, request, &mut replies).await?;
        replies.flush().await
    }

    async fn wait_for_frame(&mut self) -> Result<(), Close> {
        while self.frames.waiting(self.link.lengths())?.is_none() {
            match self.stream.read(self.frames.space()).await? {
                0 => return Err(Close::Gone),
                n => self.frames.filled(n),
            }
        }
        Ok(())
    }
}
