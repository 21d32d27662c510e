//! What a session is told and asked besides its rounds: contacts, sizes, the network's next version.

use core::ffi::c_char;

use zephyr_core::Payload;
use zephyr_core::stream::resend_after;

use super::handle::zephyr_session;
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, Out, address, borrow, borrow_mut, boundary, bytes, zephyr_status};

/// Adds a contact: slots go to contacts, and their messages are found without trial decryption. Computes for some
/// milliseconds. Of no effect if it is one already.
///
/// @return ZEPHYR_ERROR_FULL if the session has no room for another one; ZEPHYR_ERROR_OWN_ADDRESS if it is the user's.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_add_contact(
    session: *mut zephyr_session,
    address_text: *const c_char,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let session = &mut borrow_mut(session)?.machine().session;
        let address = address(address_text)?;
        if address == *session.address() {
            return Err(ZEPHYR_ERROR_OWN_ADDRESS.into());
        }
        session.add_contact(address).then_some(()).ok_or(ZEPHYR_ERROR_FULL.into())
    })
}

/// Removes a contact. Of no effect if it is none.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_remove_contact(
    session: *mut zephyr_session,
    address_text: *const c_char,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let address = address(address_text)?;
        borrow_mut(session)?.machine().session.remove_contact(&address);
        Ok(())
    })
}

/// How many bytes of a message fit into one fragment.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_fragment_len(
    session: *const zephyr_session,
    out: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let session = borrow(session)?;
        let payload = session.manifest().parameters().geometry.payload_len();
        out.set(Payload::capacity(payload, Some(session.core().address())));
        Ok(())
    })
}

/// After how many rounds a fragment is sent again if it was not acknowledged: for zephyr_conversation_fill. Changes with
/// the number of contacts.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_resend_after(
    session: *const zephyr_session,
    out: *mut u64,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let session = borrow(session)?;
        let contacts = session.core().contacts();
        out.set(resend_after(session.manifest().parameters(), contacts));
        Ok(())
    })
}

/// Tells a session, right after its beginning, of the version of the network that follows, if one is known: the bytes of
/// ZEPHYR_ACTION_VERSION, which the program has kept.
///
/// @return ZEPHYR_ERROR_SIGNATURE if it does not follow, or is not signed by those who must.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_set_next(
    session: *mut zephyr_session,
    signed_manifest: *const u8,
    len: usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let machine = borrow_mut(session)?.machine();
        let next = machine.set_next(bytes(signed_manifest, len)?);
        next.map_err(|error| Failure::new(ZEPHYR_ERROR_SIGNATURE, error))
    })
}
