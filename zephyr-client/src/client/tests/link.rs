//! The servers' end of a link.

use getrandom::SysRng;
use rand_core::TryRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zephyr_core::{
    FRAME_OVERHEAD, FRAME_PREFIX, FrameBuffer, HANDSHAKE_SIZE, Link, LinkKey, MAX_FRAME_MESSAGE,
    NetworkId, X25519,
};

pub(super) struct ServerLink {
    stream: TcpStream,
    link: Link,
    frames: FrameBuffer<Vec<u8>>,
}

impl ServerLink {
    pub(super) async fn accept(
        stream: TcpStream,
        network: &NetworkId,
        secret: &[u8; 32],
    ) -> Option<Self> {
        let mut ephemeral = [0; 32];
        SysRng.try_fill_bytes(&mut ephemeral).unwrap();
        let link = Link::responder(network, &LinkKey::new::<X25519>(secret), ephemeral);
        let frames = FrameBuffer::new(vec![0; MAX_FRAME_MESSAGE + FRAME_OVERHEAD]);
        let mut this = Self { stream, link, frames };
        this.read_handshake().await?;
        let mut out = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
        let len = this.link.write_handshake(&mut out).ok()?;
        this.stream.write_all(&out[..len]).await.ok()?;
        this.read_handshake().await?;
        Some(this)
    }

    async fn read_handshake(&mut self) -> Option<()> {
        self.wait().await?;
        let frame = self.frames.next_frame(self.link.lengths()).ok()??;
        self.link.read_handshake(frame).ok()
    }

    async fn wait(&mut self) -> Option<()> {
        while self.frames.waiting(self.link.lengths()).ok()?.is_none() {
            match self.stream.read(self.frames.space()).await.ok()? {
                0 => return None,
                n => self.frames.filled(n),
            }
        }
        Some(())
    }

    pub(super) fn handshake(&self) -> [u8; 32] {
        *self.link.handshake_hash().unwrap()
    }

    pub(super) async fn recv(&mut self) -> Option<Vec<u8>> {
        self.wait().await?;
        let frame = self.frames.next_frame(self.link.lengths()).ok()??;
        Some(self.link.open(frame).ok()?.to_vec())
    }

    pub(super) async fn send(&mut self, message: &[u8]) -> Option<()> {
        let mut out = vec![0; message.len() + FRAME_OVERHEAD];
        let len = self.link.seal(message, &mut out).ok()?;
        self.stream.write_all(&out[..len]).await.ok()
    }
}
