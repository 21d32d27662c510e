//! What a sealed message carries: a header, a body and padding, always of the network's payload length.

use core::fmt;

use crate::identity::{Address, MAX_ADDRESS};

/// Field offsets in bytes; integers are big-endian.
mod field {
    use core::ops::Range;
    pub const KIND: usize = 0;
    pub const CONTENT: usize = 1;
    pub const SLOT: Range<usize> = 2..4;
    pub const MESSAGE: Range<usize> = 4..12;
    pub const STREAM: Range<usize> = 12..16;
    pub const SEQUENCE: Range<usize> = 16..20;
    pub const ACK_STREAM: Range<usize> = 20..24;
    pub const ACK: Range<usize> = 24..28;
    pub const FRAGMENT: Range<usize> = 28..30;
    pub const FRAGMENTS: Range<usize> = 30..32;
    pub const BODY_LEN: Range<usize> = 32..34;
    pub const SENDER_LEN: usize = 34;
    pub const SENDER: usize = 35;
}

/// The longest header in bytes: 35 and the sender's address.
pub const MAX_PAYLOAD_HEADER: usize = field::SENDER + MAX_ADDRESS;

const ANONYMOUS: u8 = 0;
const FROM_ADDRESS: u8 = 1;

/// What the fragments of a message are when put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// UTF-8 text.
    Text = 0,
    /// Bytes.
    File = 1,
    /// Nothing: the payload carries an acknowledgement only.
    Empty = 2,
}

/// The fields before the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadHeader {
    /// The sender, or `None` for an anonymous message.
    pub sender: Option<Address>,
    /// What the message is.
    pub content: Content,
    /// The sender's slot in the round, from which tag and authenticator are made.
    pub slot: u16,
    /// The message's id, random, the same in all its fragments.
    pub message: u64,
    /// The sender's stream of sequence numbers to this recipient; larger than all before. 0 in one without contents.
    pub stream: u32,
    /// The fragment's number in the stream, from 1. 0 in one without contents.
    pub sequence: u32,
    /// The recipient's stream that `ack` speaks of; 0 if none is known. See [`stream`](crate::stream).
    pub ack_stream: u32,
    /// All of that stream's fragments up to this number have arrived.
    pub ack: u32,
    /// This fragment's index in its message.
    pub fragment: u16,
    /// How many fragments the message has, at least 1.
    pub fragments: u16,
}

/// Why a payload cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// Header and body are longer than the payload: split the message.
    TooLong,
    /// The fragment's index is not below the number of fragments.
    Fragment,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the fragment does not fit into one payload",
            Self::Fragment => "the fragment's index is not below the number of fragments",
        })
    }
}

impl core::error::Error for PayloadError {}

/// A payload, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload<'a> {
    /// The header.
    pub header: PayloadHeader,
    /// The fragment's bytes.
    pub body: &'a [u8],
}

impl<'a> Payload<'a> {
    /// How many bytes of body fit beside `sender`'s address into a payload of `payload_len` bytes.
    pub fn capacity(payload_len: usize, sender: Option<&Address>) -> usize {
        let sender = sender.map_or(0, |a| a.as_bytes().len());
        payload_len.saturating_sub(field::SENDER + sender)
    }

