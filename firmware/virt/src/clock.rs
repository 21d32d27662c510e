//! embassy-time over the machine timer, which counts at 10 MHz on this board.

use core::{cell::RefCell, task::Waker};

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;
use riscv::interrupt::Interrupt;
use riscv_rt::core_interrupt;

use crate::register::Register;

// SAFETY: the core-local interruptor's (CLINT) counter and the moment of hart 0's interrupt, a word after the other.
const NOW: [Register<u32>; 2] = unsafe { [Register::at(0x0200_bff8), Register::at(0x0200_bffc)] };
const ALARM: [Register<u32>; 2] = unsafe { [Register::at(0x0200_4000), Register::at(0x0200_4004)] };

struct Timer {
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static TIMER: Timer = Timer {
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for Timer {
    fn now(&self) -> u64 {
        loop {
            let high = NOW[1].read();
            let low = NOW[0].read();
            if NOW[1].read() == high {
                return u64::from(high) << 32 | u64::from(low);
            }
        }
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            if self.queue.borrow_ref_mut(cs).schedule_wake(at, waker) {
                self.set_alarm(cs);
            }
        });
    }
}

impl Timer {
    /// Wakes who is due. The interrupt comes at once if somebody is by the time that the alarm is set.
    fn set_alarm(&self, cs: CriticalSection<'_>) {
        let next = self.queue.borrow_ref_mut(cs).next_expiration(self.now());
        // In this order there is no moment in between at which a half of it would be too early.
        ALARM[1].write(u32::MAX);
        ALARM[0].write(next as u32);
        ALARM[1].write((next >> 32) as u32);
    }
}

#[core_interrupt(Interrupt::MachineTimer)]
fn alarm() {
    critical_section::with(|cs| TIMER.set_alarm(cs));
}
