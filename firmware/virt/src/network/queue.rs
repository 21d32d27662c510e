//! A virtqueue: the rings through which buffers go to a virtio device and come back (virtio 1.2, section 2.7).
//!
//! Descriptor i always names buffer i, so there are no chains and no list of free descriptors.

use core::sync::atomic::{Ordering, fence};

/// The header in front of each frame, all zero for one that needs nothing special.
pub const HEADER: usize = 12;
/// The largest Ethernet frame: with 1 KiB of TCP, as much as a connection has room for. Others may be longer, but
/// nobody sends such ones here: TCP is told, and DHCP and DNS stay below.
pub const FRAME: usize = 14 + 20 + 20 + 1024;

#[repr(C)]
#[derive(Clone, Copy)]
struct Descriptor {
    address: u64,
    length: u32,
    flags: u16,
    next: u16,
}

/// The device writes into this buffer.
const WRITE: u16 = 2;

#[repr(C)]
struct Available<const N: usize> {
    flags: u16,
    index: u16,
    ring: [u16; N],
}

#[repr(C, align(4))]
struct Used<const N: usize> {
    flags: u16,
    index: u16,
    ring: [UsedElement; N],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct UsedElement {
    id: u32,
    length: u32,
}

/// What driver and device share: N buffers and their rings. N is a power of two.
#[repr(C, align(16))]
pub struct Shared<const N: usize> {
    descriptors: [Descriptor; N],
    available: Available<N>,
    used: Used<N>,
    buffers: [[u8; HEADER + FRAME]; N],
}

impl<const N: usize> Shared<N> {
    /// Empty rings.
    pub const fn new() -> Self {
        const { assert!(N.is_power_of_two()) }
        Self {
            descriptors: [Descriptor { address: 0, length: 0, flags: 0, next: 0 }; N],
            available: Available { flags: 0, index: 0, ring: [0; N] },
            used: Used { flags: 0, index: 0, ring: [UsedElement { id: 0, length: 0 }; N] },
            buffers: [[0; HEADER + FRAME]; N],
        }
    }
}

/// A buffer that the driver has and the device doesn't.
pub struct Buffer {
    index: usize,
    length: usize,
}

impl Buffer {
    /// Makes room for a frame of this length, at most `FRAME`.
    pub fn resize(&mut self, frame: usize) {
        self.length = HEADER + frame.min(FRAME);
    }
}

/// The driver's end of a queue.
pub struct Queue<const N: usize> {
    shared: *mut Shared<N>,
    /// How many buffers the device got so far, and how many came back; both wrap.
    given: u16,
    taken: u16,
}

impl<const N: usize> Queue<N> {
    /// A queue whose device writes into the buffers, and has them all.
    pub fn receiving(shared: &'static mut Shared<N>) -> Self {
        let mut queue = Self::new(shared, WRITE);
        for index in 0..N {
            queue.give(Buffer { index, length: HEADER + FRAME });
        }
        queue
    }

    fn new(shared: &'static mut Shared<N>, flags: u16) -> Self {
        for (descriptor, buffer) in shared.descriptors.iter_mut().zip(&mut shared.buffers) {
            let address = buffer.as_mut_ptr() as usize as u64;
            *descriptor = Descriptor { address, length: 0, flags, next: 0 };
        }
        Self { shared, given: 0, taken: 0 }
    }

    /// The addresses of descriptors, available ring, and used ring.
    pub fn addresses(&self) -> [usize; 3] {
        let shared = self.shared;
        // SAFETY: `shared` is valid for good; only addresses are taken.
        let (available, used) =
            unsafe { (&raw const (*shared).available, &raw const (*shared).used) };
        [shared as usize, available as usize, used as usize]
    }

    /// Gives a buffer to the device. It notices when it is notified.
    pub fn give(&mut self, buffer: Buffer) {
        let slot = usize::from(self.given) % N;
        self.given = self.given.wrapping_add(1);
        // SAFETY: `shared` is valid for good, the index came from this queue. The device looks at what is written
        // here no sooner than at the new index, and the fence orders them.
        unsafe {
            let descriptor = &raw mut (*self.shared).descriptors[buffer.index];
            (&raw mut (*descriptor).length).write_volatile(buffer.length as u32);
            (&raw mut (*self.shared).available.ring[slot]).write_volatile(buffer.index as u16);
            fence(Ordering::SeqCst);
            (&raw mut (*self.shared).available.index).write_volatile(self.given);
        }
        riscv::asm::fence();
    }

    /// Whether `take` has something.
    pub fn has_used(&self) -> bool {
        // SAFETY: `shared` is valid for good.
        unsafe { (&raw const (*self.shared).used.index).read_volatile() != self.taken }
    }

    /// Takes back the next buffer that the device is done with.
    pub fn take(&mut self) -> Option<Buffer> {
        if !self.has_used() {
            return None;
        }
        fence(Ordering::SeqCst);
        let slot = usize::from(self.taken) % N;
        self.taken = self.taken.wrapping_add(1);
        // SAFETY: `shared` is valid for good, and the device wrote the element before the index.
        let used = unsafe { (&raw const (*self.shared).used.ring[slot]).read_volatile() };
        Some(Buffer { index: used.id as usize % N, length: used.length as usize })
    }

    /// The frame in a buffer.
    pub fn frame(&mut self, buffer: &Buffer) -> &mut [u8] {
        // SAFETY: `shared` is valid for good. The device doesn't touch the buffer, since it is not given, and nobody
        // else can have this borrow.
        let bytes = unsafe { &mut (*self.shared).buffers[buffer.index] };
        bytes.get_mut(HEADER..buffer.length).unwrap_or_default()
    }
}

impl Queue<1> {
    /// A queue whose device reads the buffer, which the driver has.
    pub fn sending(shared: &'static mut Shared<1>) -> (Self, Buffer) {
        (Self::new(shared, 0), Buffer { index: 0, length: 0 })
    }
}
