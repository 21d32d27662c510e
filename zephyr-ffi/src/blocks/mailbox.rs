//! Searching a mailbox, and checking that it is what the mixers delivered.

use core::ffi::c_void;
use core::ptr;

use zephyr_core::{
    DeliveryList, DirectoryHash, LIST_SIGNATURE_SIZE, Mailbox, MixerIndex, SEAL_OVERHEAD, Sealed,
    ServerId, message_digest,
};

use super::sender::ZEPHYR_TAG_SIZE;
use crate::Suite;
use crate::abi::zephyr_status::{self, *};
use crate::abi::{
    Lent, Out, array, borrow, borrow_mut, boundary, bytes, items, lent_size, output_array, place,
    wipe,
};

/// How many bytes to lend for a zephyr_delivery_list.
pub const ZEPHYR_DELIVERY_LIST_SIZE: usize = 512;

const _: () = assert!(ZEPHYR_DELIVERY_LIST_SIZE >= lent_size::<zephyr_delivery_list>());

/// An entry of a table of tags: who writes in a slot of the round under this tag. The table is the program's: an entry
/// for each contact and slot, filled by zephyr_sender_key_tag.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_tag {
    /// The tag.
    pub tag: [u8; ZEPHYR_TAG_SIZE],
    /// The program's number of the contact.
    pub contact: u32,
    /// The slot.
    pub slot: u16,
}

/// Sorts a table of tags, so that it can be searched.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_tags_sort(
    tags: *mut zephyr_tag,
    tags_count: usize,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises; the same is checked as for what is only read.
        unsafe {
            items(tags, tags_count)?;
            if tags_count > 0 {
                core::slice::from_raw_parts_mut(tags, tags_count)
                    .sort_unstable_by_key(|entry| entry.tag);
            }
        }
        Ok(())
    })
}

/// Finds the next message in a mailbox that bears a known tag: zephyr_open_from opens it. Any other may still be a
/// stranger's: zephyr_open tries.
///
/// `tags` is a sorted table; the mailbox's messages stand one after the other in `mailbox`, `sealed_len` bytes each;
/// `first` is the number of the message to begin with. `index` is given the number of the message that was found and
/// `hit` its entry in the table; if there is none, the number of messages, and NULL.
/// @return ZEPHYR_ERROR_ARGUMENT if the mailbox is no multiple of `sealed_len`, or `sealed_len` is no message's.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_mailbox_scan(
    tags: *const zephyr_tag,
    tags_count: usize,
    mailbox: *const u8,
    mailbox_len: usize,
    sealed_len: usize,
    first: usize,
    index: *mut usize,
    hit: *mut *const zephyr_tag,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (tags, mailbox, index, hit) = unsafe {
            let (tags, mailbox) = (items(tags, tags_count)?, bytes(mailbox, mailbox_len)?);
            (tags, mailbox, Out::new(index)?, Out::new(hit)?)
        };
        if sealed_len < SEAL_OVERHEAD || !mailbox.len().is_multiple_of(sealed_len) {
            return Err(ZEPHYR_ERROR_ARGUMENT.into());
        }
        let messages = mailbox.chunks_exact(sealed_len);
        let count = messages.len();
        let found = messages.enumerate().skip(first).find_map(|(number, message)| {
            let tag = Sealed::new(message)?.tag();
            let place = tags.binary_search_by_key(&tag, |entry| entry.tag).ok()?;
            Some((number, ptr::from_ref(&tags[place])))
        });
        let (number, entry) = found.unwrap_or((count, ptr::null()));
        index.set(number);
        hit.set(entry);
        Ok(())
    })
}

/// The digest of a sealed message in a delivery list, 32 bytes.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_message_digest(
    message: *const u8,
    message_len: usize,
    out: *mut u8,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { output_array(&message_digest(bytes(message, message_len)?), out) })
}

/// Length in bytes of a mixer's signature under a delivery list.
pub const ZEPHYR_LIST_SIGNATURE_LEN: usize = 128;
const _: () = assert!(ZEPHYR_LIST_SIGNATURE_LEN == LIST_SIGNATURE_SIZE);

/// What one mixer delivered to one mailbox, in order: with the mixer's signature it shows that a mailbox server holds
/// nothing back.
pub struct zephyr_delivery_list(DeliveryList);

impl Lent for zephyr_delivery_list {
    const MAGIC: [u8; 8] = *b"delivery";
}

/// An empty list. `memory` is lent, ZEPHYR_DELIVERY_LIST_SIZE bytes, until zephyr_delivery_list_wipe.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_delivery_list_init(
    memory: *mut c_void,
    memory_len: usize,
    out: *mut *mut zephyr_delivery_list,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let list = zephyr_delivery_list(DeliveryList::new());
            Out::new(out)?.set(place(memory, memory_len, list)?);
        }
        Ok(())
    })
}

/// Ends a list and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_delivery_list_wipe(
    list: *mut zephyr_delivery_list,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(list) })
}

/// Appends a sealed message.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_delivery_list_push(
    list: *mut zephyr_delivery_list,
    message: *const u8,
    message_len: usize,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (list, message) = unsafe { (borrow_mut(list)?, bytes(message, message_len)?) };
        list.0.push(message);
        Ok(())
    })
}

/// Verifies a mixer's signature, ZEPHYR_LIST_SIGNATURE_LEN bytes, under the list.
///
/// `mixer_id` is the mixer's identity in the manifest, `directory` the round's directory's hash, 32 bytes each; `mixer`
/// is the mixer's index.
/// @return ZEPHYR_ERROR_SIGNATURE if it is not the mixer's, or for another list.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_delivery_list_verify(
    list: *const zephyr_delivery_list,
    mixer_id: *const u8,
    directory: *const u8,
    mixer: u16,
    mailbox: u32,
    signature: *const u8,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (list, id, directory, signature) =
            unsafe { (&borrow(list)?.0, array(mixer_id)?, array(directory)?, array(signature)?) };
        let (id, directory) = (ServerId::from_bytes(*id), DirectoryHash::from_bytes(*directory));
        let (mixer, mailbox) = (MixerIndex(mixer), Mailbox(mailbox));
        let good = list.verify::<Suite>(&id, &directory, mixer, mailbox, signature);
        if good { Ok(()) } else { Err(ZEPHYR_ERROR_SIGNATURE.into()) }
    })
}
