//! Objects in memory that the caller lends.
//!
//! In front of each stands a number that tells what it is, so that an object of another kind, or one that was wiped,
//! is noticed as long as its memory is still the caller's.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::slice;

use zeroize::Zeroize;

use super::boundary::Failure;
use super::status::zephyr_status::*;

/// A type of which C holds pointers into memory that it lent.
pub(crate) trait Lent: Sized {
    /// What stands in front of it: eight letters, another word for each type.
    const MAGIC: [u8; MAGIC];
}

/// The length of the number.
const MAGIC: usize = 8;

/// How many bytes to lend for a `T`, wherever they stand.
pub(crate) const fn lent_size<T: Lent>() -> usize {
    MAGIC + size_of::<T>() + align_of::<T>() - 1
}

/// Puts `value` into lent memory. What is behind the first [`lent_size`] bytes is not touched.
///
/// # Safety
/// At `memory` there are `len` bytes, which nobody else uses until the object is wiped.
pub(crate) unsafe fn place<T: Lent>(
    memory: *mut c_void,
    len: usize,
    value: T,
) -> Result<*mut T, Failure> {
    if memory.is_null() {
        return Err(ZEPHYR_ERROR_NULL.into());
    }
    if len < lent_size::<T>() {
        return Err(ZEPHYR_ERROR_BUFFER.into());
    }
    // SAFETY: there is room for the number, then for less than the alignment, then for the object.
    unsafe {
        let behind = memory.byte_add(MAGIC);
        let object = behind.byte_add(behind.align_offset(align_of::<T>())).cast::<T>();
        object.write(value);
        magic(object).write(T::MAGIC);
        Ok(object)
    }
}

/// The object behind a pointer, if it is a `T`.
///
/// # Safety
/// `object` is NULL or came from [`place`], its memory is still lent, and nobody changes the object as long as the
/// result lives.
pub(crate) unsafe fn borrow<'a, T: Lent>(object: *const T) -> Result<&'a T, Failure> {
    // SAFETY: it is a `T`, and as the caller promises.
    unsafe {
        check(object)?;
        Ok(&*object)
    }
}

/// The object behind a pointer, if it is a `T`, to be changed.
///
/// # Safety
/// As for [`borrow`], and nobody reads it either.
pub(crate) unsafe fn borrow_mut<'a, T: Lent>(object: *mut T) -> Result<&'a mut T, Failure> {
    // SAFETY: it is a `T`, and as the caller promises.
    unsafe {
        check(object)?;
        Ok(&mut *object)
    }
}

/// Drops an object and overwrites its memory. Of no effect on NULL.
///
/// # Safety
/// As for [`borrow_mut`].
pub(crate) unsafe fn wipe<T: Lent>(object: *mut T) -> Result<(), Failure> {
    if object.is_null() {
        return Ok(());
    }
    // SAFETY: as the caller promises. The number goes first, so that nothing is dropped twice.
    unsafe {
        check(object)?;
        magic(object).write([0; MAGIC]);
        object.drop_in_place();
        let bytes = slice::from_raw_parts_mut(object.cast::<MaybeUninit<u8>>(), size_of::<T>());
        bytes.zeroize();
    }
    Ok(())
}

/// # Safety
/// As for [`borrow`].
unsafe fn check<T: Lent>(object: *const T) -> Result<(), Failure> {
    if object.is_null() {
        return Err(ZEPHYR_ERROR_NULL.into());
    }
    // SAFETY: the number stands in front of every object, of whatever kind, and has no alignment.
    let is_one = object.is_aligned() && unsafe { magic(object.cast_mut()).read() } == T::MAGIC;
    if is_one { Ok(()) } else { Err(ZEPHYR_ERROR_HANDLE.into()) }
}

/// Where the number of an object stands.
///
/// # Safety
/// There are 8 bytes in front of `object`.
unsafe fn magic<T>(object: *mut T) -> *mut [u8; MAGIC] {
    // SAFETY: as the caller promises.
    unsafe { object.byte_sub(MAGIC) }.cast()
}
