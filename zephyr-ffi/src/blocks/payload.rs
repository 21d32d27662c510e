//! What a sealed message carries.

use core::ffi::c_char;

use zephyr_core::{Address, Content, Payload, PayloadHeader};

use super::sizes::body_len_max;
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, bytes};

/// A fragment of UTF-8 text.
pub const ZEPHYR_CONTENT_TEXT: u32 = 0;
/// A fragment of bytes.
pub const ZEPHYR_CONTENT_FILE: u32 = 1;
/// No contents, but an acknowledgement.
pub const ZEPHYR_CONTENT_EMPTY: u32 = 2;

/// What one sealed message carries: a fragment of a message, an acknowledgement, or both.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_payload {
    /// What the message is: ZEPHYR_CONTENT_...
    pub content: u32,
    /// The sender's slot in the round. Never seal twice for one slot of a round.
    pub slot: u16,
    /// The fragment's index in its message.
    pub fragment: u16,
    /// How many fragments the message has, at least 1.
    pub fragments: u16,
    /// The sender's stream of sequence numbers to this recipient; 0 in one without contents.
    pub stream: u32,
    /// The fragment's number in the stream, from 1; 0 in one without contents.
    pub sequence: u32,
    /// The recipient's stream that `ack` speaks of; 0 if none is known.
    pub ack_stream: u32,
    /// All of that stream's fragments up to this number have arrived.
    pub ack: u32,
    /// The message's id, random, the same in all its fragments.
    pub message: u64,
    /// The fragment's bytes; NULL if there are none.
    pub body: *const u8,
    /// How many there are: at most zephyr_body_len_max.
    pub body_len: usize,
}

/// What was in a message that was opened.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_opened {
    /// The payload. Its body stands in the message that was opened.
    pub payload: zephyr_payload,
    /// Who sent it, proven; empty if it is anonymous.
    pub sender: [c_char; 256],
}

impl zephyr_payload {
    /// As core has it, from `sender`, if it can be sealed.
    ///
    /// # Safety
    /// At `body` there are `body_len` bytes.
    pub(super) unsafe fn read(
        &self,
        sender: Option<&Address>,
        payload_len: usize,
    ) -> Result<Payload<'_>, Failure> {
        // SAFETY: as the caller promises.
        let body = unsafe { bytes(self.body, self.body_len) }?;
        let content = match self.content {
            ZEPHYR_CONTENT_TEXT => Content::Text,
            ZEPHYR_CONTENT_FILE => Content::File,
            ZEPHYR_CONTENT_EMPTY if body.is_empty() => Content::Empty,
            _ => return Err(ZEPHYR_ERROR_ARGUMENT.into()),
        };
        if self.fragment >= self.fragments || body.len() > body_len_max(payload_len, sender)? {
            return Err(ZEPHYR_ERROR_ARGUMENT.into());
        }
        let header = PayloadHeader {
            sender: sender.cloned(),
            content,
            slot: self.slot,
            message: self.message,
            stream: self.stream,
            sequence: self.sequence,
            ack_stream: self.ack_stream,
            ack: self.ack,
            fragment: self.fragment,
            fragments: self.fragments,
        };
        Ok(Payload { header, body })
    }
}

impl From<&Payload<'_>> for zephyr_opened {
    fn from(payload: &Payload<'_>) -> Self {
        let header = &payload.header;
        let sender = header.sender.as_ref().map_or("", |sender| sender.as_str());
        let payload = zephyr_payload {
            content: header.content as u32,
            slot: header.slot,
            fragment: header.fragment,
            fragments: header.fragments,
            stream: header.stream,
            sequence: header.sequence,
            ack_stream: header.ack_stream,
            ack: header.ack,
            message: header.message,
            body: payload.body.as_ptr(),
            body_len: payload.body.len(),
        };
        Self { payload, sender: super::manifest::c_text(sender) }
    }
}
