//! What stops the machine is told on QEMU's standard error, and QEMU ends with status 1.

use core::fmt::Write;
use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use machine::{Stderr, exit};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // Writing there does not fail.
    let _ = writeln!(Stderr, "zephyr-mps2-an386: FAILED: {info}");
    exit(false)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    let _ = writeln!(Stderr, "zephyr-mps2-an386: FAILED: hard fault at {:#010x}", frame.pc());
    exit(false)
}
