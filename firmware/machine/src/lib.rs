//! What Zephyr's emulated machines share.
//!
//! QEMU has no flash that programs can erase, no true random numbers for these boards, and shows the host's loopback
//! under another address. The parts here stand in for that, so that the machines' own crates have drivers only.

#![cfg_attr(not(test), no_std)]

mod executor;
mod flash;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod host;
mod manifest;
mod network;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod semihosting;
mod stack;

pub use executor::{busy_instructions, run};
pub use flash::RamFlash;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
pub use host::{HostRng, Stderr, exit};
pub use manifest::manifest;
pub use network::HostLoopback;
pub use stack::Stack;
