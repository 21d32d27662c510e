//! What slots carry, and what arrives.

use core::ffi::c_char;
use core::ptr;

use zephyr_core::Content;
use zephyr_core::session::Draft;

use crate::abi::zephyr_status::*;
use crate::abi::{Failure, bytes};
use crate::blocks::{ZEPHYR_CONTENT_EMPTY, ZEPHYR_CONTENT_FILE, ZEPHYR_CONTENT_TEXT};

/// What a slot is to carry: one fragment of a message, or an acknowledgement alone. zephyr_conversation_fill writes the
/// numbers into it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_draft {
    /// What the message is: ZEPHYR_CONTENT_...
    pub content: u32,
    /// The stream of numbers to this contact.
    pub stream: u32,
    /// The fragment's number in it, from 1; 0: an acknowledgement alone.
    pub sequence: u32,
    /// The contact's stream that `ack` speaks of; 0 if none is known.
    pub ack_stream: u32,
    /// All of it up to this number has arrived.
    pub ack: u32,
    /// The fragment's index in the message.
    pub fragment: u16,
    /// How many fragments the message has, at least 1.
    pub fragments: u16,
    /// The message's id, random, the same in all its fragments.
    pub message: u64,
    /// The fragment's bytes, at most zephyr_session_fragment_len. NULL if there are none.
    pub body: *const u8,
    /// How many there are.
    pub body_len: usize,
}

/// A fragment that arrived, or an acknowledgement alone (ZEPHYR_CONTENT_EMPTY).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_fragment {
    /// Who sent it, proven; NULL: anonymous, or somebody who is no contact and did not say. May be somebody who is no
    /// contact.
    pub sender: *const c_char,
    /// What the message is: ZEPHYR_CONTENT_...
    pub content: u32,
    /// The sender's stream of numbers to the user; 0 in one without contents.
    pub stream: u32,
    /// The fragment's number in it, from 1; 0 in one without contents.
    pub sequence: u32,
    /// The user's stream that `ack` speaks of; 0 if the sender knows none.
    pub ack_stream: u32,
    /// All of that up to this number has arrived at the sender.
    pub ack: u32,
    /// The fragment's index in the message.
    pub fragment: u16,
    /// How many fragments the message has, at least 1.
    pub fragments: u16,
    /// The message's id, the same in all its fragments.
    pub message: u64,
    /// The round in which it came.
    pub round: u64,
    /// The fragment's bytes; text may be cut inside a character.
    pub body: *const u8,
    /// How many there are.
    pub body_len: usize,
}

impl zephyr_fragment {
    pub(super) const NONE: Self = Self {
        sender: ptr::null(),
        content: 0,
        stream: 0,
        sequence: 0,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 0,
        message: 0,
        round: 0,
        body: ptr::null(),
        body_len: 0,
    };
}

impl zephyr_draft {
    /// # Safety
    /// At `body` there are `body_len` bytes.
    pub(super) unsafe fn draft(&self) -> Result<Draft<'_>, Failure> {
        let content = match self.content {
            ZEPHYR_CONTENT_TEXT => Content::Text,
            ZEPHYR_CONTENT_FILE => Content::File,
            ZEPHYR_CONTENT_EMPTY if self.body_len == 0 => Content::Empty,
            _ => return Err(ZEPHYR_ERROR_ARGUMENT.into()),
        };
        if self.fragment >= self.fragments {
            return Err(ZEPHYR_ERROR_ARGUMENT.into());
        }
        Ok(Draft {
            content,
            message: self.message,
            stream: self.stream,
            sequence: self.sequence,
            ack_stream: self.ack_stream,
            ack: self.ack,
            fragment: self.fragment,
            fragments: self.fragments,
            // SAFETY: as the caller promises.
            body: unsafe { bytes(self.body, self.body_len) }?,
        })
    }
}
