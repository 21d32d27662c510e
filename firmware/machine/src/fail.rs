//! The last words of a program that can't go on.
//!
//! What panics say, and the names of the files they are in, would take 40 KB of flash. So firmware says where its
//! calls came from instead, as addresses that `llvm-symbolizer` turns into functions; with the feature `messages` it says
//! the words.

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use crate::{host, memory};

/// The innermost calls, which tell where a panic was. Further out is the executor.
#[cfg(not(feature = "messages"))]
const CALLS: usize = 24;

/// Says on QEMU's standard error why the program can't go on, and ends QEMU with status 1.
#[cold]
pub fn fail(reason: fmt::Arguments<'_>) -> ! {
    // Writing there does not fail.
    let _ = writeln!(host::Stderr, "FAILED: {reason}");
    host::exit(false)
}

/// What a panic handler does.
#[cfg(feature = "messages")]
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    fail(format_args!("{info}"))
}

/// What a panic handler does. It does not look at what it is told, so that the optimiser drops all of that.
#[cfg(not(feature = "messages"))]
pub fn panicked(_: &PanicInfo<'_>) -> ! {
    fail(format_args!("a panic; the functions called on the way there are at{Calls}"))
}

#[cfg(not(feature = "messages"))]
struct Calls;

#[cfg(not(feature = "messages"))]
impl fmt::Display for Calls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        memory::calls().take(CALLS).try_for_each(|call| write!(out, " {call:#x}"))
    }
}
