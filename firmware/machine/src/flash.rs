//! Flash in RAM.

use core::ops::Range;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

/// Tells that the memory was erased once: QEMU's RAM is zero when it starts, and stays when the machine is reset.
const ERASED_ONCE: u32 = 0x464c_5348;

/// NOR flash in a region of RAM that a reset leaves alone: pages of 4 KiB, words of 4 bytes; erasing sets all bits,
/// writing only clears them.
pub struct RamFlash {
    words: &'static mut [u32],
}

impl RamFlash {
    /// Bytes that are erased together.
    pub const PAGE: usize = 4096;

    /// Flash over `memory`, whose last word is kept as the mark of a flash that was erased once; of the rest, whole
    /// pages are used.
    ///
    /// # Panics
    /// If there is not a page of memory.
    pub fn new(memory: &'static mut [u32]) -> Self {
        let (mark, words) = memory.split_last_mut().expect("there is memory for a flash");
        let used = words.len() / (Self::PAGE / 4) * (Self::PAGE / 4);
        assert!(used > 0, "the flash has a page at least");
        let words = &mut words[..used];
        if *mark != ERASED_ONCE {
            words.fill(u32::MAX);
            *mark = ERASED_ONCE;
        }
        Self { words }
    }

    /// The words at `length` bytes from `offset` on, if both are multiples of `unit` bytes.
    fn words(
        &self,
        offset: u32,
        length: usize,
        unit: usize,
    ) -> Result<Range<usize>, NorFlashErrorKind> {
        let from = offset as usize;
        let to = from.checked_add(length).filter(|&to| to <= self.capacity());
        let to = to.ok_or(NorFlashErrorKind::OutOfBounds)?;
        match from.is_multiple_of(unit) && length.is_multiple_of(unit) {
            true => Ok(from / 4..to / 4),
            false => Err(NorFlashErrorKind::NotAligned),
        }
    }
}

impl ErrorType for RamFlash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for RamFlash {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let words = &self.words[self.words(offset, bytes.len(), Self::READ_SIZE)?];
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.words.len() * 4
    }
}

impl NorFlash for RamFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = Self::PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let length = to.checked_sub(from).ok_or(NorFlashErrorKind::OutOfBounds)? as usize;
        let words = self.words(from, length, Self::ERASE_SIZE)?;
        self.words[words].fill(u32::MAX);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let words = self.words(offset, bytes.len(), Self::WRITE_SIZE)?;
        for (word, from) in self.words[words].iter_mut().zip(bytes.chunks_exact(4)) {
            *word &= u32::from_le_bytes(from.try_into().expect("chunks of 4 bytes"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_futures::block_on;

    fn memory(pages: usize) -> &'static mut [u32] {
        Box::leak(vec![0; pages * RamFlash::PAGE / 4 + 1].into_boxed_slice())
    }

    fn read(flash: &mut RamFlash, offset: u32) -> [u8; 4] {
        let mut bytes = [0; 4];
        block_on(flash.read(offset, &mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn new_flash_is_erased() {
        let mut flash = RamFlash::new(memory(2));
        assert_eq!(flash.capacity(), 8192);
        assert_eq!(read(&mut flash, 8188), [255; 4]);
    }

    #[test]
    fn what_was_written_is_there_after_a_reset() {
        let memory = memory(1);
        let address = memory.as_mut_ptr();
        let length = memory.len();
        block_on(RamFlash::new(memory).write(8, &[1, 2, 3, 4])).unwrap();
        // SAFETY: the memory is leaked, and the flash that had it is gone.
        let mut flash = RamFlash::new(unsafe { core::slice::from_raw_parts_mut(address, length) });
        assert_eq!(read(&mut flash, 8), [1, 2, 3, 4]);
        assert_eq!(read(&mut flash, 12), [255; 4]);
    }

    #[test]
    fn writing_clears_bits_and_erasing_sets_those_of_whole_pages() {
        let mut flash = RamFlash::new(memory(2));
        block_on(flash.write(0, &[0xf0; 4])).unwrap();
        block_on(flash.write(0, &[0x3c; 4])).unwrap();
        assert_eq!(read(&mut flash, 0), [0x30; 4]);
        block_on(flash.write(4096, &[7; 4])).unwrap();
        block_on(flash.erase(0, 4096)).unwrap();
        assert_eq!(read(&mut flash, 0), [255; 4]);
        assert_eq!(read(&mut flash, 4096), [7; 4]);
    }

    #[test]
    fn what_is_not_aligned_or_outside_is_refused() {
        let mut flash = RamFlash::new(memory(1));
        assert_eq!(block_on(flash.write(2, &[0; 4])), Err(NorFlashErrorKind::NotAligned));
        assert_eq!(block_on(flash.write(0, &[0; 3])), Err(NorFlashErrorKind::NotAligned));
        assert_eq!(block_on(flash.erase(0, 4)), Err(NorFlashErrorKind::NotAligned));
        assert_eq!(block_on(flash.write(4096, &[0; 4])), Err(NorFlashErrorKind::OutOfBounds));
        assert_eq!(block_on(flash.read(4096, &mut [0; 4])), Err(NorFlashErrorKind::OutOfBounds));
    }
}
