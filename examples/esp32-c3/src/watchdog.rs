//! The watchdog, which resets a board that hangs or has panicked.

use embassy_executor::Spawner;
use embassy_time::Timer;
use esp_hal::{
    peripherals::TIMG1,
    time::Duration,
    timer::timg::{MwdtStage, TimerGroup, Wdt},
};

/// Far above the longest step, a pairing: some 60 million instructions, about half a second at 160 MHz.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Starts it.
pub fn start(spawner: Spawner, timers: TIMG1<'static>) {
    let mut watchdog = TimerGroup::new(timers).wdt;
    watchdog.set_timeout(MwdtStage::Stage0, TIMEOUT);
    watchdog.enable();
    spawner.spawn(feed(watchdog).expect("it is spawned once"));
}

/// Its turn comes only while every task gives way.
#[embassy_executor::task]
async fn feed(mut watchdog: Wdt<TIMG1<'static>>) -> ! {
    loop {
        watchdog.feed();
        Timer::after_millis(500).await;
    }
}
