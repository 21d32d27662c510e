//! Contacts, and people who are blocked.

use core::ffi::{c_char, c_void};

use super::registry::{self, zephyr_client};
use super::text::c_text;
use crate::abi::zephyr_status::*;
use crate::abi::{address, boundary, text, zephyr_status};

/// Somebody the user writes with, or who is blocked.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_contact {
    /// The address.
    pub address: *const c_char,
    /// What the user noted; empty if nothing. Never NULL.
    pub note: *const c_char,
    /// When it was added, in milliseconds since 1970; 0 if it is blocked.
    pub added_at_ms: u64,
    /// Whether it is blocked.
    pub blocked: bool,
}

/// Is given a contact. Called by the function that it was passed to, before that returns, and may call every function.
pub type zephyr_on_contact =
    Option<unsafe extern "C" fn(userdata: *mut c_void, contact: *const zephyr_contact)>;

/// Adds a contact, or changes the note of one. Between people who have each other as contacts nothing is lost, and
/// nothing comes twice.
///
/// `note` may be NULL: it stays as it is.
/// @return ZEPHYR_ERROR_ADDRESS, ZEPHYR_ERROR_OWN_ADDRESS, ZEPHYR_ERROR_BLOCKED, or ZEPHYR_ERROR_CONTACTS_FULL.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_add_contact(
    client: *mut zephyr_client,
    address_text: *const c_char,
    note: *const c_char,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (who, note) = unsafe {
            (address(address_text)?, if note.is_null() { None } else { Some(text(note)?) })
        };
        registry::find(client)?.call(async |open| {
            open.client.add_contact(&who, note).await?;
            Ok(())
        })
    })
}

/// Removes a contact and what is in the outbox for it. Of no effect if it is none.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_remove_contact(
    client: *mut zephyr_client,
    address_text: *const c_char,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let who = unsafe { address(address_text) }?;
        registry::find(client)?.call(async |open| {
            open.client.remove_contact(&who).await?;
            Ok(())
        })
    })
}

/// Blocks an address: it is no contact any more, nothing that provably comes from it is taken, and nothing can be sent
/// to it. Nobody is told. Of no effect if it is blocked already.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_block(
    client: *mut zephyr_client,
    address_text: *const c_char,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let who = unsafe { address(address_text) }?;
        registry::find(client)?.call(async |open| {
            open.client.block(&who).await?;
            Ok(())
        })
    })
}

/// Takes again what comes from an address. It is no contact before it is added. Of no effect if it is not blocked.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_unblock(
    client: *mut zephyr_client,
    address_text: *const c_char,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let who = unsafe { address(address_text) }?;
        registry::find(client)?.call(async |open| {
            open.client.unblock(&who).await?;
            Ok(())
        })
    })
}

/// All contacts, and behind them those who are blocked.
///
/// # Safety
/// `on_contact` can be called with `userdata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_contacts(
    client: *mut zephyr_client,
    on_contact: zephyr_on_contact,
    userdata: *mut c_void,
) -> zephyr_status {
    boundary(|| {
        let on_contact = on_contact.ok_or(ZEPHYR_ERROR_NULL)?;
        let (contacts, blocked) = registry::find(client)?
            .call(async |open| Ok((open.client.contacts().await?, open.client.blocked().await?)))?;
        let contacts = contacts.iter().map(|c| (&c.address, c.note.as_str(), c.added_at.0, false));
        let blocked = blocked.iter().map(|address| (address, "", 0, true));
        for (address, note, added_at_ms, blocked) in contacts.chain(blocked) {
            let (address, note) = (c_text(address.as_str()), c_text(note));
            let contact = zephyr_contact {
                address: address.as_ptr(),
                note: note.as_ptr(),
                added_at_ms,
                blocked,
            };
            // SAFETY: as the caller promises. The texts live until it returns.
            unsafe { on_contact(userdata, &contact) };
        }
        Ok(())
    })
}

/// Whether messages of people who are no contacts are left unopened, from the next start on.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_client_set_contacts_only(
    client: *mut zephyr_client,
    contacts_only: bool,
) -> zephyr_status {
    boundary(|| {
        registry::find(client)?
            .call(async |open| Ok(open.client.store().set_contacts_only(contacts_only).await?))
    })
}
