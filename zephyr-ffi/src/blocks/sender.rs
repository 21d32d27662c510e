//! Keys between two people, and the tags that follow from them.

use core::ffi::c_void;

use zephyr_core::{Address, DirectoryHash, SenderKey};

use super::identity::zephyr_identity;
use super::keys::zephyr_private_key;
use crate::abi::zephyr_status;
use crate::abi::{Lent, Out, borrow, boundary, lent_size, output_array, place, wipe};

/// How many bytes to lend for a zephyr_sender_key.
pub const ZEPHYR_SENDER_KEY_SIZE: usize = 768;
/// Length in bytes of a contact tag.
pub const ZEPHYR_TAG_SIZE: usize = 16;

const _: () = assert!(ZEPHYR_SENDER_KEY_SIZE >= lent_size::<zephyr_sender_key>());
const _: () = assert!(ZEPHYR_TAG_SIZE == zephyr_core::TAG_SIZE);

/// The key of one direction between two people in one round: both compute it without having exchanged anything, and
/// nobody else can. Never changes, so threads may share it.
pub struct zephyr_sender_key {
    pub(super) sender: Address,
    pub(super) recipient: Address,
    pub(super) directory: DirectoryHash,
    pub(super) key: SenderKey,
}

impl Lent for zephyr_sender_key {
    const MAGIC: [u8; 8] = *b"sender..";
}

/// The key under which the owner of `key` writes to `recipient` (one pairing).
///
/// `memory` is lent, ZEPHYR_SENDER_KEY_SIZE bytes, until zephyr_sender_key_wipe. `key` and `recipient` are not kept.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_sender_key_init_to(
    memory: *mut c_void,
    memory_len: usize,
    key: *const zephyr_private_key,
    recipient: *const zephyr_identity,
    out: *mut *mut zephyr_sender_key,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let (own, recipient) = (borrow(key)?, &borrow(recipient)?.0);
            let key = zephyr_sender_key {
                sender: own.owner.clone(),
                recipient: recipient.address().clone(),
                directory: own.directory,
                key: SenderKey::to(&own.owner, &own.key, recipient),
            };
            out.set(place(memory, memory_len, key)?);
        }
        Ok(())
    })
}

/// The key under which the owner of `key` gets messages of `sender` (one pairing).
///
/// `memory` is lent, ZEPHYR_SENDER_KEY_SIZE bytes, until zephyr_sender_key_wipe. `key` and `sender` are not kept.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_sender_key_init_from(
    memory: *mut c_void,
    memory_len: usize,
    key: *const zephyr_private_key,
    sender: *const zephyr_identity,
    out: *mut *mut zephyr_sender_key,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let (own, sender) = (borrow(key)?, &borrow(sender)?.0);
            let key = zephyr_sender_key {
                sender: sender.address().clone(),
                recipient: own.owner.clone(),
                directory: own.directory,
                key: SenderKey::from(sender, &own.owner, &own.key),
            };
            out.set(place(memory, memory_len, key)?);
        }
        Ok(())
    })
}

/// Ends a key, overwrites it, and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_sender_key_wipe(key: *mut zephyr_sender_key) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(key) })
}

/// The tag, ZEPHYR_TAG_SIZE bytes, of the message in a slot of the round: the recipient looks for it in the mailbox.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_sender_key_tag(
    key: *const zephyr_sender_key,
    slot: u16,
    out: *mut u8,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let key = borrow(key)?;
        output_array(&key.key.tag(&key.directory, slot), out)
    })
}
