//! What is under way to a contact, and what has come from it.

use core::ffi::c_void;

use zephyr_core::stream::{Conversation, SLOTS};
use zephyr_core::{Round, UnixMs};

use super::fragment::{zephyr_draft, zephyr_fragment};
use crate::abi::zephyr_status::*;
use crate::abi::{
    Failure, Lent, Out, borrow, borrow_mut, boundary, bytes, lent_size, output, place, wipe,
    zephyr_status,
};

mod numbers;
mod saved;

pub use saved::ZEPHYR_CONVERSATION_SAVED_LEN;

/// How many bytes to lend for a zephyr_conversation.
pub const ZEPHYR_CONVERSATION_SIZE: usize = 1024;
/// How many fragments may be under way to a contact without an acknowledgement.
pub const ZEPHYR_WINDOW: u32 = 64;

const _: () = assert!(ZEPHYR_CONVERSATION_SIZE >= lent_size::<zephyr_conversation>());
const _: () = assert!(ZEPHYR_WINDOW == zephyr_core::stream::WINDOW);

/// The numbers and acknowledgements between the user and one contact: with them everything arrives once and in order,
/// however many rounds are lost. One thread at a time.
///
/// It holds no contents, only numbers. The program keeps the fragments: those that it sends until they are acknowledged,
/// and those that came until their message is whole.
///
/// WRITE IT DOWN, with zephyr_conversation_save and together with the fragments, after every call that changes it and
/// before anything follows from that: before zephyr_session_fill, and before the next zephyr_session_poll. What is
/// written down is always safe to go on from, what is forgotten is not.
pub struct zephyr_conversation(Conversation);

impl Lent for zephyr_conversation {
    const MAGIC: [u8; 8] = *b"convers_";
}

/// What a fragment that came is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_arrival_kind {
    /// An acknowledgement alone, or from somebody who has no conversation with the user.
    ZEPHYR_ARRIVAL_EMPTY = 0,
    /// New: keep it, by its number.
    ZEPHYR_ARRIVAL_NEW = 1,
    /// It has been here before. If the program has neither it nor its message, call zephyr_conversation_forget.
    ZEPHYR_ARRIVAL_DUPLICATE = 2,
    /// Of an older stream, or beyond what may be under way: drop it.
    ZEPHYR_ARRIVAL_REFUSED = 3,
}

/// What a fragment led to. Follow it in this order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct zephyr_arrival {
    /// What the fragment is.
    pub kind: zephyr_arrival_kind,
    /// All numbers up to this one of the user's stream `stream` have arrived at the contact: forget these fragments. A
    /// message whose last number it reaches is delivered.
    pub acknowledged: u32,
    /// The user's stream.
    pub stream: u32,
    /// If not 0: one of the two has lost what it knew. Call zephyr_conversation_restart with this number and the number
    /// of fragments of all messages to this contact that are not delivered, which have the numbers 1, 2, ... then.
    pub restart: u32,
    /// The contact has started over: forget the fragments of messages that are not whole, they come again. Do it before
    /// keeping this one.
    pub started_over: u32,
    /// All numbers of the contact's stream up to this one have arrived: a message whose last number is at most this is
    /// whole, and may be shown; its fragments may be forgotten then.
    pub arrived: u32,
}

/// A conversation with somebody who has just become a contact.
///
/// `memory` is lent, ZEPHYR_CONVERSATION_SIZE bytes, until zephyr_conversation_wipe; `now_ms` is the local time in
/// milliseconds since 1970: the stream begins with it, so that it is later than any that was forgotten.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_init(
    memory: *mut c_void,
    memory_len: usize,
    now_ms: u64,
    out: *mut *mut zephyr_conversation,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let conversation = zephyr_conversation(Conversation::new(UnixMs(now_ms)));
        out.set(place(memory, memory_len, conversation)?);
        Ok(())
    })
}

/// A conversation as zephyr_conversation_save wrote it. What was in a slot then, and was not reported as sent, is due
/// again: nobody knows whether it was.
///
/// `memory` is lent, ZEPHYR_CONVERSATION_SIZE bytes, until zephyr_conversation_wipe.
/// @return ZEPHYR_ERROR_DAMAGED if the bytes are not what was saved.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_load(
    memory: *mut c_void,
    memory_len: usize,
    saved: *const u8,
    saved_len: usize,
    out: *mut *mut zephyr_conversation,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let conversation = saved::read(bytes(saved, saved_len)?).ok_or(ZEPHYR_ERROR_DAMAGED)?;
        out.set(place(memory, memory_len, zephyr_conversation(conversation))?);
        Ok(())
    })
}

/// Writes a conversation down: ZEPHYR_CONVERSATION_SAVED_LEN bytes. They are not secret, but tell how much was said.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_save(
    conversation: *const zephyr_conversation,
    out: *mut u8,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let conversation = borrow(conversation)?;
        let out = output(out, out_len, ZEPHYR_CONVERSATION_SAVED_LEN, needed)?;
        out.copy_from_slice(&saved::write(&conversation.0));
        Ok(())
    })
}

