//! Lent memory behind an object, in parts.

use core::ptr::{self, NonNull};
use core::slice;

use zeroize::Zeroize;

use crate::abi::Failure;
use crate::abi::zephyr_status::*;

/// How many bytes `count` values take, wherever they stand; `None` if that is more than there can be.
pub(super) fn part_len<T>(count: usize) -> Option<usize> {
    count.checked_mul(size_of::<T>())?.checked_add(align_of::<T>() - 1)
}

/// Cuts lent memory into parts.
pub(super) struct Carver {
    next: *mut u8,
    left: usize,
}

impl Carver {
    /// # Safety
    /// At `memory`, which is not NULL, there are `len` bytes, which nobody else uses as long as the parts live.
    pub(super) unsafe fn new(memory: *mut u8, len: usize) -> Self {
        Self { next: memory, left: len }
    }

    /// A part of `count` values, each made by `make`. Whoever takes it drops them with [`Part::drop_all`].
    pub(super) fn part<T>(
        &mut self,
        count: usize,
        mut make: impl FnMut() -> T,
    ) -> Result<Part<T>, Failure> {
        let padding = self.next.align_offset(align_of::<T>());
        let len = count.checked_mul(size_of::<T>()).and_then(|len| len.checked_add(padding));
        let len = len.filter(|&len| len <= self.left).ok_or(ZEPHYR_ERROR_BUFFER)?;
        // SAFETY: there are `left` bytes, of which these are the first `len`.
        let (first, next) = unsafe { (self.next.add(padding).cast::<T>(), self.next.add(len)) };
        (self.next, self.left) = (next, self.left - len);
        for i in 0..count {
            // SAFETY: aligned by the padding, within the part, and nobody else uses it.
            unsafe { first.add(i).write(make()) };
        }
        let first = NonNull::new(first).ok_or(ZEPHYR_ERROR_NULL)?;
        Ok(Part(NonNull::slice_from_raw_parts(first, count)))
    }
}

/// A part of the memory, whose values have been written.
pub(super) struct Part<T>(NonNull<[T]>);

impl<T> Part<T> {
    /// The values.
    ///
    /// # Safety
    /// Called once, and the result is used as long as the memory is lent and [`Part::drop_all`] not called.
    pub(super) unsafe fn get(&self) -> &'static mut [T] {
        // SAFETY: written in `Carver::part`; the only reference, as the caller promises.
        unsafe { &mut *self.0.as_ptr() }
    }

    /// Drops the values and overwrites them.
    ///
    /// # Safety
    /// Called once, and nobody uses what [`Part::get`] gave any more.
    pub(super) unsafe fn drop_all(&self) {
        // SAFETY: written in `Carver::part`, dropped once, as the caller promises; then they are bytes.
        unsafe {
            ptr::drop_in_place(self.0.as_ptr());
            let bytes = slice::from_raw_parts_mut(
                self.0.as_ptr().cast::<core::mem::MaybeUninit<u8>>(),
                size_of::<T>() * self.0.len(),
            );
            bytes.zeroize();
        }
    }
}
