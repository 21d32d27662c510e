//! A panic: what it says goes to the console, then the board starts anew.

use core::{
    fmt::{self, Write as _},
    panic::PanicInfo,
};

use cortex_m::{interrupt, peripheral::SCB};
use embassy_stm32::pac::USART3;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    interrupt::disable();
    let _ = write!(Console, "\r\n{info}\r\n");
    SCB::sys_reset()
}

/// The console without interrupts or buffers.
struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        /// A byte takes 35,000 cycles. Before the console is set up it never gets ready.
        const TRIES: usize = 100_000;
        for byte in text.bytes() {
            let mut tries = 0..TRIES;
            if !tries.any(|_| USART3.isr().read().txe()) {
                return Err(fmt::Error);
            }
            USART3.tdr().write(|data| data.set_dr(byte.into()));
        }
        Ok(())
    }
}
