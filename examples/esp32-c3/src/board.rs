//! What is on the board, set up for the chat.

use embassy_executor::Spawner;
use esp_hal::{
    Async,
    clock::CpuClock,
    ram,
    rng::Trng,
    timer::timg::TimerGroup,
    uart::{self, Uart, UartRx, UartTx},
};

use crate::{
    network::{self, Network},
    storage::{self, SpiFlash},
    watchdog,
};

/// What the chat needs of a board.
pub type Board =
    chat::Board<UartRx<'static, Async>, UartTx<'static, Async>, SpiFlash, Trng, Network>;

/// Starts the clocks, the watchdog, Wi-Fi and the console.
pub fn start(spawner: Spawner) -> Board {
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    watchdog::start(spawner, p.TIMG1);

    // Only the radio's driver uses a heap.
    esp_alloc::heap_allocator!(#[ram(reclaimed)] size: 64 * 1024);
    esp_alloc::heap_allocator!(size: 36 * 1024);
    esp_rtos::start(TimerGroup::new(p.TIMG0).timer0, p.FROM_CPU_INTR0);

    let (network, rng) = network::start(spawner, p.WIFI);
    let config = uart::Config::default(); // 115,200 baud, 8 bits, no parity
    let uart = Uart::new(p.UART0, config).expect("UART0 does 115,200 baud");
    let (input, output) = uart.with_rx(p.GPIO20).with_tx(p.GPIO21).into_async().split();
    let (flash, range) = storage::open(p.FLASH);
    Board {
        input,
        output,
        flash,
        range,
        rng,
        network,
        manifest: include_bytes!(concat!(env!("OUT_DIR"), "/manifest.bin")),
        monitor: (),
    }
}
