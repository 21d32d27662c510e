//! What is printed, and how the program ends.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::{debug, hprintln};

use crate::{stack, timer};

/// The last line of a good run. `cargo xtask firmware` looks for it.
const PASSED: &str = "selftest: passed";

unsafe extern "C" {
    static __vector_table: u8;
    static __sidata: u8;
    static __sdata: u8;
    static __edata: u8;
    static __sheap: u8;
}

/// The table of steps.
pub struct Report {
    worst: stack::Used,
    instructions: u64,
}

impl Report {
    /// Prints the head of the table.
    pub fn new() -> Self {
        timer::start();
        hprintln!("{:<44} {:>14} {:>8}", "step", "instructions", "stack");
        Self { worst: stack::Used { step: 0, whole: 0 }, instructions: 0 }
    }

    /// Runs one step and prints its line.
    #[inline(never)]
    pub fn step<T>(&mut self, name: &str, f: impl FnOnce() -> T) -> T {
        let Ok((stack, (instructions, result))) = stack::measure(|| timer::count(f)) else {
            panic!("{name}: the stack ran into the static data");
        };
        hprintln!("{:<44} {:>14} {:>8}", name, instructions, stack.step);
        self.worst.step = self.worst.step.max(stack.step);
        self.worst.whole = self.worst.whole.max(stack.whole);
        self.instructions += instructions;
        result
    }

    /// Prints the line of something that was counted elsewhere.
    pub fn figure(&mut self, name: &str, instructions: u64) {
        hprintln!("{:<44} {:>14} {:>8}", name, instructions, "");
    }

    /// Prints the sums and ends the program with success.
    pub fn finish(self) -> ! {
        hprintln!(
            "{:<44} {:>14} {:>8}",
            "all (instructions: sum, stack: worst)",
            self.instructions,
            self.worst.step
        );
        let flash = size(&raw const __vector_table, &raw const __sidata)
            + size(&raw const __sdata, &raw const __edata);
        let data = size(&raw const __sdata, &raw const __sheap);
        let whole = self.worst.whole;
        hprintln!(
            "flash {} bytes, static RAM {} bytes, stack with buffers {} bytes",
            flash,
            data,
            whole
        );
        hprintln!("{}", PASSED);
        exit(debug::EXIT_SUCCESS)
    }
}

/// The bytes between two symbols of the linker script.
fn size(from: *const u8, to: *const u8) -> usize {
    to as usize - from as usize
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("selftest: FAILED: {}", info);
    exit(debug::EXIT_FAILURE)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    hprintln!(
        "selftest: FAILED: hard fault at {:#010x} (a stack overflow, if nothing else explains it)",
        frame.pc()
    );
    exit(debug::EXIT_FAILURE)
}

fn exit(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    // QEMU has stopped the program by now.
    loop {
        cortex_m::asm::wfi();
    }
}
