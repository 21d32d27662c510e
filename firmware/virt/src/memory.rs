//! What stands where in the board's memory, beside the program.

use machine::{RamFlash, Stack};

/// The flash for keys, contacts and messages: outside the memory of the linker script, which the program's start
/// would clear. The word behind it is the flash's own.
const STORAGE: usize = 0x8060_0000;
/// Bytes of that flash.
const STORAGE_SIZE: usize = 64 * 1024;
/// The network's manifest.
const MANIFEST: usize = 0x8070_0000;

unsafe extern "C" {
    /// The first address after the static data.
    static __sheap: u8;
    /// The first address after the RAM, where the stack begins.
    static _stack_start: u8;
}

/// The flash. To be called once.
pub fn storage() -> RamFlash {
    // SAFETY: there is RAM, and nothing else uses it.
    RamFlash::new(unsafe {
        core::slice::from_raw_parts_mut(STORAGE as *mut u32, STORAGE_SIZE / 4 + 1)
    })
}

/// The manifest, if QEMU was given one.
pub fn manifest() -> Option<&'static [u8]> {
    // SAFETY: there is RAM, which QEMU writes before the program starts and nobody after.
    unsafe { machine::manifest(MANIFEST) }
}

/// The stack, prepared for measuring.
pub fn stack() -> Stack {
    // SAFETY: the linker script gives the stack all the RAM after the static data; there is no heap.
    unsafe { Stack::paint(&raw const __sheap as usize, &raw const _stack_start as usize) }
}
