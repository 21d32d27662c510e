//! The flash's second bank, for what survives a reset.

use core::{arch::asm, ops::Range};

use cortex_m::peripheral::SCB;
use embassy_stm32::{
    Peri,
    flash::{Async, Bank2Region, Error, Flash},
    pac,
    peripherals::FLASH,
};
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use crate::board::Interrupts;

/// Four sectors of 128 KB: two would do, but each may be erased 10,000 times only.
pub const RANGE: Range<u32> = 0..4 * 128 * 1024;

/// Bank 2. The processor goes on while it is written and erased (a second or two a sector).
///
/// A loss of power while 32 bytes are written leaves them with a wrong check (ECC), and reading them is a bus fault.
/// Storage must be able to read them, to see that they are damaged: so its reads ignore bus faults.
pub struct BankTwo(Bank2Region<'static, Async>);

impl BankTwo {
    pub fn new(flash: Peri<'static, FLASH>) -> Self {
        Self(Flash::new(flash, Interrupts).into_regions().bank2_region)
    }
}

impl ErrorType for BankTwo {
    type Error = Error;
}

impl ReadNorFlash for BankTwo {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        let result = ignoring_bus_faults(|| self.0.blocking_read(offset, bytes));
        forget_wrong_checks();
        result
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for BankTwo {
    const WRITE_SIZE: usize = <Bank2Region<'static, Async> as NorFlash>::WRITE_SIZE;
    const ERASE_SIZE: usize = <Bank2Region<'static, Async> as NorFlash>::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        self.0.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        self.0.write(offset, bytes).await
    }
}

/// Runs `read` so that a load that fails gives any value instead of a fault (Armv7-M: FAULTMASK with CCR.BFHFNMIGN).
fn ignoring_bus_faults<T>(read: impl FnOnce() -> T) -> T {
    const BFHFNMIGN: u32 = 1 << 8;
    // SAFETY: the bit changes only what happens at a priority of -1, which the program has nowhere but here.
    unsafe { (*SCB::PTR).ccr.modify(|ccr| ccr | BFHFNMIGN) };
    // SAFETY: masks all interrupts and faults for a few microseconds. As an `asm` that may touch memory it keeps the
    // loads of `read` between the two.
    unsafe { asm!("cpsid f", "isb", options(nostack, preserves_flags)) };
    let result = read();
    // SAFETY: as above; nothing else sets the mask, so nobody relies on it.
    unsafe { asm!("dsb", "cpsie f", options(nostack, preserves_flags)) };
    result
}

/// What a read has noted, even a mistake that it corrected, would fail every later write.
fn forget_wrong_checks() {
    pac::FLASH.bank(1).ccr().write(|clear| {
        clear.set_clr_sneccerr(true);
        clear.set_clr_dbeccerr(true);
    });
}
