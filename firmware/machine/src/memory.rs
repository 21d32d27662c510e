//! The regions of a machine's memory.x.

use core::ops::Range;

use crate::{flash::RamFlash, stack::Stack};

/// The part of the flash that is the client's: all of it, in bytes.
pub const STORAGE_RANGE: Range<u32> = 0..64 * 1024;

unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
    static __sdata: u32;
    static __sheap: u32;
    static mut _storage_start: u32;
    static mut _storage_end: u32;
    static _manifest_start: u32;
}

/// The flash. To be called once.
pub fn storage() -> RamFlash {
    let (from, to) = (&raw mut _storage_start, &raw mut _storage_end);
    let words = (to as usize - from as usize) / 4;
    // SAFETY: the region is RAM, the flash's alone, and always initialised: QEMU's RAM is.
    RamFlash::new(unsafe { core::slice::from_raw_parts_mut(from, words) })
}

/// The network's manifest, if QEMU was given one.
pub fn manifest() -> Option<&'static [u8]> {
    // SAFETY: the region is RAM, which QEMU writes before the program starts and nobody after.
    unsafe { crate::manifest::manifest(&raw const _manifest_start as usize) }
}

/// The stack, prepared for measuring. To be called first.
pub fn stack() -> Stack {
    // SAFETY: the region is the stack's alone, and the program runs on it.
    unsafe { Stack::paint(&raw const _stack_end as usize, &raw const _stack_start as usize) }
}

/// Bytes of static data.
pub fn static_size() -> usize {
    &raw const __sheap as usize - &raw const __sdata as usize
}
