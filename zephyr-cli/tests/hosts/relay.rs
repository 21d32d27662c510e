//! A relay in the router that hands every byte on, later.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Pieces that are on their way in one direction of one connection, of at most 4 KiB.
const ON_THE_WAY: usize = 256;

/// Delays what goes through it, in both directions.
#[derive(Clone, Default)]
pub struct Relay {
    delay_ms: Arc<AtomicU64>,
}

impl Relay {
    /// How long each byte takes from now on.
    pub fn delay(&self, delay: Duration) {
        self.delay_ms.store(delay.as_millis() as u64, Ordering::Relaxed);
    }

    /// The port at which connections to `target` are taken.
    pub async fn listen(&self, target: SocketAddr) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let relay = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(relay.clone().join(stream, target));
            }
        });
        port
    }

    async fn join(self, near: TcpStream, target: SocketAddr) -> io::Result<()> {
        let far = TcpStream::connect(target).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let (from_near, to_near) = near.into_split();
        let (from_far, to_far) = far.into_split();
        // An end that fails takes the other direction down with it: both halves are dropped.
        tokio::try_join!(self.carry(from_near, to_far), self.carry(from_far, to_near)).map(|_| ())
    }

    async fn carry(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
        let read = async move {
            let mut buffer = vec![0; 4_096];
            loop {
                let len = from.read(&mut buffer).await?;
                let delay = Duration::from_millis(self.delay_ms.load(Ordering::Relaxed));
                let piece = (Instant::now() + delay, buffer[..len].to_vec());
                if sender.send(piece).await.is_err() || len == 0 {
                    return Ok(());
                }
            }
        };
        let write = async {
            while let Some((due, piece)) = pieces.recv().await {
                sleep_until(due).await;
                match piece.len() {
                    0 => to.shutdown().await?,
                    _ => to.write_all(&piece).await?,
                }
            }
            Ok(())
        };
        tokio::try_join!(read, write).map(|_: ((), ())| ())
    }
}
