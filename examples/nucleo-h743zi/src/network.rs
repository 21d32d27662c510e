//! Ethernet: the LAN8742 over RMII, an address by DHCP.

use embassy_executor::Spawner;
use embassy_net::{Runner, StackResources};
use embassy_stm32::{
    Peri,
    eth::{Ethernet, GenericPhy, PacketQueue, Sma},
    peripherals::{ETH, ETH_SMA, PA1, PA2, PA7, PB13, PC1, PC4, PC5, PG11, PG13},
    uid,
};
use rand_core::Rng as _;
use static_cell::{ConstStaticCell, StaticCell};
use zephyr_embedded::{SocketBuffers, Sockets};

use crate::{board::Interrupts, random::Random};

/// TCP and DNS for the client.
pub type Network = Sockets<'static, { chat::SOCKETS }>;

type Device = Ethernet<'static, ETH, GenericPhy<Sma<'static, ETH_SMA>>>;

/// The pins between the chip and the LAN8742, as the board wires them.
pub struct Pins {
    pub ref_clk: Peri<'static, PA1>,
    pub mdio: Peri<'static, PA2>,
    pub crs: Peri<'static, PA7>,
    pub mdc: Peri<'static, PC1>,
    pub rx_d0: Peri<'static, PC4>,
    pub rx_d1: Peri<'static, PC5>,
    pub tx_d1: Peri<'static, PB13>,
    pub tx_en: Peri<'static, PG11>,
    pub tx_d0: Peri<'static, PG13>,
}

/// Starts Ethernet and TCP/IP. The cable need not be there yet.
pub fn start(
    spawner: Spawner,
    eth: Peri<'static, ETH>,
    sma: Peri<'static, ETH_SMA>,
    pins: Pins,
    rng: &mut Random,
) -> Network {
    static PACKETS: StaticCell<PacketQueue<4, 4>> = StaticCell::new();
    let Pins { ref_clk, mdio, crs, mdc, rx_d0, rx_d1, tx_d1, tx_en, tx_d0 } = pins;
    let device = Ethernet::new(
        PACKETS.init_with(PacketQueue::new),
        eth,
        Interrupts,
        ref_clk,
        crs,
        rx_d0,
        rx_d1,
        tx_d0,
        tx_d1,
        tx_en,
        mac_address(),
        sma,
        mdio,
        mdc,
    );

    static RESOURCES: StaticCell<StackResources<{ Network::PLACES }>> = StaticCell::new();
    let config = embassy_net::Config::dhcpv4(Default::default());
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, runner) = embassy_net::new(device, config, resources, rng.next_u64());
    spawner.spawn(run(runner).expect("it is spawned once"));

    static BUFFERS: ConstStaticCell<SocketBuffers<{ chat::SOCKETS }, 384, 1024>> =
        ConstStaticCell::new(SocketBuffers::new());
    let network = Sockets::new(stack, BUFFERS.take());
    network
}

#[embassy_executor::task]
async fn run(mut runner: Runner<'static, Device>) -> ! {
    runner.run().await
}

/// An address of its own for each chip, locally administered: the board comes with none.
fn mac_address() -> [u8; 6] {
    let uid = uid::uid();
    // Wafer position and lot number differ between chips.
    [0x02, uid[0], uid[2], uid[4] ^ uid[8], uid[5] ^ uid[9], uid[6] ^ uid[10]]
}
