//! The regions of a machine's memory.x.

use core::ops::Range;

#[cfg(target_arch = "riscv32")]
use crate::calls::is_riscv_call as is_call;
#[cfg(target_arch = "arm")]
use crate::calls::is_thumb_call as is_call;
use crate::{fail::fail, flash::RamFlash, stack::Stack};

/// The part of the flash that is the client's: all of it, in bytes.
pub const STORAGE_RANGE: Range<u32> = 0..64 * 1024;

unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
    static __stext: u16;
    static __etext: u16;
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

/// The network's manifest, without which there is no going on.
pub fn manifest() -> &'static [u8] {
    // SAFETY: the region is RAM, which QEMU writes before the program starts and nobody after.
    unsafe { crate::manifest::manifest(&raw const _manifest_start as usize) }
        .unwrap_or_else(|| fail(format_args!("QEMU's loader has put no manifest into memory")))
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

/// Where the functions were called that have not returned yet, the innermost first: what on the stack looks like it.
#[inline(never)]
pub fn calls() -> impl Iterator<Item = usize> {
    let here = 0_u32;
    let code = &raw const __stext as usize + 4..=&raw const __etext as usize;
    let stack = (&raw const here as usize..&raw const _stack_start as usize).step_by(4);
    stack.filter_map(move |address| {
        // SAFETY: an aligned word of the stack, which is a plain number when it is read so.
        let word = unsafe { (address as *const u32).read_volatile() } as usize;
        // Thumb code has odd addresses.
        let to = word & !1;
        let odd = cfg!(target_arch = "arm");
        if !code.contains(&to) || (word != to) != odd {
            return None;
        }
        // SAFETY: code, aligned.
        let before = unsafe { ((to - 4) as *const [u16; 2]).read_volatile() };
        is_call(before).then_some(to - 2)
    })
}
