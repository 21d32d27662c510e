//! What has come.

use core::ffi::{c_char, c_void};
use core::ptr;
use std::ffi::CString;
use std::vec::Vec;

use ::zephyr_client::InboxMessage;

use super::registry::{self, zephyr_client};
use super::text::c_text;
use crate::abi::zephyr_status::*;
use crate::abi::{boundary, zephyr_status};

/// A message in the inbox.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_inbox_message {
    /// Its number: greater than that of all messages that came before.
    pub id: u64,
    /// Who provably sent it; NULL if it is anonymous.
    pub from: *const c_char,
    /// Its contents. Behind them stands a NUL that is not counted.
    pub body: *const u8,
    /// Their length in bytes.
    pub body_len: usize,
    /// The round that brought the last part of it.
    pub round: u64,
    /// When that was, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// Whether it is a text: then it is UTF-8.
    pub is_text: bool,
    /// Whether it was marked as seen.
    pub seen: bool,
}

/// Is given a message. Called by the function that it was passed to, before that returns, and may call every function.
pub type zephyr_on_inbox_message =
    Option<unsafe extern "C" fn(userdata: *mut c_void, message: *const zephyr_inbox_message)>;

/// The messages that came, the oldest first; with `unseen_only` only those that were not marked as seen.
///
/// # Safety
/// `on_message` can be called with `userdata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_inbox(
    client: *mut zephyr_client,
    unseen_only: bool,
    on_message: zephyr_on_inbox_message,
    userdata: *mut c_void,
) -> zephyr_status {
    boundary(|| {
        let on_message = on_message.ok_or(ZEPHYR_ERROR_NULL)?;
        let inbox = registry::find(client)?
            .call(async |open| Ok(open.client.inbox(unseen_only).await?))?;
        for message in &inbox {
            let message = Message::new(message);
            // SAFETY: as the caller promises. What it points to lives until it returns.
            unsafe { on_message(userdata, &message.to_c()) };
        }
        Ok(())
    })
}

/// Marks a message as seen: zephyr_client_inbox leaves it out if it is asked to. Of no effect if there is none with
/// this number.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_client_mark_seen(client: *mut zephyr_client, id: u64) -> zephyr_status {
    boundary(|| registry::find(client)?.call(async |open| Ok(open.client.mark_seen(id).await?)))
}

/// What a zephyr_inbox_message points to.
pub(super) struct Message<'m> {
    message: &'m InboxMessage,
    from: Option<CString>,
    /// With its NUL.
    body: Vec<u8>,
}

impl<'m> Message<'m> {
    pub(super) fn new(message: &'m InboxMessage) -> Self {
        let mut body = Vec::with_capacity(message.body.len() + 1);
        body.extend_from_slice(&message.body);
        body.push(0);
        Self { message, from: message.from.as_ref().map(|from| c_text(from.as_str())), body }
    }

    pub(super) fn to_c(&self) -> zephyr_inbox_message {
        zephyr_inbox_message {
            id: self.message.id,
            from: self.from.as_ref().map_or(ptr::null(), |from| from.as_ptr()),
            body: self.body.as_ptr(),
            body_len: self.message.body.len(),
            round: self.message.round.0,
            received_at_ms: self.message.received_at.0,
            is_text: self.message.text().is_some(),
            seen: self.message.seen,
        }
    }
}
