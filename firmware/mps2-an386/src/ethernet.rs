//! The driver of the board's Ethernet controller, an SMSC LAN9118.
//!
//! Frames are moved by the processor between the controller's own memory and a buffer on the stack, which is only there
//! while the network's task runs: no static memory for packets.

mod registers;

use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;

use registers::*;

/// The longest frame without its checksum, in bytes.
const FRAME: usize = 1514;
const FRAME_WORDS: usize = FRAME.div_ceil(4);

static WAKER: AtomicWaker = AtomicWaker::new();

/// The controller.
pub struct Ethernet {
    address: [u8; 6],
}

impl Ethernet {
    /// Resets and starts the controller.
    ///
    /// # Panics
    /// If there is none.
    pub fn start() -> Self {
        assert_eq!(BYTE_TEST.read(), BYTE_TEST_ANSWER, "there is no LAN9118");
        HARDWARE.write(HARDWARE_RESET);
        while HARDWARE.read() & HARDWARE_RESET != 0 {}
        HARDWARE.write(HARDWARE_STORE_AND_FORWARD | HARDWARE_OUTPUT_5K);
        INTERRUPTS.write(0);
        INTERRUPT_STATUS.write(u32::MAX);
        INTERRUPT_LINE.write(INTERRUPT_LINE_ON);
        write_phy(PHY_INTERRUPT_MASK, PHY_LINK_CHANGED);
        TX_CONTROL.write(TX_ON);
        write_mac(MAC_CONTROL, MAC_FULL_DUPLEX | MAC_RX_ON | MAC_TX_ON);
        let low = read_mac(MAC_ADDRESS_LOW).to_le_bytes();
        let high = read_mac(MAC_ADDRESS_HIGH).to_le_bytes();
        Self { address: [low[0], low[1], low[2], low[3], high[0], high[1]] }
    }

    /// Whether a frame is there; if not, the task is woken when one comes or when the link changes.
    fn wait_for_frame(&mut self, context: &mut Context<'_>) -> bool {
        if frames_waiting() > 0 {
            return true;
        }
        INTERRUPT_STATUS.write(FRAME_RECEIVED);
        WAKER.register(context.waker());
        INTERRUPTS.write(FRAME_RECEIVED | PHY_INTERRUPT);
        frames_waiting() > 0
    }
}

/// Something has come: silence until the driver looks again.
pub fn interrupted() {
    INTERRUPTS.write(0);
    WAKER.wake();
}

fn frames_waiting() -> u32 {
    RX_FIFO_USED.read() >> 16 & 0xff
}

impl Driver for Ethernet {
    type RxToken<'a> = Received;
    type TxToken<'a> = ToSend;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received, ToSend)> {
        self.wait_for_frame(context).then_some((Received, ToSend))
    }

    fn transmit(&mut self, _context: &mut Context<'_>) -> Option<ToSend> {
        Some(ToSend)
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        WAKER.register(context.waker());
        read_phy(PHY_INTERRUPT_SOURCE);
        read_phy(PHY_STATUS); // remembers that the link was down until it is read once
        match read_phy(PHY_STATUS) & PHY_LINK_UP {
            0 => LinkState::Down,
            _ => LinkState::Up,
        }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

/// The frame that waits longest in the controller.
pub struct Received;

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        let status = RX_STATUS.read();
        let with_checksum = (status >> 16 & 0x3fff) as usize;
        let mut words = [0; FRAME_WORDS];
        for index in 0..with_checksum.div_ceil(4) {
            let word = RX_DATA.read().to_le();
            if let Some(place) = words.get_mut(index) {
                *place = word;
            }
        }
        let length = with_checksum.saturating_sub(4);
        let good = status & RX_ERROR == 0 && length <= FRAME;
        f(bytes_of(&mut words, if good { length } else { 0 }))
    }
}

/// Room for a frame.
pub struct ToSend;

impl TxToken for ToSend {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut words = [0; FRAME_WORDS];
        let result = f(bytes_of(&mut words, length));
        send(&words[..length.div_ceil(4)], length as u32);
        result
    }
}

/// Gives a frame to the controller. Without room in it the frame is lost, as it may be on any wire.
fn send(words: &[u32], length: u32) {
    while TX_FIFO_USED.read() >> 16 & 0xff > 0 {
        TX_STATUS.read();
    }
    let room = TX_FIFO_USED.read() & 0xffff;
    if room < words.len() as u32 * 4 + 8 {
        return;
    }
    TX_DATA.write(TX_FIRST_PART | TX_LAST_PART | length);
    TX_DATA.write(length);
    for word in words {
        TX_DATA.write(u32::from_le(*word));
    }
}

/// The first bytes of words.
fn bytes_of(words: &mut [u32; FRAME_WORDS], length: usize) -> &mut [u8] {
    assert!(length <= FRAME, "frames are as long as the driver says at most");
    // SAFETY: the words are initialised, as long as that, and lent for as long as the bytes are.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), length) }
}
