//! The network device, as embassy-net's driver.

mod device;
mod queue;

use core::{cell::Cell, task::Context};

use critical_section::Mutex;
use device::Device;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use queue::{Buffer, FRAME, Queue, Shared};
use static_cell::ConstStaticCell;

/// The numbers of the device's queues.
const RECEIVE: u32 = 0;
const SEND: u32 = 1;
/// Frames that can wait until the program looks at them. What comes meanwhile waits in QEMU.
const WAITING: usize = 2;

/// Whoever waits for the device.
static WAKER: AtomicWaker = AtomicWaker::new();
/// The device, once it works.
static STARTED: Mutex<Cell<Option<Device>>> = Mutex::new(Cell::new(None));

/// A frame came, or one is sent, or the cable was pulled or plugged in.
pub fn on_interrupt() {
    if let Some(device) = critical_section::with(|cs| STARTED.borrow(cs).get()) {
        device.acknowledge_interrupt();
    }
    WAKER.wake();
}

/// The network device.
pub struct Network {
    device: Device,
    received: Queue<WAITING>,
    sent: Queue<1>,
    /// The buffer for frames to be sent, unless the device has it.
    idle: Option<Buffer>,
}

impl Network {
    /// The board's network device. To be called once.
    pub fn start() -> Self {
        static RECEIVED: ConstStaticCell<Shared<WAITING>> = ConstStaticCell::new(Shared::new());
        static SENT: ConstStaticCell<Shared<1>> = ConstStaticCell::new(Shared::new());
        let device = Device::find().expect("QEMU was started with a virtio network device");
        let received = Queue::receiving(RECEIVED.take());
        let (sent, idle) = Queue::sending(SENT.take());
        device.set_queue(RECEIVE, WAITING, received.addresses());
        device.set_queue(SEND, 1, sent.addresses());
        critical_section::with(|cs| STARTED.borrow(cs).set(Some(device)));
        device.start();
        device.notify(RECEIVE);
        Self { device, received, sent, idle: Some(idle) }
    }

    /// Whether a frame can be sent. If not, the device interrupts when it can.
    fn can_send(&mut self) -> bool {
        if self.idle.is_none() {
            self.idle = self.sent.take();
        }
        self.idle.is_some()
    }
}

impl Driver for Network {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, ToSend<'_>)> {
        WAKER.register(context.waker());
        if !self.can_send() || !self.received.has_used() {
            return None;
        }
        let Self { device, received, sent, idle } = self;
        Some((Received { device: *device, received }, ToSend { device: *device, sent, idle }))
    }

    fn transmit(&mut self, context: &mut Context<'_>) -> Option<ToSend<'_>> {
        WAKER.register(context.waker());
        self.can_send().then_some(ToSend {
            device: self.device,
            sent: &mut self.sent,
            idle: &mut self.idle,
        })
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        WAKER.register(context.waker());
        if self.device.is_connected() { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.device.address())
    }
}

/// The next frame that came.
pub struct Received<'a> {
    device: Device,
    received: &'a mut Queue<WAITING>,
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        let mut buffer = self.received.take().expect("there is one, or there were no token");
        let result = read(self.received.frame(&buffer));
        buffer.resize(FRAME);
        self.received.give(buffer);
        self.device.notify(RECEIVE);
        result
    }
}

/// Room for a frame to be sent.
pub struct ToSend<'a> {
    device: Device,
    sent: &'a mut Queue<1>,
    idle: &'a mut Option<Buffer>,
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut buffer = self.idle.take().expect("there is one, or there were no token");
        buffer.resize(length);
        let result = write(self.sent.frame(&buffer));
        self.sent.give(buffer);
        self.device.notify(SEND);
        result
    }
}
