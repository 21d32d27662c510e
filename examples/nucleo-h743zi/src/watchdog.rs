//! The watchdog, which resets a board that hangs.

use embassy_executor::Spawner;
use embassy_stm32::{Peri, peripherals::IWDG1, wdg::IndependentWatchdog};
use embassy_time::Timer;

/// Far above the longest step, a pairing: about 55 million instructions, some 0.2 s at 400 MHz.
const TIMEOUT_US: u32 = 4_000_000;

/// Starts it. It has an oscillator of its own and cannot be stopped again.
pub fn start(spawner: Spawner, peripheral: Peri<'static, IWDG1>) {
    let mut watchdog = IndependentWatchdog::new(peripheral, TIMEOUT_US);
    watchdog.unleash();
    spawner.spawn(feed(watchdog).expect("it is spawned once"));
}

/// Its turn comes only while every task gives way.
#[embassy_executor::task]
async fn feed(mut watchdog: IndependentWatchdog<'static, IWDG1>) -> ! {
    loop {
        watchdog.pet();
        Timer::after_millis(500).await;
    }
}
