//! What stops the machine is told on QEMU's standard error, and QEMU ends with status 1.

use core::panic::PanicInfo;

use machine::fail;
use riscv::register::{mcause, mepc, mtval};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    machine::panicked(info)
}

/// A trap that nothing in this program may cause. A stack overflow, if nothing else explains it.
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn trap(_: &riscv_rt::TrapFrame) -> ! {
    let (cause, at, value) = (mcause::read().code(), mepc::read(), mtval::read());
    fail(format_args!("trap {cause} at {at:#010x}, value {value:#010x}"))
}

/// An interrupt that nobody asked for.
#[unsafe(export_name = "DefaultHandler")]
extern "C" fn stray_interrupt() -> ! {
    fail(format_args!("interrupt {} has no handler", mcause::read().code()))
}
