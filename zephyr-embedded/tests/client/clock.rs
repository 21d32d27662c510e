//! Virtual time, each test's thread its own.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use embassy_time_driver::{Driver, TICK_HZ, time_driver_impl};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static WAKES: RefCell<Vec<(u64, Waker)>> = const { RefCell::new(Vec::new()) };
}

struct Virtual;

time_driver_impl!(static DRIVER: Virtual = Virtual);

impl Driver for Virtual {
    fn now(&self) -> u64 {
        NOW.get()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        WAKES.with_borrow_mut(|wakes| {
            if !wakes.iter().any(|(known, w)| *known == at && w.will_wake(waker)) {
                wakes.push((at, waker.clone()));
            }
        });
    }
}

/// Ticks in a millisecond.
pub const MS: u64 = TICK_HZ / 1_000;

pub fn now() -> u64 {
    NOW.get()
}

/// When the next waker is due.
pub fn next() -> Option<u64> {
    WAKES.with_borrow(|wakes| wakes.iter().map(|(at, _)| *at).min())
}

/// Lets time pass, and wakes who is due.
pub fn advance_to(at: u64) {
    NOW.set(NOW.get().max(at));
    let due: Vec<_> =
        WAKES.with_borrow_mut(|wakes| wakes.extract_if(.., |(t, _)| *t <= at).collect());
    due.into_iter().for_each(|(_, waker)| waker.wake());
}