/// Ends a conversation and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_wipe(
    conversation: *mut zephyr_conversation,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(conversation) })
}

/// Gives a message's fragments their numbers: `first` is the first one's, the others' follow. If nothing is under way
/// they begin a new stream, from 1.
///
/// `now_ms` is the local time in milliseconds since 1970.
/// @return ZEPHYR_ERROR_FULL if the stream has no more numbers: wait until all is acknowledged.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_push(
    conversation: *mut zephyr_conversation,
    fragments: u16,
    now_ms: u64,
    first: *mut u32,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let first = Out::new(first)?;
        let conversation = &mut borrow_mut(conversation)?.0;
        if fragments == 0 {
            return Err(ZEPHYR_ERROR_ARGUMENT.into());
        }
        first.set(conversation.push(fragments.into(), UnixMs(now_ms)).ok_or(ZEPHYR_ERROR_FULL)?);
        Ok(())
    })
}

/// What goes into a slot of ZEPHYR_ACTION_FILL: `draft` is given the numbers.
///
/// If `sequence` of the draft is not 0, fill in what that fragment is: content, message, fragment, fragments, body. If it
/// is 0 and `content` ZEPHYR_CONTENT_EMPTY, the draft is an acknowledgement alone, and complete. Then save the
/// conversation, and only then call zephyr_session_fill.
///
/// `resend_after` comes from zephyr_session_resend_after.
/// @return ZEPHYR_ERROR_SLOT if there is nothing to be sent: fill the slot with NULL.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_fill(
    conversation: *mut zephyr_conversation,
    round: u64,
    slot: u32,
    resend_after: u64,
    draft: *mut zephyr_draft,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let draft = Out::new(draft)?;
        let conversation = &mut borrow_mut(conversation)?.0;
        let slot = slot_number(slot)?;
        let filled = conversation.fill(Round(round), slot, resend_after);
        draft.set(zephyr_draft::of(&filled.ok_or(ZEPHYR_ERROR_SLOT)?));
        Ok(())
    })
}

/// ZEPHYR_EVENT_SLOT_SENT: a mixer took what was in the slot. Tell all conversations; those to which the slot does not
/// belong are not changed.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_sent(
    conversation: *mut zephyr_conversation,
    round: u64,
    slot: u32,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        borrow_mut(conversation)?.0.sent(Round(round), slot_number(slot)?);
        Ok(())
    })
}

/// ZEPHYR_EVENT_SLOT_FAILED, or ZEPHYR_ERROR_SLOT from zephyr_session_fill: what was in the slot is due again. Tell all
/// conversations; those to which the slot does not belong are not changed.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_failed(
    conversation: *mut zephyr_conversation,
    round: u64,
    slot: u32,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        borrow_mut(conversation)?.0.failed(Round(round), slot_number(slot)?);
        Ok(())
    })
}

/// ZEPHYR_EVENT_MISSED_VOID: nothing of the round arrived, so what was sent in it is due again. Tell all conversations.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_void(
    conversation: *mut zephyr_conversation,
    round: u64,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        borrow_mut(conversation)?.0.void(Round(round));
        Ok(())
    })
}

/// ZEPHYR_ACTION_FRAGMENT from this contact: what it acknowledges, and what the fragment is. See zephyr_arrival.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_receive(
    conversation: *mut zephyr_conversation,
    fragment: *const zephyr_fragment,
    out: *mut zephyr_arrival,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let fragment = fragment.as_ref().ok_or(ZEPHYR_ERROR_NULL)?;
        out.set(zephyr_arrival::of(&mut borrow_mut(conversation)?.0, fragment));
        Ok(())
    })
}

/// All messages that are not delivered, of so many fragments together, are sent from the beginning, in this stream and
/// with the numbers from 1 on: see zephyr_arrival.restart.
///
/// @return ZEPHYR_ERROR_ARGUMENT if the stream is not later than the one before.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_restart(
    conversation: *mut zephyr_conversation,
    stream: u32,
    fragments: u32,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let conversation = &mut borrow_mut(conversation)?.0;
        if stream <= conversation.sending().stream() || fragments == u32::MAX {
            return Err(ZEPHYR_ERROR_ARGUMENT.into());
        }
        conversation.restart(stream, fragments);
        Ok(())
    })
}

/// What has arrived from this contact is not here any more: a duplicate came of which the program has nothing. The
/// contact starts over. Forget the fragments of messages that are not whole.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_conversation_forget(
    conversation: *mut zephyr_conversation,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        borrow_mut(conversation)?.0.forget();
        Ok(())
    })
}

fn slot_number(slot: u32) -> Result<u8, Failure> {
    u8::try_from(slot)
        .ok()
        .filter(|&slot| usize::from(slot) < SLOTS)
        .ok_or(ZEPHYR_ERROR_ARGUMENT.into())
}

#[cfg(test)]
mod tests;
