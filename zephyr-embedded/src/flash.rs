//! [`Storage`] in flash.

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;

use crate::storage::{Key, Storage};

/// Items in a range of a flash.
pub struct FlashStorage<F> {
    flash: F,
    range: Range<u32>,
}

impl<F: NorFlash> FlashStorage<F> {
    /// In `range`, in bytes from the flash's start.
    pub fn new(flash: F, range: Range<u32>) -> Self {
        Self { flash, range }
    }
}

impl<F: NorFlash> Storage for FlashStorage<F> {
    type Error = F::Error;

    async fn load(&mut self, key: Key, out: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        let _ = (key, out, &self.range);
        Ok(None)
    }

    async fn save(&mut self, key: Key, value: &[u8]) -> Result<(), Self::Error> {
        let _ = (key, value, &mut self.flash);
        Ok(())
    }

    async fn remove(&mut self, key: Key) -> Result<(), Self::Error> {
        let _ = key;
        Ok(())
    }
}
