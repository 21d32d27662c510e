//! What is on its way.

use core::ffi::{c_char, c_void};

use ::zephyr_client::{Delivery, MessageId};
use zephyr_core::Content;

use super::registry::{self, zephyr_client};
use super::text::c_text;
use crate::abi::zephyr_status::*;
use crate::abi::{boundary, zephyr_status};

/// How far a message has come.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_delivery_state {
    /// Nothing of it has left.
    ZEPHYR_DELIVERY_QUEUED = 0,
    /// Mixers have taken some of its parts: see `sent` and `of`.
    ZEPHYR_DELIVERY_SENDING = 1,
    /// Mixers have taken all of it, the last part in `round`. Only people who have added the user acknowledge it.
    ZEPHYR_DELIVERY_SENT = 2,
    /// It is in the recipient's inbox.
    ZEPHYR_DELIVERY_DELIVERED = 3,
}

use zephyr_delivery_state::*;

/// How far a message has come.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_delivery {
    /// The message's number.
    pub id: u64,
    /// The round in which its last part was taken, if all of it was sent.
    pub round: u64,
    /// How far it has come.
    pub state: zephyr_delivery_state,
    /// How many parts of it mixers have taken while it is being sent,
    pub sent: u32,
    /// of how many.
    pub of: u32,
}

impl zephyr_delivery {
    pub(super) fn new(id: MessageId, delivery: Delivery) -> Self {
        let state = |state| Self { id: id.0, round: 0, state, sent: 0, of: 0 };
        match delivery {
            Delivery::Queued => state(ZEPHYR_DELIVERY_QUEUED),
            Delivery::Sending { sent, of } => Self { sent, of, ..state(ZEPHYR_DELIVERY_SENDING) },
            Delivery::Sent { round } => Self { round: round.0, ..state(ZEPHYR_DELIVERY_SENT) },
            Delivery::Delivered => state(ZEPHYR_DELIVERY_DELIVERED),
            // A state that this library doesn't know is one on the way.
            _ => state(ZEPHYR_DELIVERY_SENDING),
        }
    }
}

/// A message in the outbox.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_outbox_message {
    /// To whom it goes.
    pub to: *const c_char,
    /// How far it has come, and its number.
    pub delivery: zephyr_delivery,
    /// Its length in bytes.
    pub len: u64,
    /// When it was written, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When the recipient had acknowledged all of it, in milliseconds since 1970; 0 if that is not so.
    pub delivered_at_ms: u64,
    /// How many parts it has.
    pub fragments: u32,
    /// Whether it is a text.
    pub is_text: bool,
}

/// Is given a message. Called by the function that it was passed to, before that returns, and may call every function.
pub type zephyr_on_outbox_message =
    Option<unsafe extern "C" fn(userdata: *mut c_void, message: *const zephyr_outbox_message)>;

/// All messages in the outbox, the oldest first: those on their way, and the last 1,000 that were delivered.
///
/// # Safety
/// `on_message` can be called with `userdata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_outbox(
    client: *mut zephyr_client,
    on_message: zephyr_on_outbox_message,
    userdata: *mut c_void,
) -> zephyr_status {
    boundary(|| {
        let on_message = on_message.ok_or(ZEPHYR_ERROR_NULL)?;
        let outbox = registry::find(client)?.call(async |open| Ok(open.client.outbox().await?))?;
        for message in outbox {
            let to = c_text(message.to.as_str());
            let message = zephyr_outbox_message {
                to: to.as_ptr(),
                delivery: zephyr_delivery::new(message.id, message.delivery),
                len: message.len,
                created_at_ms: message.created_at.0,
                delivered_at_ms: message.delivered_at.map_or(0, |at| at.0),
                fragments: message.fragments,
                is_text: message.content == Content::Text,
            };
            // SAFETY: as the caller promises. The text lives until it returns.
            unsafe { on_message(userdata, &message) };
        }
        Ok(())
    })
}
