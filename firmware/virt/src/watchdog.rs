//! Ends the program when its tasks have hung.
//!
//! The board has no watchdog; the alarm of its clock stands in for one.

use embassy_time::{Duration, Timer};
use machine::Stack;

use crate::{interrupts::Line, register::Register};

/// The longest time between two feedings. A pairing, the longest that a task takes without a break, is well under a
/// second at 160 MHz; an emulator on a busy machine may take several.
const LIMIT: Duration = Duration::from_secs(15);
/// How often it is fed.
const INTERVAL: Duration = Duration::from_secs(1);

const CLOCK: usize = 0x0010_1000;

// SAFETY: registers of the clock ("goldfish"), which counts nanoseconds.
const TIME_LOW: Register<u32> = unsafe { Register::at(CLOCK) };
const TIME_HIGH: Register<u32> = unsafe { Register::at(CLOCK + 0x04) };
const ALARM_LOW: Register<u32> = unsafe { Register::at(CLOCK + 0x08) };
const ALARM_HIGH: Register<u32> = unsafe { Register::at(CLOCK + 0x0c) };
const INTERRUPT_ENABLE: Register<u32> = unsafe { Register::at(CLOCK + 0x10) };

/// Feeds the watchdog for as long as tasks get their turns, and the stack is large enough for them.
#[embassy_executor::task]
pub async fn feed(stack: Stack) -> ! {
    start();
    loop {
        if stack.is_full() {
            machine::fail(format_args!("the stack ran out of its memory"));
        }
        set_alarm();
        Timer::after(INTERVAL).await;
    }
}

/// The clock went on past the alarm.
pub fn on_interrupt() {
    machine::fail(format_args!("the watchdog has not been fed for {} s", LIMIT.as_secs()));
}

fn start() {
    INTERRUPT_ENABLE.write(1);
    Line::CLOCK.enable();
}

fn set_alarm() {
    // Reading the lower half keeps the upper half of the same moment.
    let low = TIME_LOW.read();
    let now = u64::from(TIME_HIGH.read()) << 32 | u64::from(low);
    let alarm = now + LIMIT.as_micros() * 1000;
    ALARM_HIGH.write((alarm >> 32) as u32);
    ALARM_LOW.write(alarm as u32);
}
