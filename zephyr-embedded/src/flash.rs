//! [`Storage`] in flash.

use core::fmt;
use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::key_pointers::ArrayKeyPointers;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage, SerializationError, Value};

use crate::storage::{Key, Storage};

/// Of how many items it is remembered where they are: 8 bytes each.
const REMEMBERED: usize = 32;
/// What the key takes of an item.
const KEY: usize = size_of::<u16>();
/// The longest word that can be written.
const WORD: usize = 32;

type Map<F> = MapStorage<u16, F, Cache<Uncached, Uncached, ArrayKeyPointers<u16, REMEMBERED>, u16>>;

/// Items in a range of a NOR flash, written one behind the other, so that all pages wear equally
/// (sequential-storage's map). Nothing is written to a word twice between two erasures.
///
/// What it keeps survives a loss of power at any moment. One page is always free, so that there must be two at least.
/// When a page is full the oldest one is emptied: with small pages that pause is shorter. `ITEM` is the longest item
/// with its key in bytes, a multiple of 32, of which the account takes up to 288; a fragment of a message takes up to 19
/// bytes less than the network's `payload_len`.
pub struct FlashStorage<F: NorFlash, const ITEM: usize = 320> {
    map: Map<F>,
    buffer: Buffer<ITEM>,
}

/// Some flashes are written from aligned memory only.
#[repr(align(32))]
struct Buffer<const N: usize>([u8; N]);

/// Why an item in flash can't be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashError<E> {
    /// The flash says so.
    Flash(E),
    /// It is full. What is there stays.
    Full,
    /// The item is longer than any may be.
    TooLong,
    /// What is in the flash was not written by this client, or broke. Erase it and register again.
    Damaged,
}

impl<E: fmt::Debug> fmt::Display for FlashError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash can't be used: {error:?}"),
            Self::Full => f.write_str("the flash is full: give the client a larger part of it"),
            Self::TooLong => {
                f.write_str("the flash's items are too short: FlashStorage needs a larger ITEM")
            }
            Self::Damaged => f.write_str("what is in the flash is damaged: erase it"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for FlashError<E> {}

impl<F: NorFlash> FlashStorage<F> {
    /// In `range`, in bytes from the flash's start, with items for networks with a `payload_len` of 256.
    ///
    /// # Panics
    /// If `range` is not at least two whole pages: what is erased at once.
    pub fn new(flash: F, range: Range<u32>) -> Self {
        Self::with_items(flash, range)
    }
}

impl<F: NorFlash, const ITEM: usize> FlashStorage<F, ITEM> {
    /// In `range`, in bytes from the flash's start.
    ///
    /// # Panics
    /// If `range` is not at least two whole pages.
    pub fn with_items(flash: F, range: Range<u32>) -> Self {
        const { assert!(ITEM.is_multiple_of(WORD) && ITEM > KEY, "ITEM is a multiple of 32") };
        let Ok(config) = MapConfig::try_new(range) else {
            panic!("a client's flash is two whole pages or more");
        };
        let cache = Cache::new(Uncached, Uncached, ArrayKeyPointers::new());
        Self { map: MapStorage::new(flash, config, cache), buffer: Buffer([0; ITEM]) }
    }

    /// Erases everything: the account too.
    ///
    /// # Errors
    /// The flash's.
    pub async fn erase(&mut self) -> Result<(), FlashError<F::Error>> {
        self.map.erase_all().await.map_err(error)
    }

    /// Gives the flash back.
    pub fn into_inner(self) -> F {
        self.map.destroy().0
    }

    /// What an item of `len` bytes takes in flash.
    fn size(len: usize) -> usize {
        let word = F::WRITE_SIZE.max(F::READ_SIZE);
        Map::<F>::item_overhead_size() as usize + (KEY + len).next_multiple_of(word)
    }
}

impl<F: NorFlash, const ITEM: usize> Storage for FlashStorage<F, ITEM> {
    type Error = FlashError<F::Error>;

    fn longest(&self) -> usize {
        ITEM - KEY
    }

    fn capacity(&self) -> usize {
        let range = self.map.flash_range();
        let pages = (range.end - range.start) as usize / F::ERASE_SIZE;
        let marks = 2 * F::WRITE_SIZE.max(F::READ_SIZE);
        // One page is free, and the end of each other one may be too short for the next item.
        (pages - 1) * F::ERASE_SIZE.saturating_sub(marks + Self::size(self.longest()))
    }

    fn cost(&self, len: usize) -> usize {
        Self::size(len)
    }

    async fn load(&mut self, key: Key, out: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        let item = self.map.fetch_item::<&[u8]>(&mut self.buffer.0, &key.number()).await;
        let item = item.map_err(error)?.filter(|item| !item.is_empty());
        Ok(item.map(|item| {
            out.iter_mut().zip(item).for_each(|(out, byte)| *out = *byte);
            item.len()
        }))
    }

    async fn save(&mut self, key: Key, value: &[&[u8]]) -> Result<(), Self::Error> {
        self.map.store_item(&mut self.buffer.0, &key.number(), &Slices(value)).await.map_err(error)
    }

    async fn remove(&mut self, key: Key) -> Result<(), Self::Error> {
        // Who was removed before need not be marked again.
        match self.load(key, &mut []).await? {
            Some(_) => self.save(key, &[]).await,
            None => Ok(()),
        }
    }

    async fn present(&mut self, first: Key) -> Result<u128, Self::Error> {
        let mut keys = 0;
        let mut items = self.map.fetch_all_items(&mut self.buffer.0).await.map_err(error)?;
        // The last one of a key counts.
        while let Some((key, item)) =
            items.next::<&[u8]>(&mut self.buffer.0).await.map_err(error)?
        {
            let place = key.checked_sub(first.number()).filter(|&place| place < Key::GROUP);
            match place {
                Some(place) if item.is_empty() => keys &= !(1 << place),
                Some(place) => keys |= 1 << place,
                None => {}
            }
        }
        Ok(keys)
    }
}

fn error<E>(error: sequential_storage::Error<E>) -> FlashError<E> {
    use sequential_storage::Error;
    match error {
        Error::Storage { value, .. } => FlashError::Flash(value),
        Error::FullStorage => FlashError::Full,
        Error::ItemTooBig | Error::BufferTooSmall(_) | Error::BufferTooBig => FlashError::TooLong,
        Error::SerializationError(SerializationError::BufferTooSmall) => FlashError::TooLong,
        _ => FlashError::Damaged,
    }
}

/// Slices that become one item.
struct Slices<'s>(&'s [&'s [u8]]);

impl<'b> Value<'b> for Slices<'_> {
    fn serialize_into(&self, buffer: &mut [u8]) -> Result<usize, SerializationError> {
        let mut len = 0;
        for slice in self.0 {
            let end = len + slice.len();
            buffer
                .get_mut(len..end)
                .ok_or(SerializationError::BufferTooSmall)?
                .copy_from_slice(slice);
            len = end;
        }
        Ok(len)
    }

    fn deserialize_from(_: &'b [u8]) -> Result<(Self, usize), SerializationError> {
        // Nobody reads them like this: items are read as one slice.
        Err(SerializationError::InvalidFormat)
    }
}

#[cfg(test)]
pub(crate) mod ram;
#[cfg(test)]
mod tests;
