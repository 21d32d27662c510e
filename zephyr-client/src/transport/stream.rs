//! A stream of bytes, whatever carries it.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::address::Target;
use super::error::{ConnectError, ConnectionError};
use super::meter::Meter;
use super::tcp;
use super::websocket::WebSocket;

pub(super) enum Stream {
    Tcp(Meter<TcpStream>),
    WebSocket(Box<WebSocket>),
}

impl Stream {
    pub async fn open(address: &str) -> Result<Self, ConnectError> {
        let dial = |authority: String| async move {
            tcp::dial(&authority).await.map_err(ConnectError::Unreachable)
        };
        match Target::parse(address)? {
            Target::Tcp(authority) => Ok(Self::Tcp(dial(authority.to_owned()).await?)),
            Target::WebSocket { authority, url } => {
                let socket = WebSocket::upgrade(dial(authority).await?, url).await;
                let socket = socket.map_err(|e| ConnectError::Handshake(ConnectionError::Io(e)))?;
                Ok(Self::WebSocket(Box::new(socket)))
            }
        }
    }

    /// Reads some bytes, 0 at the end. Can be cancelled without losing any.
    pub async fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(space).await,
            Self::WebSocket(socket) => socket.read(space).await,
        }
    }

    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes).await,
            Self::WebSocket(socket) => socket.write_all(bytes).await,
        }
    }

    pub async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown().await,
            Self::WebSocket(socket) => socket.close().await,
        }
    }

    pub fn meter(&self) -> &Meter<TcpStream> {
        match self {
            Self::Tcp(stream) => stream,
            Self::WebSocket(socket) => socket.meter(),
        }
    }
}
