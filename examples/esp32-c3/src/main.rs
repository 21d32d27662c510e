//! Zephyr's chat on an ESP32-C3: Wi-Fi, and the console on the first serial port.

#![no_std]
#![no_main]

mod board;
mod network;
mod storage;
mod watchdog;

use embassy_executor::Spawner;
use esp_backtrace as _; // prints what a panic says, and waits for the watchdog
use esp_hal::{rng::Trng, system::software_reset};
use static_cell::StaticCell;

use crate::{network::Network, storage::SpiFlash};

esp_bootloader_esp_idf::esp_app_desc!();

/// All memory of the client.
static MEMORY: StaticCell<chat::Memory<'static, SpiFlash, Network, Trng>> = StaticCell::new();

#[esp_rtos::main]
async fn main(spawner: Spawner) -> ! {
    let memory = MEMORY.init_with(chat::Memory::new);
    if let Err(error) = chat::run(board::start(spawner), memory).await {
        panic!("{error}");
    }
    software_reset() // somebody has typed `quit`
}
