//! A NOR flash in RAM, whose power can be cut.

use std::cell::RefCell;
use std::rc::Rc;
use std::vec::Vec;

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// Pages of `PAGE` bytes and words of `WORD`, which can be written once between two erasures.
#[derive(Clone)]
pub(crate) struct RamFlash<const PAGE: usize, const WORD: usize>(Rc<RefCell<Cells>>);

struct Cells {
    bytes: Vec<u8>,
    /// How many more words can be written, or pages erased, before the power is lost.
    power: Option<u32>,
    /// How many were.
    used: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RamError {
    PowerLost,
    /// A rule of flashes was broken.
    Misused(NorFlashErrorKind),
}

impl NorFlashError for RamError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::PowerLost => NorFlashErrorKind::Other,
            Self::Misused(kind) => *kind,
        }
    }
}

impl<const PAGE: usize, const WORD: usize> RamFlash<PAGE, WORD> {
    pub(crate) fn new(pages: usize) -> Self {
        let bytes = std::vec![0xff; pages * PAGE];
        Self(Rc::new(RefCell::new(Cells { bytes, power: None, used: 0 })))
    }

    /// Loses its power with the word or page after `more` others; `None`: never.
    pub(crate) fn cut_after(&self, more: Option<u32>) {
        self.0.borrow_mut().power = more;
    }

    pub(crate) fn used(&self) -> u32 {
        self.0.borrow().used
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.borrow().bytes.len() as u32
    }

    /// Whatever is in it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut [u8])) {
        change(&mut self.0.borrow_mut().bytes);
    }
}

impl Cells {
    fn check(&self, from: usize, len: usize, unit: usize) -> Result<(), RamError> {
        let misused = |kind| Err(RamError::Misused(kind));
        if self.power == Some(0) {
            return Err(RamError::PowerLost);
        }
        if from + len > self.bytes.len() {
            return misused(NorFlashErrorKind::OutOfBounds);
        }
        if !from.is_multiple_of(unit) || !len.is_multiple_of(unit) {
            return misused(NorFlashErrorKind::NotAligned);
        }
        Ok(())
    }

    /// Whether the power lasts for one more.
    fn lasts(&mut self) -> bool {
        self.used += 1;
        if let Some(power) = &mut self.power {
            *power = power.saturating_sub(1);
        }
        self.power != Some(0)
    }
}

impl<const PAGE: usize, const WORD: usize> ErrorType for RamFlash<PAGE, WORD> {
    type Error = RamError;
}

impl<const PAGE: usize, const WORD: usize> ReadNorFlash for RamFlash<PAGE, WORD> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), RamError> {
        let cells = self.0.borrow();
        cells.check(offset as usize, bytes.len(), 1)?;
        bytes.copy_from_slice(&cells.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.len() as usize
    }
}

impl<const PAGE: usize, const WORD: usize> NorFlash for RamFlash<PAGE, WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), RamError> {
        let mut cells = self.0.borrow_mut();
        let (from, to) = (from as usize, to as usize);
        cells.check(from, to - from, PAGE)?;
        for page in (from..to).step_by(PAGE) {
            // Without power only the first half of the page is erased.
            let lasts = cells.lasts();
            let len = if lasts { PAGE } else { PAGE / 2 };
            cells.bytes[page..page + len].fill(0xff);
            if !lasts {
                return Err(RamError::PowerLost);
            }
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), RamError> {
        let mut cells = self.0.borrow_mut();
        cells.check(offset as usize, bytes.len(), WORD)?;
        for (i, word) in bytes.chunks(WORD).enumerate() {
            let at = offset as usize + i * WORD;
            // Without power only half of the word is written.
            let lasts = cells.lasts();
            let word = if lasts { word } else { &word[..word.len() / 2] };
            let there = &mut cells.bytes[at..at + word.len()];
            // One that was half written may be written again, as it should have been.
            let is = |(old, new): (&u8, &u8)| *old == 0xff || old == new;
            assert!(there.iter().zip(word).all(is), "a word is written twice");
            there.copy_from_slice(word);
            if !lasts {
                return Err(RamError::PowerLost);
            }
        }
        Ok(())
    }
}
