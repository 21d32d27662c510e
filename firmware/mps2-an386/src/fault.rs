//! What stops the machine is told on QEMU's standard error, and QEMU ends with status 1.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use machine::fail;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    machine::panicked(info)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    fail(format_args!("hard fault at {:#010x}", frame.pc()))
}
