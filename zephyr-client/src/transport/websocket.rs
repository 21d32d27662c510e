//! The bytes of a link in the binary messages of a WebSocket (RFC 6455), whose borders mean nothing.

use std::io;

use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::meter::Meter;

/// The longest message in bytes that is taken, a frame of the largest size and some more.
const MAX_MESSAGE: usize = 80 * 1024;

pub(super) struct WebSocket {
    socket: WebSocketStream<Meter<TcpStream>>,
    /// What is left of the last message.
    rest: Bytes,
}

impl WebSocket {
    /// Upgrades a connection.
    pub async fn upgrade(stream: Meter<TcpStream>, url: &str) -> io::Result<Self> {
        let config = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * MAX_MESSAGE)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let (socket, _) =
            client_async_with_config(url, stream, Some(config)).await.map_err(to_io)?;
        Ok(Self { socket, rest: Bytes::new() })
    }

    pub async fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
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

    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        self.socket.send(message).await.map_err(to_io)
    }

    pub async fn close(&mut self) -> io::Result<()> {
        self.socket.close(None).await.map_err(to_io)
    }

    pub fn meter(&self) -> &Meter<TcpStream> {
        self.socket.get_ref()
    }
}

fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::ConnectionReset.into(),
        error => io::Error::other(error),
    }
}
