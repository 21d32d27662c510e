//! The sizes of a program, from the sections of its file.

use std::{fs, path::Path};

use crate::step::Failure;

/// A section has a place in memory (`SHF_ALLOC`) and may be written (`SHF_WRITE`).
const ALLOC: u32 = 2;
const WRITE: u32 = 1;
/// A section without bytes in the file (`SHT_NOBITS`).
const NO_BITS: u32 = 8;

/// How much of a chip a program takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Code, constants, and the first values of variables.
    pub flash: u64,
    /// Variables: the stack excepted.
    pub ram: u64,
}

/// Reads them from a program for a 32-bit little-endian machine.
pub fn sizes(file: &Path) -> Result<Sizes, Failure> {
    let shown = file.display();
    let bytes = fs::read(file)
        .map_err(|error| Failure::new(format!("`{shown}` could not be read: {error}.")))?;
    parse(&bytes).ok_or_else(|| Failure::new(format!("`{shown}` is no program for 32 bits.")))
}

fn parse(elf: &[u8]) -> Option<Sizes> {
    if elf.get(..6)? != b"\x7fELF\x01\x01" {
        return None;
    }
    let start = word(elf, 32)? as usize;
    let (size, count, names) = (half(elf, 46)?, half(elf, 48)?, half(elf, 50)?);
    let header = |index: usize| elf.get(start + index * size..start + (index + 1) * size);
    let names = word(header(names)?, 16)? as usize;
    let mut sizes = Sizes::default();
    for index in 0..count {
        let section = header(index)?;
        let (kind, flags) = (word(section, 4)?, word(section, 8)?);
        let name = elf.get(names + word(section, 0)? as usize..)?;
        // riscv-rt gives the stack all RAM that is left.
        let stack = name.starts_with(b".stack\0") || name.starts_with(b".heap\0");
        if flags & ALLOC == 0 || stack {
            continue;
        }
        let bytes = u64::from(word(section, 20)?);
        sizes.flash += if kind == NO_BITS { 0 } else { bytes };
        sizes.ram += if flags & WRITE == 0 { 0 } else { bytes };
    }
    Some(sizes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes).map(usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with the sections (name, kind, flags, size), and one with their names.
    fn file(sections: &[(&str, u32, u32, u32)]) -> Vec<u8> {
        let mut names = Vec::new();
        let mut headers = Vec::new();
        for &(name, kind, flags, size) in sections {
            let words = [names.len() as u32, kind, flags, 0, 0, size, 0, 0, 0, 0];
            headers.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            names.extend(name.bytes().chain([0]));
        }
        let mut elf = b"\x7fELF\x01\x01".to_vec();
        elf.resize(52, 0);
        let count = sections.len() as u16;
        elf[32..36].copy_from_slice(&(52 + names.len() as u32).to_le_bytes());
        for (at, value) in [(46, 40), (48, count + 1), (50, count)] {
            elf[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        elf.extend(&names);
        elf.extend(headers);
        let own = [0, 3, 0, 0, 52, names.len() as u32, 0, 0, 0, 0];
        elf.extend(own.iter().flat_map(|word: &u32| word.to_le_bytes()));
        elf
    }

    #[test]
    fn what_is_stored_is_flash_and_what_is_written_is_ram() {
        let elf = file(&[
            (".text", 1, ALLOC | 4, 1_000),
            (".data", 1, ALLOC | WRITE, 20),
            (".bss", NO_BITS, ALLOC | WRITE, 300),
            (".stack", NO_BITS, ALLOC | WRITE, 40_000),
            (".comment", 1, 0, 500),
        ]);
        assert_eq!(parse(&elf), Some(Sizes { flash: 1_020, ram: 320 }));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let elf = file(&[(".text", 1, ALLOC, 1)]);
        assert_eq!(parse(b"\x7fELF\x02\x01"), None, "64 bits");
        (0..elf.len()).for_each(|cut| assert_eq!(parse(&elf[..cut]), None, "{cut}"));
    }
}
