//! A client's end of a link over a stream of bytes, from its first byte to its last.

use core::fmt;

use super::error::LinkError;
use super::frame::FrameBuffer;
use super::noise::TAG;
use super::{FRAME_OVERHEAD, FRAME_PREFIX, Link, MAX_FRAME_MESSAGE, VERSION_SIZE};
use crate::crypto::suite::{Dh, X25519};
use crate::ids::NetworkId;

const VERSION_FRAME: usize = FRAME_PREFIX + VERSION_SIZE;
/// Bytes in front of a message that [`Connection::seal_in_place`] seals: the wire version's frame and a prefix.
pub const CONNECTION_HEADROOM: usize = VERSION_FRAME + FRAME_PREFIX;
/// How many bytes a [`Connection`] sends for a message more than the message has, at most: the first has the wire
/// version in front of it.
pub const CONNECTION_OVERHEAD: usize = CONNECTION_HEADROOM + TAG;

/// A client's connection to a server, without I/O: bytes received in, messages out, and the other way round.
///
/// 1. Send what [`start`](Self::start) writes.
/// 2. Read from the stream into [`space`](Self::space), and tell [`filled`](Self::filled) how much came. Call
///    [`receive`](Self::receive) until it returns `None`; only then read on.
/// 3. Once that gave [`Opened`](Received::Opened): [`seal`](Self::seal) messages, and send them.
///
/// `B` is the memory for what was received: a slice, an array or a vector of [`FRAME_OVERHEAD`] bytes more than the
/// longest message that may come, and no fewer than [`FRAME_PREFIX`] + [`HANDSHAKE_SIZE`](super::HANDSHAKE_SIZE). It
/// bounds what the server can send; messages are opened in it. `D` is X25519, as in [`Link`].
///
/// After an error of `receive` the connection is of no more use.
pub struct Connection<B, D: Dh = X25519> {
    link: Link<D>,
    frames: FrameBuffer<B>,
}

/// What has come from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// The server is the one that it should be. From now on messages can be sealed.
    Opened {
        /// What signatures on this connection are bound to: the same on both ends, and on no other connection.
        handshake_hash: [u8; 32],
    },
    /// A message.
    Message(&'a mut [u8]),
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, D: Dh> Connection<B, D> {
    /// Towards the server of `network` whose X25519 key is `server_key`.
    ///
    /// `ephemeral` is 32 random bytes that are never used again.
    pub fn new(network: &NetworkId, server_key: &[u8; 32], ephemeral: [u8; 32], buffer: B) -> Self {
        let link = Link::initiator(network, server_key, ephemeral);
        Self { link, frames: FrameBuffer::new(buffer) }
    }

    /// Writes the first bytes to send to the start of `out`, and returns their number: [`FRAME_PREFIX`] +
    /// [`HANDSHAKE_SIZE`](super::HANDSHAKE_SIZE).
    ///
    /// # Errors
    /// [`Buffer`](LinkError::Buffer) if `out` is too short, [`OutOfTurn`](LinkError::OutOfTurn) when called again:
    /// nothing has happened then. [`Authentication`](LinkError::Authentication) if the server's key is none.
    pub fn start(&mut self, out: &mut [u8]) -> Result<usize, LinkError> {
        if self.handshake_hash().is_some() {
            return Err(LinkError::OutOfTurn);
        }
        self.link.write_handshake(out)
    }

    /// Where the next bytes of the stream belong. Never empty after [`receive`](Self::receive) returned `None`.
    pub fn space(&mut self) -> &mut [u8] {
        self.frames.space()
    }

    /// `n` bytes of [`space`](Self::space) have been filled.
    pub fn filled(&mut self, n: usize) {
        self.frames.filled(n);
    }

    /// Whether [`receive`](Self::receive) has something to say, be it an error.
    pub fn has_received(&self) -> bool {
        self.link.is_closed() || self.frames.waiting(self.link.lengths()) != Ok(None)
    }

    /// The next of what has come, if it is whole.
    ///
    /// # Errors
    /// The bytes are not the server's, or it doesn't keep to the protocol. [`Closed`](LinkError::Closed) from then on.
    pub fn receive(&mut self) -> Result<Option<Received<'_>>, LinkError> {
        Ok(self.receive_and_free()?.map(|(received, _)| received))
    }

    /// Like [`receive`](Self::receive), with the part of the buffer that is free: for who has no other room for what is
    /// sent next. A message written to its `[CONNECTION_HEADROOM..]` is sealed by
    /// [`seal_free`](Self::seal_free); once more is received, it is lost.
    ///
    /// # Errors
    /// See [`receive`](Self::receive).
    pub fn receive_and_free(&mut self) -> Result<Option<(Received<'_>, &mut [u8])>, LinkError> {
        let received = next(&mut self.link, &mut self.frames);
        if received.is_err() {
            self.link.close();
        }
        received
    }

    /// Seals the message of `len` bytes that was written to the free part of the buffer, and returns what is to be sent.
    ///
    /// # Errors
    /// See [`seal_in_place`](Self::seal_in_place).
    pub fn seal_free(&mut self, len: usize) -> Result<&[u8], LinkError> {
        seal(&mut self.link, self.frames.free(), len)
    }

    /// Ends the connection and gives its buffer back, for the next one.
    pub fn into_buffer(self) -> B {
        self.frames.into_buffer()
    }

    /// Noise's handshake hash, while the connection is open.
    pub fn handshake_hash(&self) -> Option<&[u8; 32]> {
        self.link.handshake_hash()
    }

    /// Seals `message`, writes what is to be sent to the start of `out`, and returns its length: at most
    /// [`CONNECTION_OVERHEAD`] bytes more than the message.
    ///
    /// # Errors
    /// See [`seal_in_place`](Self::seal_in_place).
    pub fn seal(&mut self, message: &[u8], out: &mut [u8]) -> Result<usize, LinkError> {
        let version = if owes_version(&self.link) { VERSION_FRAME } else { 0 };
        fits(message.len(), out.len().checked_sub(version))?;
        let (first, frame) = out.split_at_mut(version);
        write_version(&mut self.link, first)?;
        Ok(version + self.link.seal(message, frame)?)
    }

    /// Seals the message of `len` bytes that stands at `buffer[CONNECTION_HEADROOM..]`, and returns what is to be
    /// sent. `buffer` has [`CONNECTION_OVERHEAD`] bytes more than the message, or more.
    ///
    /// # Errors
    /// [`Buffer`](LinkError::Buffer) if the buffer is too short or the message longer than [`MAX_FRAME_MESSAGE`],
    /// [`OutOfTurn`](LinkError::OutOfTurn) before the server has answered: nothing has happened then.
    /// [`Closed`](LinkError::Closed) after a failure.
    pub fn seal_in_place<'b>(
        &mut self,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Result<&'b [u8], LinkError> {
        seal(&mut self.link, buffer, len)
    }
}

