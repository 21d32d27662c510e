//! Zephyr's chat on an ESP32-C3: Wi-Fi, and the console on the first serial port.

#![no_std]
#![no_main]

mod board;
mod network;
mod storage;
mod watchdog;

use embassy_executor::Spawner;
use esp_backtrace as _; // prints what a panic says, and waits for the watchdog
use esp_hal::system::software_reset;
use static_cell::ConstStaticCell;
use zephyr_embedded::apart;

esp_bootloader_esp_idf::esp_app_desc!();

/// All memory of the client.
static MEMORY: ConstStaticCell<chat::Memory> = ConstStaticCell::new(chat::Memory::new());

#[esp_rtos::main]
async fn main(spawner: Spawner) -> ! {
    let (board, memory) = (board::start(spawner), MEMORY.take());
    if let Err(error) = apart!(chat::run(board, memory)).await {
        panic!("{error}");
    }
    software_reset() // somebody has typed `quit`
}
