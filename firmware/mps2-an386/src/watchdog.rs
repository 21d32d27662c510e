//! The CMSDK watchdog: when it isn't fed, the machine stops with a message.

use cortex_m_rt::exception;
use embassy_time::{Duration, Timer};

use crate::register::Register;

const BASE: usize = 0x4000_8000;
// SAFETY: the registers of the board's CMSDK watchdog.
const LOAD: Register = unsafe { Register::at(BASE) };
const CONTROL: Register = unsafe { Register::at(BASE + 8) };
const CLEAR: Register = unsafe { Register::at(BASE + 12) };

const COUNTS_PER_SECOND: u32 = 25_000_000;
/// How long it waits. The longest step between two yields is a pairing, 53 million instructions: a third of a second
/// at 168 MHz. QEMU runs as fast as the host lets it, and the watchdog's time is the host's; hence not 2 s, as on a
/// real board.
const SECONDS: u32 = 15;
const FEEDS_EVERY: Duration = Duration::from_secs(1);
/// Interrupt first (a non-maskable one), reset if that isn't answered for as long again.
const INTERRUPT_THEN_RESET: u32 = 3;

/// Starts the watchdog and feeds it, as long as the executor comes round to it.
#[embassy_executor::task]
pub async fn feed() -> ! {
    LOAD.write(SECONDS * COUNTS_PER_SECOND);
    CONTROL.write(INTERRUPT_THEN_RESET);
    loop {
        Timer::after(FEEDS_EVERY).await;
        CLEAR.write(1);
    }
}

#[exception]
unsafe fn NonMaskableInt() {
    machine::fail(format_args!("the watchdog was not fed for {SECONDS} s"));
}
