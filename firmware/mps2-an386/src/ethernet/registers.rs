//! The registers of the LAN9118 (its data sheet, chapter 5) that the driver needs.

use crate::register::Register;

const BASE: usize = 0x4020_0000;

const fn register(offset: usize) -> Register {
    // SAFETY: called below with the offsets of the controller's registers.
    unsafe { Register::at(BASE + offset) }
}

pub const RX_DATA: Register = register(0x00);
pub const TX_DATA: Register = register(0x20);
pub const RX_STATUS: Register = register(0x40);
pub const TX_STATUS: Register = register(0x48);
pub const INTERRUPT_LINE: Register = register(0x54);
pub const INTERRUPT_STATUS: Register = register(0x58);
pub const INTERRUPTS: Register = register(0x5c);
pub const BYTE_TEST: Register = register(0x64);
pub const TX_CONTROL: Register = register(0x70);
pub const HARDWARE: Register = register(0x74);
pub const RX_FIFO_USED: Register = register(0x7c);
pub const TX_FIFO_USED: Register = register(0x80);
const MAC_COMMAND: Register = register(0xa4);
const MAC_DATA: Register = register(0xa8);

pub const BYTE_TEST_ANSWER: u32 = 0x8765_4321;
pub const HARDWARE_RESET: u32 = 1;
pub const HARDWARE_STORE_AND_FORWARD: u32 = 1 << 20;
/// 5 KiB of the controller's 16 for what is sent, the rest for what comes.
pub const HARDWARE_OUTPUT_5K: u32 = 5 << 16;
/// On, active high, push-pull.
pub const INTERRUPT_LINE_ON: u32 = 0x111;
pub const FRAME_RECEIVED: u32 = 1 << 3;
pub const PHY_INTERRUPT: u32 = 1 << 18;
pub const RX_ERROR: u32 = 1 << 15;
pub const TX_ON: u32 = 1 << 1;
pub const TX_FIRST_PART: u32 = 1 << 13;
pub const TX_LAST_PART: u32 = 1 << 12;

/// Registers of the MAC, reached through MAC_COMMAND and MAC_DATA.
pub const MAC_CONTROL: u32 = 1;
pub const MAC_ADDRESS_HIGH: u32 = 2;
pub const MAC_ADDRESS_LOW: u32 = 3;
const MAC_PHY_ACCESS: u32 = 6;
const MAC_PHY_DATA: u32 = 7;

pub const MAC_FULL_DUPLEX: u32 = 1 << 20;
pub const MAC_TX_ON: u32 = 1 << 3;
pub const MAC_RX_ON: u32 = 1 << 2;

/// Registers of the PHY, reached through the MAC.
pub const PHY_STATUS: u32 = 1;
pub const PHY_INTERRUPT_SOURCE: u32 = 29;
pub const PHY_INTERRUPT_MASK: u32 = 30;

pub const PHY_LINK_UP: u32 = 1 << 2;
/// The link went down, or was agreed on anew.
pub const PHY_LINK_CHANGED: u32 = 1 << 4 | 1 << 6;

const BUSY: u32 = 1 << 31;
const MAC_READ: u32 = 1 << 30;
const PHY_ADDRESS: u32 = 1 << 11;
const PHY_WRITE: u32 = 1 << 1;
const PHY_BUSY: u32 = 1;

/// Reads a register of the MAC.
pub fn read_mac(index: u32) -> u32 {
    command(BUSY | MAC_READ | index);
    MAC_DATA.read()
}

/// Writes a register of the MAC.
pub fn write_mac(index: u32, value: u32) {
    MAC_DATA.write(value);
    command(BUSY | index);
}

fn command(command: u32) {
    MAC_COMMAND.write(command);
    while MAC_COMMAND.read() & BUSY != 0 {}
}

/// Reads a register of the PHY.
pub fn read_phy(index: u32) -> u32 {
    access_phy(index, 0);
    read_mac(MAC_PHY_DATA)
}

/// Writes a register of the PHY.
pub fn write_phy(index: u32, value: u32) {
    write_mac(MAC_PHY_DATA, value);
    access_phy(index, PHY_WRITE);
}

fn access_phy(index: u32, direction: u32) {
    write_mac(MAC_PHY_ACCESS, PHY_ADDRESS | index << 6 | direction | PHY_BUSY);
    while read_mac(MAC_PHY_ACCESS) & PHY_BUSY != 0 {}
}
