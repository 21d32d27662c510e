//! What passes between the program's sockets and a session.

use zephyr_core::UnixMs;

use super::handle::zephyr_session;
use super::link::LinkFailure;
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, Out, borrow, borrow_mut, boundary, bytes, zephyr_status};

impl From<LinkFailure> for Failure {
    fn from(failure: LinkFailure) -> Self {
        match failure {
            LinkFailure::Gone => ZEPHYR_ERROR_CONNECTION,
            LinkFailure::OutOfTurn => ZEPHYR_ERROR_STATE,
            LinkFailure::TooMany => ZEPHYR_ERROR_ARGUMENT,
        }
        .into()
    }
}

/// The socket of a connection is open: there is something to send now.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_connected(
    session: *mut zephyr_session,
    connection: u32,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let machine = borrow_mut(session)?.machine();
        Ok(machine.place(connection)?.start()?)
    })
}

/// Bytes came over a connection's socket. They are handled by zephyr_session_poll.
///
/// `taken` is how many there was room for. If these are not all, poll until ZEPHYR_ACTION_NONE, and then give the rest.
/// @return ZEPHYR_ERROR_CONNECTION if there is no such connection (any more); ZEPHYR_ERROR_STATE before
/// zephyr_session_connected.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_received(
    session: *mut zephyr_session,
    connection: u32,
    data: *const u8,
    len: usize,
    taken: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let taken = Out::new(taken)?;
        let data = bytes(data, len)?;
        let machine = borrow_mut(session)?.machine();
        taken.set(machine.place(connection)?.receive(data)?);
        Ok(())
    })
}

/// What waits to be sent over a connection: nothing if `len` is 0. `data` lives until the session is used again.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_to_send(
    session: *const zephyr_session,
    connection: u32,
    data: *mut *const u8,
    len: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let (data, len) = (Out::new(data)?, Out::new(len)?);
        let bytes = borrow(session)?.to_send(connection)?;
        data.set(bytes.as_ptr());
        len.set(bytes.len());
        Ok(())
    })
}

/// The first `n` bytes of zephyr_session_to_send have been sent. Tell at once, before anything that is received.
///
/// @return ZEPHYR_ERROR_ARGUMENT if there were fewer.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_sent(
    session: *mut zephyr_session,
    connection: u32,
    n: usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let machine = borrow_mut(session)?.machine();
        Ok(machine.place(connection)?.sent(n)?)
    })
}

/// A connection could not be opened, broke, or was closed by the server. Close its socket; no ZEPHYR_ACTION_CLOSE
/// follows. The session tries again by itself.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_failed(
    session: *mut zephyr_session,
    connection: u32,
    now_ms: u64,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let machine = borrow_mut(session)?.machine();
        Ok(machine.failed(connection, UnixMs(now_ms))?)
    })
}
