//! The link between client and server: Noise NK in frames over any ordered stream of bytes.
//!
//! ```text
//! initiator                                   responder
//! u16 48 ‖ e, es, tag            ───────▶
//!                                ◀───────     u16 48 ‖ e, ee, tag
//! u16 17 ‖ sealed wire version   ───────▶
//! u16 n  ‖ sealed message        ◀──────▶     u16 n ‖ sealed message
//! ```
//!
//! The handshake carries no application data: message 1 could be replayed, and has no forward secrecy. The version
//! travels together with the first request, so it costs no round trip.

mod connection;
mod error;
mod frame;
mod key;
pub(crate) mod noise;

use core::ops::RangeInclusive;

pub use self::connection::{CONNECTION_HEADROOM, CONNECTION_OVERHEAD, Connection, Received};
pub use self::error::{FrameError, LinkError};
pub use self::frame::{FRAME_PREFIX, FrameBuffer};
pub use self::key::LinkKey;
use self::noise::{Channel, Handshake, Secret, TAG};
use crate::crypto::suite::{Dh, X25519};
use crate::ids::NetworkId;

/// The version of the messages on a link, the first that the initiator seals.
pub const WIRE_VERSION: u8 = 1;
/// Length in bytes of each of the two Noise handshake messages: a key and a tag.
pub const HANDSHAKE_SIZE: usize = 32 + TAG;
/// How many bytes a frame has more than the message in it: the length and the tag.
pub const FRAME_OVERHEAD: usize = FRAME_PREFIX + TAG;
/// The longest message in bytes that a frame can carry.
pub const MAX_FRAME_MESSAGE: usize = u16::MAX as usize - TAG;

const VERSION_SIZE: usize = 1 + TAG;
const PROLOGUE: &[u8] = b"ZEPHYR-V1-LINK";

/// One end of a link: `Noise_NK_25519_ChaChaPoly_SHA256` without I/O.
///
/// 1. Initiator: [`write_handshake`](Self::write_handshake), send; receive a frame,
///    [`read_handshake`](Self::read_handshake); `write_handshake` again, and send that with the first request.
///    Responder: read, write, read.
/// 2. [`is_open`](Self::is_open): [`seal`](Self::seal) and [`open`](Self::open), in any order, one message a frame.
///
/// Frames come from a [`FrameBuffer`], which is told by [`lengths`](Self::lengths) what may come. Any failure to
/// authenticate closes the link for good. Keys are wiped when they are dropped.
///
/// `D` is X25519 as this end computes it, which the other end doesn't see; all the time of a handshake goes into it.
pub struct Link<D: Dh = X25519> {
    initiator: bool,
    state: State<D>,
}

#[expect(clippy::large_enum_variant, reason = "there is no heap to box it on")]
enum State<D: Dh> {
    Keys(Handshake<D>),
    Version(Channel),
    Open(Channel),
    Closed,
}

impl<D: Dh> Link<D> {
    /// The client's end, towards the server of `network` whose X25519 key is `server_key`.
    ///
    /// `ephemeral` is 32 random bytes that are never used again.
    pub fn initiator(network: &NetworkId, server_key: &[u8; 32], ephemeral: [u8; 32]) -> Self {
        let handshake = Handshake::initiator(&prologue(network), server_key, Secret(ephemeral));
        Self { initiator: true, state: State::Keys(handshake) }
    }

    /// The server's end, with the server's key. `ephemeral` is 32 random bytes that are never used again.
    pub fn responder(network: &NetworkId, key: &LinkKey, ephemeral: [u8; 32]) -> Self {
        let (secret, ephemeral) = (Secret(key.secret.0), Secret(ephemeral));
        let handshake = Handshake::responder(&prologue(network), secret, key.public(), ephemeral);
        Self { initiator: false, state: State::Keys(handshake) }
    }

    /// The lengths that the next frame from the peer may have, without its prefix.
    pub fn lengths(&self) -> RangeInclusive<usize> {
        match self.state {
            State::Keys(_) => HANDSHAKE_SIZE..=HANDSHAKE_SIZE,
            State::Version(_) if !self.initiator => VERSION_SIZE..=VERSION_SIZE,
            _ => TAG..=u16::MAX as usize,
        }
    }

