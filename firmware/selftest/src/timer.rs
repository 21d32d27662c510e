//! Counts instructions.
//!
//! With `-icount shift=0` QEMU lets one virtual nanosecond pass for each instruction. The board's first CMSDK timer
//! runs at 25 MHz of that time, so that one tick is 40 instructions.

const CTRL: *mut u32 = 0x4000_0000 as *mut u32;
const VALUE: *mut u32 = 0x4000_0004 as *mut u32;
const RELOAD: *mut u32 = 0x4000_0008 as *mut u32;

const INSTRUCTIONS_PER_TICK: u64 = 40;

/// Lets the timer run, round and round.
pub fn start() {
    // SAFETY: the registers of the CMSDK timer 0 of the MPS2 boards; nothing else in this program touches them.
    unsafe {
        CTRL.write_volatile(0);
        RELOAD.write_volatile(u32::MAX);
        VALUE.write_volatile(u32::MAX);
        CTRL.write_volatile(1);
    }
}

/// The instructions that `f` takes, and what it returns. Good for steps of up to 171 thousand million instructions;
/// exact to a tick, and in the mean of many.
pub fn count<T>(f: impl FnOnce() -> T) -> (u64, T) {
    let before = value();
    let result = f();
    // The timer counts down.
    (u64::from(before.wrapping_sub(value())) * INSTRUCTIONS_PER_TICK, result)
}

fn value() -> u32 {
    // SAFETY: as in `start`.
    unsafe { VALUE.read_volatile() }
}
