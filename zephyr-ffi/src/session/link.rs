//! A place for a connection: its link, and what is to be sent over it.

use zephyr_core::session::{ExchangeId, ServerRef, Session};
use zephyr_core::{
    CONNECTION_HEADROOM, CONNECTION_OVERHEAD, Connection, Dh, FRAME_OVERHEAD, FRAME_PREFIX,
    Geometry, HANDSHAKE_SIZE, MAX_FRAME_MESSAGE, Suite,
};

/// What a request is longer than the packet in it, at most.
const REQUEST: usize = 256;
/// The shortest messages that servers send besides sealed ones and directories fit into this.
const MIN_MESSAGE: usize = 512;

/// A connection that the program opens, or has opened.
pub(super) struct Link<'a, D: Dh> {
    pub(super) exchange: ExchangeId,
    pub(super) connection: Connection<&'a mut [u8], D>,
    /// Whether the program has said that the socket is open.
    started: bool,
}

/// Room for one connection at a time.
pub(super) struct Place<'a, D: Dh> {
    /// The number of the last connection that was here.
    pub(super) number: u32,
    link: Option<Link<'a, D>>,
    /// For what is received, while there is no link.
    buffer: Option<&'a mut [u8]>,
    out: &'a mut [u8],
    /// What of `out` waits to be sent.
    unsent: core::ops::Range<usize>,
}

/// Why something can't be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkFailure {
    /// There is no such connection, or not any more.
    Gone,
    /// Not now.
    OutOfTurn,
    /// More bytes than there are.
    TooMany,
}

impl<'a, D: Dh> Place<'a, D> {
    /// How many bytes a place needs for what is received, if messages have at most `frame_len` bytes (0: as many as a
    /// frame can have).
    pub(super) fn buffer_len(geometry: Geometry, frame_len: usize) -> usize {
        let least = geometry.sealed_len().max(MIN_MESSAGE);
        let len = if frame_len == 0 { MAX_FRAME_MESSAGE } else { frame_len };
        len.clamp(least, MAX_FRAME_MESSAGE) + FRAME_OVERHEAD
    }

    /// How many bytes a place needs for what is sent.
    pub(super) fn out_len(geometry: Geometry) -> usize {
        geometry.packet_len() + REQUEST + CONNECTION_OVERHEAD
    }

    pub(super) fn new(buffer: &'a mut [u8], out: &'a mut [u8]) -> Self {
        Self { number: 0, link: None, buffer: Some(buffer), out, unsent: 0..0 }
    }

    pub(super) fn is_free(&self) -> bool {
        self.link.is_none()
    }

    pub(super) fn exchange(&self) -> Option<ExchangeId> {
        self.link.as_ref().map(|link| link.exchange)
    }

    /// Takes a link in, made over the place's buffer.
    pub(super) fn begin(
        &mut self,
        exchange: ExchangeId,
        make: impl FnOnce(&'a mut [u8]) -> Connection<&'a mut [u8], D>,
    ) {
        self.end();
        if let Some(buffer) = self.buffer.take() {
            self.link = Some(Link { exchange, connection: make(buffer), started: false });
        }
    }

    /// Frees the place.
    pub(super) fn end(&mut self) -> Option<ExchangeId> {
        let Link { exchange, connection, .. } = self.link.take()?;
        self.buffer = Some(connection.into_buffer());
        self.unsent = 0..0;
        Some(exchange)
    }

    /// The socket is open: the handshake waits to be sent.
    pub(super) fn start(&mut self) -> Result<(), LinkFailure> {
        let link = self.link.as_mut().ok_or(LinkFailure::Gone)?;
        if link.started {
            return Err(LinkFailure::OutOfTurn);
        }
        link.started = true;
        debug_assert!(self.out.len() >= FRAME_PREFIX + HANDSHAKE_SIZE);
        // With a key that is none there is nothing to be sent, and no answer comes.
        let len = link.connection.start(self.out).unwrap_or(0);
        self.unsent = 0..len;
        Ok(())
    }

    /// Takes bytes that came over the socket, as many as there is room for.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<usize, LinkFailure> {
        let link = self.link.as_mut().ok_or(LinkFailure::Gone)?;
        if !link.started {
            return Err(LinkFailure::OutOfTurn);
        }
        let space = link.connection.space();
        let len = space.len().min(bytes.len());
        space[..len].copy_from_slice(&bytes[..len]);
        link.connection.filled(len);
        Ok(len)
    }

    pub(super) fn to_send(&self) -> Result<&[u8], LinkFailure> {
        let _ = self.link.as_ref().ok_or(LinkFailure::Gone)?;
        Ok(&self.out[self.unsent.clone()])
    }

    pub(super) fn sent(&mut self, n: usize) -> Result<(), LinkFailure> {
        let _ = self.link.as_ref().ok_or(LinkFailure::Gone)?;
        if n > self.unsent.len() {
            return Err(LinkFailure::TooMany);
        }
        self.unsent.start += n;
        Ok(())
    }

    /// The link, if something has come over it, where a request is written, and the whole of that buffer.
    pub(super) fn parts(&mut self) -> Option<(&mut Link<'a, D>, Out<'_>)> {
        let link = self.link.as_mut()?;
        Some((link, Out { buffer: self.out, unsent: &mut self.unsent }))
    }
}

/// Where a request is written and sealed.
pub(super) struct Out<'o> {
    buffer: &'o mut [u8],
    unsent: &'o mut core::ops::Range<usize>,
}

impl Out<'_> {
    /// Whether the last request was sent whole: no honest server answers before.
    pub(super) fn is_empty(&self) -> bool {
        self.unsent.start == self.unsent.end
    }

    /// Where the session writes a request.
    pub(super) fn request(&mut self) -> &mut [u8] {
        &mut self.buffer[CONNECTION_HEADROOM..]
    }

    /// Seals the request of `len` bytes that was written; `false` if the link can't.
    pub(super) fn seal<D: Dh>(
        &mut self,
        connection: &mut Connection<&mut [u8], D>,
        len: usize,
    ) -> bool {
        let Ok(sealed) = connection.seal_in_place(self.buffer, len) else { return false };
        let sealed = sealed.len();
        // Either the version stands in front of the request, or room for it.
        let end = CONNECTION_OVERHEAD + len;
        *self.unsent = end - sealed..end;
        true
    }
}

/// Whether the session still waits for something from this link.
pub(super) fn is_wanted<S: Suite>(session: &Session<'_, S>, link: &Place<'_, S::Dh>) -> bool {
    link.exchange().is_some_and(|exchange| session.waits_for(exchange))
}

/// A connection that waits for a place.
pub(super) type Waiting = (ExchangeId, ServerRef);
