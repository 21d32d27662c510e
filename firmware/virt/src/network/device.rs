//! A virtio network device and its registers (virtio 1.2, sections 4.2 and 5.1).

use crate::{interrupts::Line, register::Register};

const SLOTS: u32 = 8;
const MAGIC: u32 = u32::from_le_bytes(*b"virt");
const VERSION: u32 = 2;
const NETWORK: u32 = 1;

/// Bits of the device's state.
const ACKNOWLEDGE: u32 = 1;
const DRIVER: u32 = 2;
const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;

/// What the driver takes of what the device offers: its address, the state of its link; and the layout that is not
/// the legacy one, a bit of the second word.
const FEATURES: [u32; 2] = [1 << 5 | 1 << 16, 1];

/// One of the board's eight slots.
#[derive(Clone, Copy)]
pub struct Device {
    slot: u32,
}

impl Device {
    /// The first network device of the board, reset and told that there is a driver.
    pub fn find() -> Option<Self> {
        let device = (0..SLOTS).map(|slot| Self { slot }).find(Self::is_network)?;
        let state = device.register(0x070);
        state.write(0);
        state.write(ACKNOWLEDGE | DRIVER);
        for (half, features) in FEATURES.into_iter().enumerate() {
            device.register(0x024).write(half as u32);
            device.register(0x020).write(features);
        }
        state.write(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        (state.read() & FEATURES_OK != 0).then_some(device)
    }

    fn is_network(&self) -> bool {
        [0x000, 0x004, 0x008].map(|offset| self.register(offset).read())
            == [MAGIC, VERSION, NETWORK]
    }

    /// Tells the device where a queue of `length` buffers is: descriptors, available ring, used ring.
    pub fn set_queue(&self, queue: u32, length: usize, addresses: [usize; 3]) {
        self.register(0x030).write(queue);
        self.register(0x038).write(length as u32);
        for (offset, address) in [0x080, 0x090, 0x0a0].into_iter().zip(addresses) {
            self.register(offset).write(address as u32);
            self.register(offset + 4).write(0);
        }
        self.register(0x044).write(1);
    }

    /// From here on the device works, and interrupts.
    pub fn start(&self) {
        let state = self.register(0x070);
        state.write(state.read() | DRIVER_OK);
        Line::virtio(self.slot).enable();
    }

    /// Makes the device look at what a queue was given.
    pub fn notify(&self, queue: u32) {
        self.register(0x050).write(queue);
    }

    /// Tells the device that its interrupt has been seen.
    pub fn acknowledge_interrupt(&self) {
        self.register(0x064).write(self.register(0x060).read());
    }

    /// The Ethernet address.
    pub fn address(&self) -> [u8; 6] {
        core::array::from_fn(|i| self.configuration::<u8>(i).read())
    }

    /// Whether the cable is plugged in.
    pub fn is_connected(&self) -> bool {
        self.configuration::<u16>(6).read() & 1 != 0
    }

    fn register(&self, offset: usize) -> Register<u32> {
        // SAFETY: a register of a slot.
        unsafe { Register::at(self.base() + offset) }
    }

    fn configuration<T: Copy>(&self, offset: usize) -> Register<T> {
        // SAFETY: a field of the device's configuration.
        unsafe { Register::at(self.base() + 0x100 + offset) }
    }

    fn base(&self) -> usize {
        0x1000_1000 + 0x1000 * self.slot as usize
    }
}
