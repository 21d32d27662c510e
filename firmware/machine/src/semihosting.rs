//! Calls to QEMU, see Arm's "Semihosting for AArch32 and AArch64"; RISC-V has the same with another trap.

use core::arch::asm;

/// Opens a file of the host.
pub const OPEN: usize = 0x01;
/// Writes a text that ends with a zero byte to QEMU's standard error.
pub const WRITE0: usize = 0x04;
/// Reads from a file of the host.
pub const READ: usize = 0x06;
/// Ends QEMU.
pub const EXIT: usize = 0x18;

/// Makes a call.
///
/// # Safety
/// `argument` must be what the operation asks for, mostly the address of a block of parameters.
#[cfg(target_arch = "arm")]
pub unsafe fn call(operation: usize, argument: usize) -> usize {
    let result;
    // SAFETY: the instruction by which QEMU knows a call; what it does with `argument` is up to the caller.
    unsafe {
        asm!("bkpt #0xab", inlateout("r0") operation => result, in("r1") argument, options(nostack));
    }
    result
}

/// Makes a call.
///
/// # Safety
/// `argument` must be what the operation asks for, mostly the address of a block of parameters.
#[cfg(target_arch = "riscv32")]
#[inline(never)]
pub unsafe fn call(operation: usize, argument: usize) -> usize {
    let result;
    // SAFETY: the three instructions by which QEMU knows a call, uncompressed and on one page as it demands; what it
    // does with `argument` is up to the caller.
    unsafe {
        asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inlateout("a0") operation => result,
            in("a1") argument,
            options(nostack),
        );
    }
    result
}
