//! Which device interrupts with which number (Arm, Application Note AN386).

use cortex_m::{interrupt::InterruptNumber, peripheral::NVIC};
use cortex_m_rt::exception;

use crate::{clock, console, ethernet};

/// The interrupts that are used.
#[derive(Clone, Copy)]
#[repr(u16)]
pub enum Interrupt {
    ConsoleInput = 0,
    ConsoleOutput = 1,
    Clock = 9,
    Ethernet = 13,
}

// SAFETY: the numbers are the board's, and distinct.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

/// Lets all of them through.
pub fn enable() {
    use Interrupt::*;
    for interrupt in [ConsoleInput, ConsoleOutput, Clock, Ethernet] {
        // SAFETY: no critical section relies on the mask.
        unsafe { NVIC::unmask(interrupt) }
    }
}

/// All interrupts come here: a table with a handler each would need a crate that describes the chip.
#[exception]
unsafe fn DefaultHandler(number: i16) {
    match number {
        0 | 1 => console::interrupted(),
        9 => clock::interrupted(),
        13 => ethernet::interrupted(),
        _ => machine::fail(format_args!("interrupt {number} has no handler")),
    }
}
