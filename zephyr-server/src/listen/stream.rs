//! A stream of bytes, told apart by its first byte: a link over TCP or a WebSocket.

use std::io;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

/// What a WebSocket message may have over the longest request: the frame's overhead and the wire version's frame.
const SLACK: usize = 256;

pub(super) enum Stream {
    Tcp(TcpStream),
    WebSocket(Box<WebSocket>),
}

pub(super) struct WebSocket {
    socket: WebSocketStream<TcpStream>,
    /// What is left of the last message.
    rest: Bytes,
}

impl Stream {
    /// Looks at the first byte. A link begins with the length 48, so with a zero; HTTP with the `G` of `GET`;
    /// anything else is refused.
    pub async fn accept(stream: TcpStream, max_request: usize) -> io::Result<Self> {
        let mut first = [0];
        match (stream.peek(&mut first).await?, first[0]) {
            (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
            (_, 0) => Ok(Self::Tcp(stream)),
            (_, b'G') => {
                Ok(Self::WebSocket(Box::new(WebSocket::accept(stream, max_request).await?)))
            }
            _ => Err(io::Error::other("neither a link nor a WebSocket")),
        }
    }

    /// Reads some bytes, 0 at the end.
    pub async fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(space).await,
            Self::WebSocket(socket) => socket.read(space).await,
        }
    }

    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes).await,
            Self::WebSocket(socket) => {
                let message = Message::Binary(Bytes::copy_from_slice(bytes));
                socket.socket.send(message).await.map_err(to_io)
            }
        }
    }

    pub async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown().await,
            Self::WebSocket(socket) => socket.socket.close(None).await.map_err(to_io),
        }
    }
}

impl WebSocket {
    async fn accept(stream: TcpStream, max_request: usize) -> io::Result<Self> {
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(256 * 1024)
            .max_message_size(Some(max_request + SLACK))
            .max_frame_size(Some(max_request + SLACK));
        let socket = accept_async_with_config(stream, Some(config)).await.map_err(to_io)?;
        Ok(Self { socket, rest: Bytes::new() })
    }

    async fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    return Err(io::Error::other("a WebSocket message of text"));
                }
                Some(Ok(Message::Close(_))) | None => return Ok(0),
                Some(Err(error)) => return Err(to_io(error)),
            }
        }
        let n = self.rest.len().min(space.len());
        space[..n].copy_from_slice(&self.rest.split_to(n));
        Ok(n)
    }
}

fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::ConnectionReset.into(),
        error => io::Error::other(error),
    }
}