    /// Writes the payload over all of `out`: header ‖ body ‖ zeros.
    ///
    /// # Errors
    /// See [`PayloadError`]; `out` is then in an unspecified state.
    pub fn encode(&self, out: &mut [u8]) -> Result<(), PayloadError> {
        let h = &self.header;
        if h.fragment >= h.fragments {
            return Err(PayloadError::Fragment);
        }
        let capacity = Self::capacity(out.len(), h.sender.as_ref());
        if self.body.len() > capacity
            || self.body.len() > usize::from(u16::MAX)
            || out.len() < field::SENDER
        {
            return Err(PayloadError::TooLong);
        }
        let sender = h.sender.as_ref().map_or(&b""[..], |a| a.as_bytes());
        out.fill(0);
        out[field::KIND] = if h.sender.is_some() { FROM_ADDRESS } else { ANONYMOUS };
        out[field::CONTENT] = h.content as u8;
        out[field::SLOT].copy_from_slice(&h.slot.to_be_bytes());
        out[field::MESSAGE].copy_from_slice(&h.message.to_be_bytes());
        out[field::STREAM].copy_from_slice(&h.stream.to_be_bytes());
        out[field::SEQUENCE].copy_from_slice(&h.sequence.to_be_bytes());
        out[field::ACK_STREAM].copy_from_slice(&h.ack_stream.to_be_bytes());
        out[field::ACK].copy_from_slice(&h.ack.to_be_bytes());
        out[field::FRAGMENT].copy_from_slice(&h.fragment.to_be_bytes());
        out[field::FRAGMENTS].copy_from_slice(&h.fragments.to_be_bytes());
        out[field::BODY_LEN].copy_from_slice(&(self.body.len() as u16).to_be_bytes());
        out[field::SENDER_LEN] = sender.len() as u8;
        let body = field::SENDER + sender.len();
        out[field::SENDER..body].copy_from_slice(sender);
        out[body..body + self.body.len()].copy_from_slice(self.body);
        Ok(())
    }

    /// Takes a payload apart; `None` unless every field is in range and all padding is zero.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < field::SENDER {
            return None;
        }
        let u16_at = |r: core::ops::Range<usize>| {
            u16::from_be_bytes(bytes[r].try_into().expect("two bytes"))
        };
        let u32_at = |r: core::ops::Range<usize>| {
            u32::from_be_bytes(bytes[r].try_into().expect("four bytes"))
        };
        let rest = &bytes[field::SENDER..];
        let (sender, rest) = rest.split_at_checked(usize::from(bytes[field::SENDER_LEN]))?;
        let (body, padding) = rest.split_at_checked(usize::from(u16_at(field::BODY_LEN)))?;
        let sender = match bytes[field::KIND] {
            ANONYMOUS if sender.is_empty() => None,
            FROM_ADDRESS => Some(Address::from_canonical(core::str::from_utf8(sender).ok()?)?),
            _ => return None,
        };
        let content = match bytes[field::CONTENT] {
            0 => Content::Text,
            1 => Content::File,
            2 if body.is_empty() => Content::Empty,
            _ => return None,
        };
        let (fragment, fragments) = (u16_at(field::FRAGMENT), u16_at(field::FRAGMENTS));
        if fragment >= fragments || padding.iter().any(|&b| b != 0) {
            return None;
        }
        let header = PayloadHeader {
            sender,
            content,
            slot: u16_at(field::SLOT),
            message: u64::from_be_bytes(bytes[field::MESSAGE].try_into().expect("eight bytes")),
            stream: u32_at(field::STREAM),
            sequence: u32_at(field::SEQUENCE),
            ack_stream: u32_at(field::ACK_STREAM),
            ack: u32_at(field::ACK),
            fragment,
            fragments,
        };
        Some(Self { header, body })
    }
}

/// Prints no contents: `Debug` ends up in logs.
impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("header", &self.header)
            .field("body_len", &self.body.len())
            .finish()
    }
}

/// The sender and slot that the beginning of a payload names: `None` if it names them badly, `Some(None)` if the
/// payload is anonymous.
pub(super) fn claimed_sender(head: &[u8]) -> Option<Option<(Address, u16)>> {
    let slot = head.get(field::SLOT)?;
    let len = usize::from(*head.get(field::SENDER_LEN)?);
    match head[field::KIND] {
        ANONYMOUS => Some(None),
        FROM_ADDRESS => {
            let sender = head.get(field::SENDER..field::SENDER + len)?;
            let address = Address::from_canonical(core::str::from_utf8(sender).ok()?)?;
            Some(Some((address, u16::from_be_bytes(slot.try_into().ok()?))))
        }
        _ => None,
    }
}
