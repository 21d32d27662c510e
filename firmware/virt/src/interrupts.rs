//! Which device wants something: the platform-level interrupt controller (PLIC).

use riscv::{
    interrupt::Interrupt,
    register::{mie, mstatus},
};
use riscv_rt::core_interrupt;

use crate::{console, network, register::Register, watchdog};

const PLIC: usize = 0x0c00_0000;

// SAFETY: registers of the PLIC for hart 0 in machine mode.
const ENABLED: Register<u32> = unsafe { Register::at(PLIC + 0x2000) };
const THRESHOLD: Register<u32> = unsafe { Register::at(PLIC + 0x20_0000) };
const CLAIM: Register<u32> = unsafe { Register::at(PLIC + 0x20_0004) };

/// A device's line to the PLIC, 1 to 31.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line(u32);

impl Line {
    /// The console's.
    pub const UART: Self = Self(10);
    /// The watchdog's.
    pub const CLOCK: Self = Self(11);

    /// The line of a virtio slot, 0 to 7.
    pub const fn virtio(slot: u32) -> Self {
        Self(1 + slot)
    }

    /// From now on the device interrupts the program.
    pub fn enable(self) {
        // SAFETY: each line has a register for its priority.
        let priority: Register<u32> = unsafe { Register::at(PLIC + 4 * self.0 as usize) };
        priority.write(1);
        critical_section::with(|_| ENABLED.write(ENABLED.read() | 1 << self.0));
    }
}

/// Lets timer and devices interrupt the program.
pub fn enable() {
    THRESHOLD.write(0);
    // SAFETY: every interrupt that can come has a handler, and all they share is behind critical sections.
    unsafe {
        mie::set_mtimer();
        mie::set_mext();
        mstatus::set_mie();
    }
}

#[core_interrupt(Interrupt::MachineExternal)]
fn device() {
    loop {
        let line = CLAIM.read();
        match Line(line) {
            Line(0) => return,
            Line::UART => console::on_interrupt(),
            Line::CLOCK => watchdog::on_interrupt(),
            _ => network::on_interrupt(),
        }
        CLAIM.write(line);
    }
}
