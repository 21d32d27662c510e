//! How the program ends when it cannot go on: it says why, and QEMU exits with failure.

use core::{fmt, panic::PanicInfo};

use riscv::register::{mcause, mepc, mtval};

use crate::{console, register::Register};

// SAFETY: the board's register for tests, which ends QEMU.
const FINISH: Register<u32> = unsafe { Register::at(0x0010_0000) };
/// Ends QEMU with the exit code that stands above these bits.
const FAILED: u32 = 0x3333;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    fail(format_args!("{info}"))
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

fn fail(reason: fmt::Arguments<'_>) -> ! {
    console::print(format_args!("zephyr-virt: FAILED: {reason}"));
    FINISH.write(1 << 16 | FAILED);
    // QEMU has stopped the program by now.
    loop {
        riscv::asm::wfi();
    }
}
