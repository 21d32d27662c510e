//! Time: one CMSDK timer that runs freely at 25 MHz, and one that wakes tasks.

use core::cell::RefCell;
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::{Driver, time_driver_impl};
use embassy_time_queue_utils::Queue;

use crate::register::Register;

const NANOSECONDS_PER_COUNT: u64 = 40;
/// The alarm rings this often at least, in counts (86 s), so that no turn of the free timer (172 s) goes unnoticed.
const LONGEST: u64 = 1 << 31;

/// A timer counts down, and from 0 on from RELOAD again.
struct Timer {
    control: Register,
    value: Register,
    reload: Register,
    interrupt: Register,
}

impl Timer {
    const ENABLE: u32 = 1;
    const INTERRUPT: u32 = 1 << 3;

    const fn new(base: usize) -> Self {
        // SAFETY: called below with the addresses of the board's two CMSDK timers.
        unsafe {
            Self {
                control: Register::at(base),
                value: Register::at(base + 4),
                reload: Register::at(base + 8),
                interrupt: Register::at(base + 12),
            }
        }
    }

    fn start(&self, control: u32) {
        self.control.write(0);
        self.reload.write(u32::MAX);
        self.value.write(u32::MAX);
        self.control.write(control);
    }
}

const FREE: Timer = Timer::new(0x4000_0000);
const ALARM: Timer = Timer::new(0x4000_1000);

struct Clock(Mutex<RefCell<State>>);

struct State {
    /// Counts since the start, as they were when the free timer stood at `seen`.
    counts: u64,
    seen: u32,
    waiting: Queue,
}

time_driver_impl!(static CLOCK: Clock = Clock(Mutex::new(RefCell::new(State {
    counts: 0,
    seen: 0,
    waiting: Queue::new(),
}))));

impl State {
    fn now(&mut self) -> u64 {
        let count = u32::MAX - FREE.value.read();
        self.counts += u64::from(count.wrapping_sub(self.seen));
        self.seen = count;
        self.counts * NANOSECONDS_PER_COUNT
    }

    /// Wakes what is due and sets the alarm for what comes next.
    fn set_alarm(&mut self) {
        let now = self.now();
        let next = self.waiting.next_expiration(now);
        let counts = (next.saturating_sub(now)).div_ceil(NANOSECONDS_PER_COUNT);
        ALARM.value.write(counts.clamp(1, LONGEST) as u32);
    }
}

impl Clock {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        critical_section::with(|cs: CriticalSection<'_>| f(&mut self.0.borrow_ref_mut(cs)))
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        self.with(State::now)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        self.with(|state| {
            if state.waiting.schedule_wake(at, waker) {
                state.set_alarm();
            }
        });
    }
}

/// Starts both timers.
pub fn start() {
    FREE.start(Timer::ENABLE);
    ALARM.start(Timer::ENABLE | Timer::INTERRUPT);
    CLOCK.with(State::set_alarm);
}

/// The alarm rings.
pub fn interrupted() {
    ALARM.interrupt.write(1);
    CLOCK.with(State::set_alarm);
}
