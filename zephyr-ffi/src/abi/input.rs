//! Arguments: pointers become references, or a status that says what is wrong with them.

use core::ffi::{CStr, c_char};

use zephyr_core::Address;

use super::boundary::Failure;
use super::status::zephyr_status::*;

/// Bytes; NULL stands for none if there are none.
///
/// # Safety
/// At `data` there are `len` bytes, which nobody changes as long as the result lives.
pub(crate) unsafe fn bytes<'a>(data: *const u8, len: usize) -> Result<&'a [u8], Failure> {
    match (data.is_null(), len) {
        (true, 0) => Ok(&[]),
        (true, _) => Err(ZEPHYR_ERROR_NULL.into()),
        (false, _) if len > isize::MAX as usize => Err(ZEPHYR_ERROR_ARGUMENT.into()),
        // SAFETY: not NULL, no longer than an object can be, and as the caller promises.
        (false, _) => Ok(unsafe { core::slice::from_raw_parts(data, len) }),
    }
}

/// Bytes that the function changes.
///
/// # Safety
/// At `data` there are `len` bytes, which nobody else uses as long as the result lives.
pub(crate) unsafe fn bytes_mut<'a>(data: *mut u8, len: usize) -> Result<&'a mut [u8], Failure> {
    match (data.is_null(), len) {
        (true, 0) => Ok(&mut []),
        (true, _) => Err(ZEPHYR_ERROR_NULL.into()),
        (false, _) if len > isize::MAX as usize => Err(ZEPHYR_ERROR_ARGUMENT.into()),
        // SAFETY: not NULL, no longer than an object can be, and as the caller promises.
        (false, _) => Ok(unsafe { core::slice::from_raw_parts_mut(data, len) }),
    }
}

/// Several of a plain struct; NULL stands for none if there are none.
///
/// # Safety
/// At `data` there are `count` of them, aligned, which nobody changes as long as the result lives.
pub(crate) unsafe fn items<'a, T: Copy>(data: *const T, count: usize) -> Result<&'a [T], Failure> {
    match (data.is_null(), count) {
        (true, 0) => Ok(&[]),
        (true, _) => Err(ZEPHYR_ERROR_NULL.into()),
        (false, _) if count > isize::MAX as usize / size_of::<T>() => {
            Err(ZEPHYR_ERROR_ARGUMENT.into())
        }
        // SAFETY: not NULL, no longer than an object can be, and as the caller promises.
        (false, _) => Ok(unsafe { core::slice::from_raw_parts(data, count) }),
    }
}

/// A plain struct.
///
/// # Safety
/// `data` is NULL, or there is one, aligned, which nobody changes as long as the result lives.
pub(crate) unsafe fn item<'a, T: Copy>(data: *const T) -> Result<&'a T, Failure> {
    // SAFETY: as the caller promises.
    unsafe { data.as_ref() }.ok_or(ZEPHYR_ERROR_NULL.into())
}

/// As many bytes as the function's documentation says.
///
/// # Safety
/// At `data` there are `N` bytes, which nobody changes as long as the result lives.
pub(crate) unsafe fn array<'a, const N: usize>(data: *const u8) -> Result<&'a [u8; N], Failure> {
    // SAFETY: as the caller promises; an array of bytes may stand anywhere.
    unsafe { data.cast::<[u8; N]>().as_ref() }.ok_or(ZEPHYR_ERROR_NULL.into())
}

/// Text that ends with NUL.
///
/// # Safety
/// At `text` there are bytes that end with NUL, which nobody changes as long as the result lives.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(ZEPHYR_ERROR_NULL.into());
    }
    // SAFETY: not NULL, and as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| ZEPHYR_ERROR_UTF8.into())
}

/// An e-mail address as people write it.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn address(address: *const c_char) -> Result<Address, Failure> {
    // SAFETY: as the caller promises.
    let address = unsafe { text(address) }?;
    Address::parse(address).map_err(|error| Failure::new(ZEPHYR_ERROR_ADDRESS, error))
}
