//! What Zephyr's emulated machines share.
//!
//! QEMU has no flash that programs can erase, no true random numbers for these boards, and shows the host's loopback
//! under another address. The parts here stand in for that, so that the machines' own crates have drivers only.

#![cfg_attr(not(test), no_std)]

#[cfg(any(test, target_arch = "arm", target_arch = "riscv32"))]
mod calls;
mod executor;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod fail;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod figures;
mod flash;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod host;
#[cfg(any(test, target_arch = "arm", target_arch = "riscv32"))]
mod manifest;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod memory;
mod network;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod semihosting;
mod stack;

pub use executor::{busy_instructions, run};
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
pub use fail::{fail, panicked};
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
pub use figures::Figures;
pub use flash::RamFlash;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
pub use host::{HostRng, exit};
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
pub use memory::{STORAGE_RANGE, manifest, storage};
pub use network::HostLoopback;
pub use stack::Stack;
