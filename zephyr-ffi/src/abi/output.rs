//! Results: written when all has gone well, or not at all.

use core::ffi::c_char;
use core::ptr::NonNull;

use super::boundary::Failure;
use super::status::zephyr_status::*;

/// Where one value goes.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// # Safety
    /// `out` is NULL, or there is room for a `T` there, aligned, until [`Out::set`].
    pub(crate) unsafe fn new(out: *mut T) -> Result<Self, Failure> {
        NonNull::new(out).map(Self).ok_or(ZEPHYR_ERROR_NULL.into())
    }

    pub(crate) fn set(self, value: T) {
        // SAFETY: as the caller of `new` promised. What is there is not read, nor dropped.
        unsafe { self.0.write(value) }
    }
}

/// A lent buffer of which `needed` bytes will be written. Its length is told in `told`, if that is not NULL, also when
/// the buffer is too short. What stands in the buffer before may never have been written: it is cleared.
///
/// # Safety
/// `out` has room for `out_len` bytes, and nobody else uses them as long as the result lives; `told` is NULL or has
/// room for a number.
pub(crate) unsafe fn output<'a>(
    out: *mut u8,
    out_len: usize,
    needed: usize,
    told: *mut usize,
) -> Result<&'a mut [u8], Failure> {
    if !told.is_null() {
        // SAFETY: not NULL, and as the caller promises.
        unsafe { told.write(needed) };
    }
    if out_len < needed {
        return Err(ZEPHYR_ERROR_BUFFER.into());
    }
    if needed == 0 {
        return Ok(&mut []);
    }
    if out.is_null() {
        return Err(ZEPHYR_ERROR_NULL.into());
    }
    // SAFETY: not NULL, `needed` is not more than `out_len`, and all of it is written here.
    unsafe {
        out.write_bytes(0, needed);
        Ok(core::slice::from_raw_parts_mut(out, needed))
    }
}

/// Writes bytes whose number is the same in all networks.
///
/// # Safety
/// `out` is NULL, or there is room for `N` bytes.
pub(crate) unsafe fn output_array<const N: usize>(
    bytes: &[u8; N],
    out: *mut u8,
) -> Result<(), Failure> {
    // SAFETY: as the caller promises; an array of bytes may stand anywhere.
    unsafe { Out::new(out.cast::<[u8; N]>()) }?.set(*bytes);
    Ok(())
}

/// Writes several of a plain struct; else as [`output`], but counted and not in bytes.
///
/// # Safety
/// As for [`output`], and aligned.
pub(crate) unsafe fn output_items<T: Copy>(
    items: &[T],
    out: *mut T,
    out_count: usize,
    told: *mut usize,
) -> Result<(), Failure> {
    if !told.is_null() {
        // SAFETY: not NULL, and as the caller promises.
        unsafe { told.write(items.len()) };
    }
    if out_count < items.len() {
        return Err(ZEPHYR_ERROR_BUFFER.into());
    }
    if items.is_empty() {
        return Ok(());
    }
    if out.is_null() {
        return Err(ZEPHYR_ERROR_NULL.into());
    }
    // SAFETY: not NULL, there is room, and what the caller lends is not what stands here.
    unsafe { core::ptr::copy_nonoverlapping(items.as_ptr(), out, items.len()) };
    Ok(())
}

/// Writes a text with a NUL behind it; else as [`output`].
///
/// # Safety
/// As for [`output`].
pub(crate) unsafe fn output_text(
    text: &str,
    out: *mut c_char,
    out_len: usize,
    told: *mut usize,
) -> Result<(), Failure> {
    // SAFETY: as the caller promises.
    let out = unsafe { output(out.cast(), out_len, text.len() + 1, told) }?;
    out[..text.len()].copy_from_slice(text.as_bytes());
    Ok(())
}