    /// Whether the handshake is over, on this side, and messages can be sealed and opened.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn close(&mut self) {
        self.state = State::Closed;
    }

    /// Noise's handshake hash, equal on both ends and unique to this link, for signatures to be bound to.
    ///
    /// There is one as soon as both handshake messages have been written and read.
    pub fn handshake_hash(&self) -> Option<&[u8; 32]> {
        match &self.state {
            State::Version(channel) | State::Open(channel) => Some(&channel.hash),
            _ => None,
        }
    }

    /// Writes this side's next handshake frame to the start of `out` and returns its length: at most
    /// [`FRAME_PREFIX`] + [`HANDSHAKE_SIZE`] bytes.
    ///
    /// # Errors
    /// [`OutOfTurn`](LinkError::OutOfTurn) and [`Buffer`](LinkError::Buffer) change nothing; others close the link.
    pub fn write_handshake(&mut self, out: &mut [u8]) -> Result<usize, LinkError> {
        let size = match &self.state {
            State::Keys(noise) if noise.is_write_turn() => HANDSHAKE_SIZE,
            State::Version(_) if self.initiator => VERSION_SIZE,
            State::Closed => return Err(LinkError::Closed),
            _ => return Err(LinkError::OutOfTurn),
        };
        let frame = out.get_mut(..FRAME_PREFIX + size).ok_or(LinkError::Buffer)?;
        let body = frame::write_prefix(frame, size);
        self.state = match core::mem::replace(&mut self.state, State::Closed) {
            State::Keys(mut noise) => {
                noise.write(body)?;
                noise.finish().map_or_else(State::Keys, State::Version)
            }
            State::Version(mut channel) => {
                body[0] = WIRE_VERSION;
                channel.seal(body)?;
                State::Open(channel)
            }
            closed => closed,
        };
        Ok(frame.len())
    }

    /// Takes the peer's next handshake frame, without its prefix.
    ///
    /// # Errors
    /// [`OutOfTurn`](LinkError::OutOfTurn) changes nothing; others close the link.
    pub fn read_handshake(&mut self, frame: &mut [u8]) -> Result<(), LinkError> {
        match &self.state {
            State::Keys(noise) if !noise.is_write_turn() => {}
            State::Version(_) if !self.initiator => {}
            State::Closed => return Err(LinkError::Closed),
            _ => return Err(LinkError::OutOfTurn),
        }
        self.state = match core::mem::replace(&mut self.state, State::Closed) {
            State::Keys(mut noise) => {
                noise.read(frame)?;
                noise.finish().map_or_else(State::Keys, State::Version)
            }
            State::Version(mut channel) => {
                let len = channel.open(frame)?;
                if frame[..len] != [WIRE_VERSION] {
                    return Err(LinkError::Version);
                }
                State::Open(channel)
            }
            closed => closed,
        };
        Ok(())
    }

    /// Seals `message` into a frame at the start of `out`, and returns the frame's length: [`FRAME_OVERHEAD`]
    /// bytes more than the message.
    ///
    /// # Errors
    /// See [`seal_in_place`](Self::seal_in_place).
    pub fn seal(&mut self, message: &[u8], out: &mut [u8]) -> Result<usize, LinkError> {
        out.get_mut(FRAME_PREFIX..)
            .and_then(|space| space.get_mut(..message.len()))
            .ok_or(LinkError::Buffer)?
            .copy_from_slice(message);
        self.seal_in_place(out, message.len())
    }

    /// Seals the message of `len` bytes that stands at `buffer[FRAME_PREFIX..]` into a frame at the start of
    /// `buffer`, and returns the frame's length.
    ///
    /// # Errors
    /// [`Buffer`](LinkError::Buffer) if the buffer is too short or the message longer than
    /// [`MAX_FRAME_MESSAGE`]: nothing has happened then. [`Closed`](LinkError::Closed) also once all nonces are
    /// used up. [`OutOfTurn`](LinkError::OutOfTurn) before the handshake is over.
    pub fn seal_in_place(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, LinkError> {
        let channel = self.channel()?;
        if len > MAX_FRAME_MESSAGE {
            return Err(LinkError::Buffer);
        }
        let frame = buffer.get_mut(..len + FRAME_OVERHEAD).ok_or(LinkError::Buffer)?;
        let result = channel.seal(frame::write_prefix(frame, len + TAG));
        self.close_on_error(result)?;
        Ok(len + FRAME_OVERHEAD)
    }

    /// Opens a frame, without its prefix, in place.
    ///
    /// # Errors
    /// [`OutOfTurn`](LinkError::OutOfTurn) before the handshake is over; any other closes the link.
    pub fn open<'a>(&mut self, frame: &'a mut [u8]) -> Result<&'a mut [u8], LinkError> {
        let result = self.channel()?.open(frame);
        let len = self.close_on_error(result)?;
        Ok(&mut frame[..len])
    }

    fn channel(&mut self) -> Result<&mut Channel, LinkError> {
        match &mut self.state {
            State::Open(channel) => Ok(channel),
            State::Closed => Err(LinkError::Closed),
            _ => Err(LinkError::OutOfTurn),
        }
    }

    fn close_on_error<T>(&mut self, result: Result<T, LinkError>) -> Result<T, LinkError> {
        if result.is_err() {
            self.close();
        }
        result
    }
}

impl<D: Dh> core::fmt::Debug for Link<D> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let state = match self.state {
            State::Keys(_) => "Keys",
            State::Version(_) => "Version",
            State::Open(_) => "Open",
            State::Closed => "Closed",
        };
        f.debug_struct("Link").field("initiator", &self.initiator).field("state", &state).finish()
    }
}

fn prologue(network: &NetworkId) -> [u8; PROLOGUE.len() + 32] {
    let mut prologue = [0; PROLOGUE.len() + 32];
    prologue[..PROLOGUE.len()].copy_from_slice(PROLOGUE);
    prologue[PROLOGUE.len()..].copy_from_slice(network.as_bytes());
    prologue
}
