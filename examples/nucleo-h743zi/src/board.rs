//! What is on the board, set up for the chat.

use embassy_executor::Spawner;
use embassy_stm32::{
    bind_interrupts, eth, flash, peripherals, rng,
    usart::{self, BufferedUart, BufferedUartRx, BufferedUartTx},
};
use static_cell::StaticCell;

use crate::{
    clocks,
    network::{self, Network},
    random::Random,
    storage::{self, BankTwo},
    watchdog,
};

bind_interrupts!(pub struct Interrupts {
    ETH => eth::InterruptHandler;
    FLASH => flash::InterruptHandler;
    RNG => rng::InterruptHandler<peripherals::RNG>;
    USART3 => usart::BufferedInterruptHandler<peripherals::USART3>;
});

/// What the chat needs of a board.
pub type Board =
    chat::Board<BufferedUartRx<'static>, BufferedUartTx<'static>, BankTwo, Random, Network>;

/// Starts the clocks, the watchdog, the network and the console.
pub fn start(spawner: Spawner) -> Board {
    enable_instruction_cache();
    let p = embassy_stm32::init(clocks::config());
    watchdog::start(spawner, p.IWDG1);

    let mut rng = Random::new(p.RNG);
    let pins = network::Pins {
        ref_clk: p.PA1,
        mdio: p.PA2,
        crs: p.PA7,
        mdc: p.PC1,
        rx_d0: p.PC4,
        rx_d1: p.PC5,
        tx_d1: p.PB13,
        tx_en: p.PG11,
        tx_d0: p.PG13,
    };
    let network = network::start(spawner, p.ETH, p.ETH_SMA, pins, &mut rng);

    static RECEIVED: StaticCell<[u8; 256]> = StaticCell::new();
    static TO_SEND: StaticCell<[u8; 256]> = StaticCell::new();
    let uart = BufferedUart::new(
        p.USART3,
        p.PD9,
        p.PD8,
        TO_SEND.init([0; 256]),
        RECEIVED.init([0; 256]),
        Interrupts,
        usart::Config::default(), // 115,200 baud, 8 bits, no parity
    );
    let (output, input) = uart.expect("USART3 does 115,200 baud at these clocks").split();
    Board {
        input,
        output,
        flash: BankTwo::new(p.FLASH),
        range: storage::RANGE,
        rng,
        network,
        manifest: include_bytes!(concat!(env!("OUT_DIR"), "/manifest.bin")),
        monitor: (),
    }
}

/// Flash is slow without it. The data cache stays off, since Ethernet's DMA does not see it: what is fast is the stack,
/// see memory.x.
fn enable_instruction_cache() {
    let mut core = cortex_m::Peripherals::take().expect("nobody has taken them before");
    core.SCB.enable_icache();
}
