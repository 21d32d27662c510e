//! Frames in a stream of bytes: length (u16, big-endian) ‖ Noise message.

use core::ops::RangeInclusive;

use super::error::FrameError;

/// Length in bytes of the length in front of each frame.
pub const FRAME_PREFIX: usize = 2;

/// Cuts a stream of bytes into frames, in a buffer that its owner lends: a slice, an array or a vector.
///
/// 1. Read from the stream into [`space`](Self::space), and tell [`filled`](Self::filled) how much came.
/// 2. Take frames with [`next_frame`](Self::next_frame) until it returns `None`; only then go back to 1.
///
/// The buffer's size bounds the memory: a frame that doesn't fit it is refused as soon as its length is known.
#[derive(Debug)]
pub struct FrameBuffer<B> {
    buffer: B,
    start: usize,
    end: usize,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> FrameBuffer<B> {
    /// Frames of at most the size of `buffer` less [`FRAME_PREFIX`] bytes.
    pub fn new(buffer: B) -> Self {
        Self { buffer, start: 0, end: 0 }
    }

    /// Where the next bytes of the stream belong. Never empty after [`next_frame`](Self::next_frame) returned `None`.
    pub fn space(&mut self) -> &mut [u8] {
        let buffer = self.buffer.as_mut();
        if self.start > 0 {
            buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut buffer[self.end..]
    }

    /// `n` bytes of [`space`](Self::space) have been filled.
    pub fn filled(&mut self, n: usize) {
        self.end = self.end.saturating_add(n).min(self.buffer.as_ref().len());
    }

    /// The length of the next whole frame without its prefix, if it has come.
    ///
    /// # Errors
    /// The frame's length is not among `lengths` (see [`Link::lengths`](super::Link::lengths)) or it doesn't fit the
    /// buffer. Nothing more can be read from this stream.
    pub fn waiting(&self, lengths: RangeInclusive<usize>) -> Result<Option<usize>, FrameError> {
        let buffer = self.buffer.as_ref();
        let Some(room) = buffer.len().checked_sub(FRAME_PREFIX) else {
            return Err(FrameError { length: 0 });
        };
        let Some((prefix, rest)) = buffer[self.start..self.end].split_first_chunk() else {
            return Ok(None);
        };
        let length = u16::from_be_bytes(*prefix);
        let len = usize::from(length);
        if len == 0 || len > room || !lengths.contains(&len) {
            return Err(FrameError { length });
        }
        Ok((len <= rest.len()).then_some(len))
    }

    /// Takes the next whole frame without its prefix, if it has come.
    ///
    /// # Errors
    /// See [`waiting`](Self::waiting).
    pub fn next_frame(
        &mut self,
        lengths: RangeInclusive<usize>,
    ) -> Result<Option<&mut [u8]>, FrameError> {
        Ok(self.next_frame_and_free(lengths)?.map(|(frame, _)| frame))
    }

    /// The part of the buffer behind all that has come. Whatever is written there is lost when more comes.
    pub(super) fn free(&mut self) -> &mut [u8] {
        &mut self.buffer.as_mut()[self.end..]
    }

    /// Takes the next whole frame like [`next_frame`](Self::next_frame), and gives [`free`](Self::free) with it.
    #[expect(clippy::type_complexity, reason = "two borrows of one buffer")]
    pub(super) fn next_frame_and_free(
        &mut self,
        lengths: RangeInclusive<usize>,
    ) -> Result<Option<(&mut [u8], &mut [u8])>, FrameError> {
        let Some(len) = self.waiting(lengths)? else {
            return Ok(None);
        };
        let from = self.start + FRAME_PREFIX;
        self.start = from + len;
        let (come, free) = self.buffer.as_mut().split_at_mut(self.end);
        Ok(Some((&mut come[from..from + len], free)))
    }

    /// Gives the buffer back.
    pub(super) fn into_buffer(self) -> B {
        self.buffer
    }

    /// Whether no byte is waiting: a stream that ends now was not cut off inside a frame.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Writes the prefix for the rest of `frame`, and returns that rest.
///
/// `len` is the rest's length; it fits 16 bits because the link checked it against its largest message.
pub(super) fn write_prefix(frame: &mut [u8], len: usize) -> &mut [u8] {
    let (prefix, rest) = frame.split_at_mut(FRAME_PREFIX);
    prefix.copy_from_slice(&(len as u16).to_be_bytes());
    rest
}
