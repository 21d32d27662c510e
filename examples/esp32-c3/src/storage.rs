//! The flash's partition `zephyr`, for what survives a reset.

use core::ops::Range;

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use esp_bootloader_esp_idf::partitions::{PARTITION_TABLE_MAX_LEN, read_partition_table};
use esp_hal::peripherals::FLASH;
use esp_storage::{FlashStorage, FlashStorageError};

const PARTITION: &str = "zephyr";

/// The flash, and the range of it that partitions.csv gives us.
pub fn open(flash: FLASH<'static>) -> (SpiFlash, Range<u32>) {
    let mut flash = FlashStorage::new(flash);
    let mut table = [0; PARTITION_TABLE_MAX_LEN];
    let table =
        read_partition_table(&mut flash, &mut table).expect("the bootloader has read it too");
    let ours = table.iter().find(|partition| partition.label_as_str() == PARTITION);
    let ours =
        ours.expect("there is a partition `zephyr`: flash with `--partition-table partitions.csv`");
    (SpiFlash(flash), ours.offset()..ours.offset() + ours.len())
}

/// The chip's flash. Reading and writing block: the program runs from the same flash.
pub struct SpiFlash(FlashStorage<'static>);

/// What went wrong.
#[derive(Debug)]
pub struct Error(FlashStorageError);

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self.0 {
            FlashStorageError::NotAligned => NorFlashErrorKind::NotAligned,
            FlashStorageError::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}

impl ErrorType for SpiFlash {
    type Error = Error;
}

impl ReadNorFlash for SpiFlash {
    const READ_SIZE: usize = FlashStorage::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.read_nor(offset, bytes).map_err(Error)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for SpiFlash {
    const WRITE_SIZE: usize = FlashStorage::WRITE_SIZE;
    const ERASE_SIZE: usize = FlashStorage::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        self.0.erase(from, to).map_err(Error)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        self.0.write_nor(offset, bytes).map_err(Error)
    }
}
