//! Runs the tasks, sleeps when there is nothing to do, and counts the time that it slept.

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};

use critical_section::Mutex;
use embassy_executor::{Spawner, raw::Executor};
use embassy_time::{Instant, TICK_HZ};

/// Whether a task became ready since the tasks were last run.
static READY: AtomicBool = AtomicBool::new(false);
/// Ticks spent asleep.
static SLEPT: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {
    READY.store(true, Ordering::SeqCst);
}

/// Spawns tasks with `start` and runs them for good. `sleep` waits for an interrupt (`wfi`): it is called with interrupts
/// off, and has to return when one is pending.
pub fn run(executor: &'static mut Executor, sleep: fn(), start: impl FnOnce(Spawner)) -> ! {
    let executor: &'static Executor = executor;
    start(executor.spawner());
    loop {
        READY.store(false, Ordering::SeqCst);
        // SAFETY: nothing else polls this executor; `pender` doesn't.
        unsafe { executor.poll() };
        critical_section::with(|cs| {
            if !READY.load(Ordering::SeqCst) {
                let before = Instant::now();
                sleep();
                let slept = before.elapsed().as_ticks();
                SLEPT.borrow(cs).set(SLEPT.borrow(cs).get() + slept);
            }
        });
    }
}

/// The instructions that were run since the start, if QEMU runs with `-icount shift=0`: the time in nanoseconds that the
/// machine was not asleep.
pub fn busy_instructions() -> u64 {
    let slept = critical_section::with(|cs| SLEPT.borrow(cs).get());
    let busy = Instant::now().as_ticks() - slept;
    busy * (1_000_000_000 / TICK_HZ)
}
