//! True random numbers, as the protocol's core takes them.

use core::convert::Infallible;

use embassy_stm32::{Peri, peripherals::RNG, rng::Rng};
use rand_core::{TryCryptoRng, TryRng};

use crate::board::Interrupts;

/// The chip's analog noise source, checked by the chip itself: after a fault it is started anew before it gives more.
pub struct Random(Rng<'static, RNG>);

impl Random {
    pub fn new(peripheral: Peri<'static, RNG>) -> Self {
        Self(Rng::new(peripheral, Interrupts))
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Random {}
