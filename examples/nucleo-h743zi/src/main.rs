//! Zephyr's chat on a Nucleo-H743ZI: Ethernet, and the console on the debugger's serial port.

#![no_std]
#![no_main]

mod board;
mod clocks;
mod network;
mod panic;
mod random;
mod storage;
mod watchdog;

use cortex_m::peripheral::SCB;
use embassy_executor::Spawner;
use static_cell::ConstStaticCell;
use zephyr_embedded::apart;

/// All memory of the client.
static MEMORY: ConstStaticCell<chat::Memory> = ConstStaticCell::new(chat::Memory::new());

#[embassy_executor::main]
async fn main(spawner: Spawner) -> ! {
    let (board, memory) = (board::start(spawner), MEMORY.take());
    if let Err(error) = apart!(chat::run(board, memory)).await {
        panic!("{error}");
    }
    SCB::sys_reset() // somebody has typed `quit`
}
