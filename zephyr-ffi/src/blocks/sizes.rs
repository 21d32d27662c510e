//! Sizes, which follow from a network's number of hops and length of payloads.

use core::ffi::c_char;

use zephyr_core::{
    Address, Geometry, HOP_SIZE, MAX_HOPS, MAX_MIXERS, MAX_PAYLOAD, MIN_PAYLOAD,
    PACKET_HEADER_SIZE, Payload, SEAL_OVERHEAD,
};

use crate::abi::{Failure, Out, address, boundary, zephyr_status};

/// The most hops that a route can have.
pub const ZEPHYR_MAX_HOPS: usize = 16;
/// The most mixers that a network can have.
pub const ZEPHYR_MAX_MIXERS: usize = 64;
/// The smallest payload length in bytes that a network can have.
pub const ZEPHYR_MIN_PAYLOAD: usize = 128;
/// The largest payload length in bytes that a network can have.
pub const ZEPHYR_MAX_PAYLOAD: usize = 32768;
/// By how many bytes a sealed message is longer than its payload. See ZEPHYR_SEALED_LEN.
pub const ZEPHYR_SEAL_OVERHEAD: usize = 144;
/// By how many bytes each hop makes a packet longer. See ZEPHYR_PACKET_LEN.
pub const ZEPHYR_HOP_SIZE: usize = 50;
/// By how many bytes a packet is longer besides.
pub const ZEPHYR_PACKET_HEADER_SIZE: usize = 48;

const _: () = assert!(
    ZEPHYR_MAX_HOPS == MAX_HOPS
        && ZEPHYR_MAX_MIXERS == MAX_MIXERS
        && ZEPHYR_MIN_PAYLOAD == MIN_PAYLOAD
        && ZEPHYR_MAX_PAYLOAD == MAX_PAYLOAD
        && ZEPHYR_SEAL_OVERHEAD == SEAL_OVERHEAD
        && ZEPHYR_HOP_SIZE == HOP_SIZE
        && ZEPHYR_PACKET_HEADER_SIZE == PACKET_HEADER_SIZE
);

/// The sizes of a network with so many hops and bytes of payload.
pub(super) fn geometry(hops: usize, payload_len: usize) -> Result<Geometry, Failure> {
    Geometry::new(hops, payload_len).ok_or(zephyr_status::ZEPHYR_ERROR_ARGUMENT.into())
}

/// The length in bytes of a sealed message; ZEPHYR_SEALED_LEN computes the same.
///
/// @return ZEPHYR_ERROR_ARGUMENT if no network has such a payload length.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_sealed_len(payload_len: usize, out: *mut usize) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe { Out::new(out) }?.set(geometry(1, payload_len)?.sealed_len());
        Ok(())
    })
}

/// The length in bytes of a packet; ZEPHYR_PACKET_LEN computes the same.
///
/// @return ZEPHYR_ERROR_ARGUMENT if no network has so many hops or such a payload length.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_packet_len(
    hops: usize,
    payload_len: usize,
    out: *mut usize,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe { Out::new(out) }?.set(geometry(hops, payload_len)?.packet_len());
        Ok(())
    })
}

/// How many bytes of body a payload has room for beside its sender's address. `sender` may be NULL: anonymous.
///
/// @return ZEPHYR_ERROR_ARGUMENT if no network has such a payload length.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_body_len_max(
    payload_len: usize,
    sender: *const c_char,
    out: *mut usize,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let sender = if sender.is_null() { None } else { Some(address(sender)?) };
            out.set(body_len_max(payload_len, sender.as_ref())?);
        }
        Ok(())
    })
}

pub(super) fn body_len_max(payload_len: usize, sender: Option<&Address>) -> Result<usize, Failure> {
    Ok(Payload::capacity(geometry(1, payload_len)?.payload_len(), sender))
}
