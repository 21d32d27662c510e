//! E-mail addresses.

use core::ffi::{c_char, c_void};

use zephyr_core::{Identity, NetworkId};

use crate::Pairing;
use crate::abi::{
    Lent, Out, address, array, borrow, boundary, lent_size, output_text, place, wipe, zephyr_status,
};

/// The longest address in bytes, without the NUL behind it.
pub const ZEPHYR_ADDRESS_MAX: usize = 254;
/// How many bytes to lend for a zephyr_identity.
pub const ZEPHYR_IDENTITY_SIZE: usize = 2 * 1024;

const _: () = assert!(ZEPHYR_ADDRESS_MAX == zephyr_core::MAX_ADDRESS);
const _: () = assert!(ZEPHYR_IDENTITY_SIZE >= lent_size::<zephyr_identity>());

/// An address in a network with its two points on the curve: keep it for who is written to often. Never changes, so
/// threads may share it.
pub struct zephyr_identity(pub(crate) Identity<Pairing>);

impl Lent for zephyr_identity {
    const MAGIC: [u8; 8] = *b"identity";
}

/// Computes the points of an address (two hashes to the curve).
///
/// `memory` is lent, ZEPHYR_IDENTITY_SIZE bytes, until zephyr_identity_wipe; `network` is the network's id, 32 bytes.
/// @return ZEPHYR_ERROR_ADDRESS if `address_text` is no address that Zephyr can use.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_identity_init(
    memory: *mut c_void,
    memory_len: usize,
    network: *const u8,
    address_text: *const c_char,
    out: *mut *mut zephyr_identity,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let network = NetworkId::from_bytes(*array(network)?);
            let identity = zephyr_identity(Identity::new(&network, address(address_text)?));
            out.set(place(memory, memory_len, identity)?);
        }
        Ok(())
    })
}

/// Ends an identity and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_identity_wipe(identity: *mut zephyr_identity) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(identity) })
}

/// The canonical address of an identity.
///
/// `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; ZEPHYR_ADDRESS_MAX + 1 are
/// always enough.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_identity_address(
    identity: *const zephyr_identity,
    out: *mut c_char,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        output_text(borrow(identity)?.0.address().as_str(), out, out_len, needed)
    })
}

/// The canonical form of an address: trimmed, in lower case, its syntax checked.
///
/// `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; ZEPHYR_ADDRESS_MAX + 1 are
/// always enough.
/// @return ZEPHYR_ERROR_ADDRESS if `address_text` is no address that Zephyr can use.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_address_canonical(
    address_text: *const c_char,
    out: *mut c_char,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { output_text(address(address_text)?.as_str(), out, out_len, needed) })
}

/// The number of the mailbox, of `mailboxes` in a network, into which everything for an address is put.
///
/// `network` is the network's id, 32 bytes.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_address_mailbox(
    address_text: *const c_char,
    network: *const u8,
    mailboxes: u32,
    out: *mut u32,
) -> zephyr_status {
    boundary(|| {
        if mailboxes == 0 {
            return Err(zephyr_status::ZEPHYR_ERROR_ARGUMENT.into());
        }
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let network = NetworkId::from_bytes(*array(network)?);
            out.set(address(address_text)?.mailbox(&network, mailboxes).0);
        }
        Ok(())
    })
}
