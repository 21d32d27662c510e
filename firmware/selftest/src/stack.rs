//! Measures how deep a step goes into the stack.
//!
//! The RAM between the static data and the stack pointer is filled with a pattern; the deepest word that has changed
//! afterwards is as deep as the step went.

const PATTERN: u32 = 0xa5c3_5a3c;
/// Left alone below the stack pointer while painting: the frame of the function that paints.
const MARGIN: usize = 128;

unsafe extern "C" {
    /// First address after the static data, from the linker script.
    static __sheap: u32;
    /// First address after the RAM, where the stack begins.
    static _stack_start: u32;
}

/// Bytes of stack.
pub struct Used {
    /// By the step alone.
    pub step: usize,
    /// By the step and all that called it.
    pub whole: usize,
}

/// The step ran through the whole stack into the static data, so nothing that it says can be trusted.
pub struct Overflow;

/// The stack that `f` takes, and what it returns.
#[inline(never)]
pub fn measure<T>(f: impl FnOnce() -> T) -> Result<(Used, T), Overflow> {
    let top = cortex_m::register::msp::read() as usize;
    let bottom = &raw const __sheap as usize;
    paint(bottom, top - MARGIN);
    let result = f();
    match deepest(bottom, top) {
        deepest if deepest == bottom => Err(Overflow),
        deepest => {
            let whole = &raw const _stack_start as usize - deepest;
            Ok((Used { step: top - deepest, whole }, result))
        }
    }
}

#[inline(never)]
fn paint(from: usize, to: usize) {
    for address in (from..to).step_by(4) {
        // SAFETY: aligned RAM between the static data and the live stack; nobody else uses it, there is no heap.
        unsafe { (address as *mut u32).write_volatile(PATTERN) }
    }
}

/// The lowest word from `from` on that no longer has the pattern.
#[inline(never)]
fn deepest(from: usize, to: usize) -> usize {
    // SAFETY: aligned RAM, as above; a volatile read of any word of it is a plain number.
    (from..to)
        .step_by(4)
        .find(|&address| unsafe { (address as *const u32).read_volatile() } != PATTERN)
        .unwrap_or(to)
}
