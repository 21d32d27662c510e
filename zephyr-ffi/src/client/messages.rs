//! Sending.

use core::ffi::c_char;
use core::time::Duration;
use std::borrow::ToOwned;

use ::zephyr_client::{Message, MessageId};

use super::outbox::zephyr_delivery;
use super::registry::{self, zephyr_client};
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, Out, address, boundary, bytes, text, zephyr_status};

/// A message that was put into the outbox.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_queued {
    /// Its number.
    pub id: u64,
    /// In how many rounds it leaves, if all goes well.
    pub rounds: u64,
    /// How long it takes until the recipient can have all of it, if all goes well, in milliseconds.
    pub time_ms: u64,
    /// How many parts it has.
    pub fragments: u32,
    /// Whether it is so long that it leaves only as the recipient acknowledges it: to somebody who has not added the
    /// user it never arrives whole.
    pub acknowledged: bool,
}

/// Puts a text into the outbox. Who is written to becomes a contact. It leaves while the client takes part in the
/// rounds, and is sent again until the recipient, who must have added the user, has acknowledged it.
///
/// `queued` may be NULL.
/// @return ZEPHYR_ERROR_ADDRESS, ZEPHYR_ERROR_OWN_ADDRESS, ZEPHYR_ERROR_BLOCKED, ZEPHYR_ERROR_ARGUMENT if the text is
/// empty, ZEPHYR_ERROR_TOO_LONG, or ZEPHYR_ERROR_CONTACTS_FULL: nothing was queued then.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_send_text(
    client: *mut zephyr_client,
    to: *const c_char,
    message: *const c_char,
    queued: *mut zephyr_queued,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let message = Message::Text(text(message)?.to_owned());
            send(client, to, message, queued)
        }
    })
}

/// Puts bytes, such as a file, into the outbox; else as zephyr_client_send_text.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_send_bytes(
    client: *mut zephyr_client,
    to: *const c_char,
    data: *const u8,
    data_len: usize,
    queued: *mut zephyr_queued,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let message = bytes(data, data_len)?;
            if message.len() > ::zephyr_client::MAX_MESSAGE {
                let (len, max) = (message.len(), ::zephyr_client::MAX_MESSAGE);
                return Err(::zephyr_client::SendError::TooLong { len, max }.into());
            }
            send(client, to, Message::File(message.to_owned()), queued)
        }
    })
}

/// # Safety
/// The pointers are as described above.
unsafe fn send(
    client: *mut zephyr_client,
    to: *const c_char,
    message: Message,
    queued: *mut zephyr_queued,
) -> Result<(), Failure> {
    // SAFETY: as the caller promises.
    let to = unsafe { address(to) }?;
    let sent =
        registry::find(client)?.call(async |open| Ok(open.client.send(&to, message).await?))?;
    if !queued.is_null() {
        // SAFETY: as the caller promises.
        unsafe { Out::new(queued) }?.set(zephyr_queued {
            id: sent.id.0,
            rounds: sent.estimate.rounds,
            time_ms: sent.estimate.time.as_millis().try_into().unwrap_or(u64::MAX),
            fragments: sent.estimate.fragments,
            acknowledged: sent.estimate.acknowledged,
        });
    }
    Ok(())
}

/// How far a message has come.
///
/// @return ZEPHYR_ERROR_NO_MESSAGE if there is none with this number in the outbox.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_delivery(
    client: *mut zephyr_client,
    id: u64,
    delivery: *mut zephyr_delivery,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(delivery) }?;
        let id = MessageId(id);
        let delivery =
            registry::find(client)?.call(async |open| Ok(open.client.delivery(id).await?))?;
        out.set(zephyr_delivery::new(id, delivery));
        Ok(())
    })
}

/// Waits until a message is in its recipient's inbox, at most `timeout_ms` milliseconds (UINT64_MAX: for ever). The
/// client must take part meanwhile.
///
/// @return ZEPHYR_ERROR_TIMEOUT, ZEPHYR_ERROR_NO_MESSAGE if there is none with this number in the outbox, or not any
/// more, ZEPHYR_ERROR_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_client_wait_delivered(
    client: *mut zephyr_client,
    id: u64,
    timeout_ms: u64,
) -> zephyr_status {
    boundary(|| {
        registry::find(client)?.call(async |open| {
            let delivered = open.client.delivered(MessageId(id));
            match tokio::time::timeout(Duration::from_millis(timeout_ms), delivered).await {
                Ok(result) => Ok(result?),
                Err(_) => Err(ZEPHYR_ERROR_TIMEOUT.into()),
            }
        })
    })
}
