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
use static_cell::StaticCell;

use crate::{network::Network, random::Random, storage::BankTwo};

/// All memory of the client.
static MEMORY: StaticCell<chat::Memory<'static, BankTwo, Network, Random>> = StaticCell::new();

#[embassy_executor::main]
async fn main(spawner: Spawner) -> ! {
    let memory = MEMORY.init_with(chat::Memory::new);
    if let Err(error) = chat::run(board::start(spawner), memory).await {
        panic!("{error}");
    }
    SCB::sys_reset() // somebody has typed `quit`
}
