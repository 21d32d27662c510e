//! The chat on QEMU's board `virt` with an RV32IMC, the ESP32-C3's instruction set.

#![no_std]
#![no_main]

mod console;
mod fault;
mod interrupts;
mod memory;
mod network;
mod register;
mod time;
mod watchdog;

use console::{Input, print};
use embassy_executor::{Spawner, raw::Executor};
use embassy_net::{Config, Runner, Stack, StackResources, tcp::client};
use embedded_io_async::{Read, Write};
use embedded_nal_async::TcpConnect;
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
use machine::{HostLoopback, HostRng};
use network::Network;
use rand_core::Rng;
use riscv_rt::entry;
use static_cell::StaticCell;

/// Connections that can be open at once.
const CONNECTIONS: usize = 2;
/// Sockets: connections, DHCP, DNS.
const SOCKETS: usize = CONNECTIONS + 2;

#[entry]
fn main() -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let stack = memory::stack();
    let executor = EXECUTOR.init(Executor::new(core::ptr::null_mut()));
    machine::run(executor, riscv::asm::wfi, |spawner| start(spawner, stack))
}

fn start(spawner: Spawner, memory: machine::Stack) {
    static SOCKETS_MEMORY: StaticCell<StackResources<SOCKETS>> = StaticCell::new();
    let (stack, runner) = embassy_net::new(
        Network::start(),
        Config::dhcpv4(Default::default()),
        SOCKETS_MEMORY.init(StackResources::new()),
        HostRng::open().next_u64(),
    );
    console::start();
    spawner.spawn(watchdog::feed().expect("it is spawned once"));
    spawner.spawn(run_network(runner).expect("it is spawned once"));
    spawner.spawn(echo(stack, memory).expect("it is spawned once"));
    interrupts::enable();
}

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Network>) -> ! {
    runner.run().await
}

/// Stands in for the chat: each line names a port of the host, at which something echoes.
#[embassy_executor::task]
async fn echo(stack: Stack<'static>, memory: machine::Stack) -> ! {
    static SOCKETS: StaticCell<client::TcpClientState<CONNECTIONS, 1024, 1024>> = StaticCell::new();
    let sockets = SOCKETS.init(client::TcpClientState::new());
    let network = HostLoopback(client::TcpClient::new(stack, sockets));
    let starts = count_start().await;
    print(format_args!(
        "start {starts}, manifest of {:?} bytes",
        memory::manifest().map(<[u8]>::len)
    ));
    loop {
        let port = read_port().await;
        stack.wait_config_up().await;
        let result = talk(&network, port).await;
        print(format_args!(
            "port {port}: {result:?}; stack {}, busy {}",
            memory.used(),
            machine::busy_instructions()
        ));
    }
}

/// Sends some bytes and gets them back: how many.
async fn talk(network: &impl TcpConnect, port: u16) -> Option<usize> {
    let host = ([127, 0, 0, 1], port).into();
    let mut connection = network.connect(host).await.ok()?;
    for i in 0..64 {
        let (sent, mut echoed) = ([i; 512], [0; 512]);
        connection.write_all(&sent).await.ok()?;
        connection.flush().await.ok()?;
        connection.read_exact(&mut echoed).await.ok()?;
        assert_eq!(sent, echoed);
    }
    Some(64 * 512)
}

async fn read_port() -> u16 {
    let mut port: u16 = 0;
    loop {
        let mut byte = [0];
        let Ok(_) = Input.read(&mut byte).await;
        match byte[0] {
            b'\n' if port > 0 => return port,
            digit @ b'0'..=b'9' => port = port.wrapping_mul(10).wrapping_add((digit - b'0').into()),
            _ => {}
        }
    }
}

/// How often the program has started, kept in flash: a word of zeros for each.
async fn count_start() -> u32 {
    let mut flash = memory::storage();
    let mut word = [0; 4];
    for start in 0.. {
        flash.read(start * 4, &mut word).await.expect("the flash has room");
        if word != [0; 4] {
            flash.write(start * 4, &[0; 4]).await.expect("the flash has room");
            return start + 1;
        }
    }
    unreachable!("the loop ends at the flash's end")
}
