//! The chat on a Cortex-M4F, the STM32F4's core: QEMU's board MPS2 with the image AN386.

#![no_std]
#![no_main]

mod clock;
mod console;
mod ethernet;
mod fault;
mod interrupts;
mod register;
mod watchdog;

use chat::{Board, Memory};
use cortex_m_rt::entry;
use embassy_executor::{Spawner, raw::Executor};
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_time::{Duration, with_timeout};
use machine::{Figures, HostLoopback, HostRng};
use rand_core::Rng;
use static_cell::{ConstStaticCell, StaticCell};
use zephyr_embedded::{SocketBuffers, Sockets, apart};

use console::{Input, Output};
use ethernet::Ethernet;

/// Bytes that a connection can have on the way: to a server, which gets a packet at most, in two parts, and from it.
const SENT: usize = 384;
const RECEIVED: usize = 1024;
/// How long an address on the network is waited for before the chat begins.
const DHCP: Duration = Duration::from_secs(5);

type Flash = machine::RamFlash;
type Network = HostLoopback<Sockets<'static, { chat::SOCKETS }>>;
type Chat = Board<Input, Output, Flash, HostRng, Network, Figures>;

#[entry]
fn main() -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let figures = Figures::start();
    clock::start();
    let executor = EXECUTOR.init_with(|| Executor::new(core::ptr::null_mut()));
    machine::run(executor, cortex_m::asm::wfi, |spawner| start(spawner, figures))
}

/// Not inlined: its frame would lie below all that the tasks ever do.
#[inline(never)]
fn start(spawner: Spawner, figures: Figures) {
    let mut rng = HostRng::open();
    let (stack, runner) = embassy_net::new(
        Ethernet::start(),
        Config::dhcpv4(Default::default()),
        {
            static PLACES: StaticCell<StackResources<{ chat::SOCKETS + 2 }>> = StaticCell::new();
            PLACES.init_with(StackResources::new)
        },
        rng.next_u64(),
    );
    spawner.spawn(watchdog::feed().expect("it is spawned once"));
    spawner.spawn(run_network(runner).expect("it is spawned once"));
    spawner.spawn(run_chat(stack, board(stack, rng, figures)).expect("it is spawned once"));
    // Not before: the Ethernet controller holds its line until it is set up.
    interrupts::enable();
}

fn board(stack: Stack<'static>, rng: HostRng, monitor: Figures) -> Chat {
    static BUFFERS: ConstStaticCell<SocketBuffers<{ chat::SOCKETS }, SENT, RECEIVED>> =
        ConstStaticCell::new(SocketBuffers::new());
    let buffers = BUFFERS.take();
    let flash = machine::storage();
    let manifest = machine::manifest();
    let (input, output) = console::start();
    let range = machine::STORAGE_RANGE;
    let network = HostLoopback(Sockets::new(stack, buffers));
    Board { input, output, flash, range, rng, network, manifest, monitor }
}

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Ethernet>) -> ! {
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