/// The wire version costs no round trip: it goes with the first message.
fn owes_version<D: Dh>(link: &Link<D>) -> bool {
    link.handshake_hash().is_some() && !link.is_open()
}

fn write_version<D: Dh>(link: &mut Link<D>, out: &mut [u8]) -> Result<(), LinkError> {
    if owes_version(link) {
        link.write_handshake(out)?;
    }
    Ok(())
}

/// Seals the message of `len` bytes at `buffer[CONNECTION_HEADROOM..]`.
fn seal<'b, D: Dh>(
    link: &mut Link<D>,
    buffer: &'b mut [u8],
    len: usize,
) -> Result<&'b [u8], LinkError> {
    fits(len, buffer.len().checked_sub(VERSION_FRAME))?;
    let start = if owes_version(link) { 0 } else { VERSION_FRAME };
    let (first, frame) = buffer.split_at_mut(VERSION_FRAME);
    write_version(link, first)?;
    let end = VERSION_FRAME + link.seal_in_place(frame, len)?;
    Ok(&buffer[start..end])
}

/// Whether a frame around a message of `len` bytes has its place in `room` bytes.
fn fits(len: usize, room: Option<usize>) -> Result<(), LinkError> {
    let room = room.and_then(|room| room.checked_sub(FRAME_OVERHEAD)).ok_or(LinkError::Buffer)?;
    if len <= room.min(MAX_FRAME_MESSAGE) { Ok(()) } else { Err(LinkError::Buffer) }
}

fn next<'f, B: AsRef<[u8]> + AsMut<[u8]>, D: Dh>(
    link: &mut Link<D>,
    frames: &'f mut FrameBuffer<B>,
) -> Result<Option<(Received<'f>, &'f mut [u8])>, LinkError> {
    if link.is_closed() {
        return Err(LinkError::Closed);
    }
    let Some((frame, free)) = frames.next_frame_and_free(link.lengths())? else { return Ok(None) };
    if link.handshake_hash().is_some() {
        // Fails before the first message was sealed: servers don't speak unasked.
        return Ok(Some((Received::Message(link.open(frame)?), free)));
    }
    link.read_handshake(frame)?;
    let handshake_hash = *link.handshake_hash().ok_or(LinkError::OutOfTurn)?;
    Ok(Some((Received::Opened { handshake_hash }, free)))
}

/// Shows nothing of what was received.
impl<B, D: Dh> fmt::Debug for Connection<B, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("link", &self.link).finish_non_exhaustive()
    }
}
