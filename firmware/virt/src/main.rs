//! The chat on an RV32IMC, the ESP32-C3's instruction set: QEMU's board `virt`.

#![no_std]
#![no_main]

mod clock;
mod console;
mod fault;
mod interrupts;
mod network;
mod register;
mod watchdog;

use chat::{Board, Memory};
use embassy_executor::{Spawner, raw::Executor};
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_time::{Duration, with_timeout};
use machine::{Figures, HostLoopback, HostRng, RamFlash};
use rand_core::Rng;
use riscv_rt::entry;
use static_cell::{ConstStaticCell, StaticCell};
use zephyr_embedded::{SocketBuffers, Sockets, apart};

use console::{Input, Output};
use network::Network;

/// Bytes that a connection can have on the way: to a server, which gets a packet at most, in two parts, and from it.
const SENT: usize = 384;
const RECEIVED: usize = 1024;
/// How long an address on the network is waited for before the chat begins.
const DHCP: Duration = Duration::from_secs(5);

type Internet = HostLoopback<Sockets<'static, { chat::SOCKETS }>>;
type Chat = Board<Input, Output, RamFlash, HostRng, Internet, Figures>;

#[entry]
fn main() -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let figures = Figures::start();
    let executor = EXECUTOR.init_with(|| Executor::new(core::ptr::null_mut()));
    machine::run(executor, riscv::asm::wfi, |spawner| start(spawner, figures))
}

/// Not inlined: its frame would lie below all that the tasks ever do.
#[inline(never)]
fn start(spawner: Spawner, figures: Figures) {
    static PLACES: StaticCell<StackResources<{ chat::SOCKETS + 2 }>> = StaticCell::new();
    let mut rng = HostRng::open();
    let (stack, runner) = embassy_net::new(
        Network::start(),
        Config::dhcpv4(Default::default()),
        PLACES.init_with(StackResources::new),
        rng.next_u64(),
    );
    spawner.spawn(watchdog::feed(figures.stack()).expect("it is spawned once"));
    spawner.spawn(run_network(runner).expect("it is spawned once"));
    spawner.spawn(run_chat(stack, board(stack, rng, figures)).expect("it is spawned once"));
    interrupts::enable();
}

fn board(stack: Stack<'static>, rng: HostRng, monitor: Figures) -> Chat {
    static BUFFERS: ConstStaticCell<SocketBuffers<{ chat::SOCKETS }, SENT, RECEIVED>> =
        ConstStaticCell::new(SocketBuffers::new());
    let buffers = BUFFERS.take();
    let (input, output) = console::start();
    Board {
        input,
        output,
        flash: machine::storage(),
        range: machine::STORAGE_RANGE,
        rng,
        network: HostLoopback(Sockets::new(stack, buffers)),
        manifest: machine::manifest(),
        monitor,
    }
}

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Network>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn run_chat(stack: Stack<'static>, board: Chat) {
    static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
    // Without a cable there can be a chat, but no servers.
    let _ = with_timeout(DHCP, stack.wait_config_up()).await;
    let memory = MEMORY.take();
    match apart!(chat::run(board, memory)).await {
        Ok(()) => machine::exit(true),
        Err(error) => machine::fail(format_args!("{error}")),
    }
}
