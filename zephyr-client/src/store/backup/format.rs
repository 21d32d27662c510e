//! The bytes of a backup:
//!
//! ```text
//! "zephyr-backup-v1\n" ‖ memory in KiB u32 ‖ passes u32 ‖ lanes u32 ‖ salt 16 ‖ nonce 24 ‖ tag 16 ‖ home
//! ```
//!
//! with the home, a SQLite database, in XSalsa20-Poly1305 under the Argon2id (RFC 9106, version 0x13) of the
//! passphrase's UTF-8, the salt and the parameters, all big-endian.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zephyr_core::hazmat::{secretbox_open, secretbox_seal};
use zeroize::Zeroizing;

use super::super::StoreError;
use super::BackupError;

/// The longest home in bytes that is backed up or restored: 1 GiB.
pub(super) const MAX_HOME: usize = 1 << 30;

const MAGIC: &[u8; 17] = b"zephyr-backup-v1\n";
const SALT: usize = 16;
const NONCE: usize = 24;
const TAG: usize = 16;
const HEADER: usize = MAGIC.len() + 12 + SALT + NONCE + TAG;

/// What it costs to try a passphrase. A file says it for itself, so that this can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommendation of RFC 9106, on one thread.
    const NEW: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 1 };
    /// A hostile file may not cost more than this.
    const MOST: Self = Self { memory_kib: 1 << 20, passes: 16, lanes: 16 };

    fn to_bytes(self) -> [u8; 12] {
        let mut out = [0; 12];
        for (out, number) in out.chunks_mut(4).zip([self.memory_kib, self.passes, self.lanes]) {
            out.copy_from_slice(&number.to_be_bytes());
        }
        out
    }

    /// `None` if it is more than any file may cost.
    fn from_bytes(bytes: &[u8; 12]) -> Option<Self> {
        let mut numbers = bytes
            .chunks_exact(4)
            .map(|number| u32::from_be_bytes(number.try_into().expect("chunks of 4 bytes")));
        let mut next = |most| numbers.next().filter(|number| *number <= most);
        let memory_kib = next(Self::MOST.memory_kib)?;
        let passes = next(Self::MOST.passes)?;
        let lanes = next(Self::MOST.lanes)?;
        Some(Self { memory_kib, passes, lanes })
    }

    /// `None` if the parameters are none of Argon2's.
    fn key(
        self,
        passphrase: &str,
        salt: &[u8; SALT],
    ) -> Option<Result<Zeroizing<[u8; 32]>, BackupError>> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let blocks = params.block_count();
        let mut memory = Zeroizing::new(Vec::<Block>::new());
        if memory.try_reserve_exact(blocks).is_err() {
            return Some(Err(BackupError::Memory(self.memory_kib >> 10)));
        }
        memory.resize(blocks, Block::new());
        let mut key = Zeroizing::new([0; 32]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let password = passphrase.as_bytes();
        argon2.hash_password_into_with_memory(password, salt, &mut *key, &mut memory[..]).ok()?;
        Some(Ok(key))
    }
}

/// Whether a home of so many bytes can be backed up.
pub(super) fn check_len(len: u64) -> Result<(), BackupError> {
    if len > MAX_HOME as u64 { Err(BackupError::TooLong(len)) } else { Ok(()) }
}

/// Encrypts a home in place, and returns what stands in front of it.
pub(super) fn seal(home: &mut [u8], passphrase: &str) -> Result<[u8; HEADER], BackupError> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    getrandom::fill(&mut salt).map_err(StoreError::from)?;
    getrandom::fill(&mut nonce).map_err(StoreError::from)?;
    let key = Cost::NEW.key(passphrase, &salt).expect("these are parameters of Argon2")?;
    let tag = secretbox_seal(&key, &nonce, home);
    let parts: [&[u8]; 5] = [MAGIC, &Cost::NEW.to_bytes(), &salt, &nonce, &tag];
    Ok(parts.concat().try_into().expect("the parts' lengths are the header's"))
}

/// The home in the backup `path`.
pub(super) fn open(path: &Path, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let unreadable = || BackupError::Unreadable(path.to_owned());
    let mut file = File::open(path).map_err(BackupError::file(path))?;
    let mut header = Vec::new();
    let read = file.by_ref().take(HEADER as u64).read_to_end(&mut header);
    read.map_err(BackupError::file(path))?;
    let header = Header::parse(&header).ok_or_else(unreadable)?;
    // As long as what is really there; what is too long is refused without being decrypted.
    let mut home = Zeroizing::new(Vec::new());
    let read = file.take(MAX_HOME as u64 + 1).read_to_end(&mut home);
    read.map_err(BackupError::file(path))?;
    if home.len() > MAX_HOME {
        return Err(unreadable());
    }
    let key = header.cost.key(passphrase, &header.salt).ok_or_else(unreadable)??;
    secretbox_open(&key, &header.nonce, &mut home, &header.tag).ok_or_else(unreadable)?;
    Ok(home)
}

struct Header {
    cost: Cost,
    salt: [u8; SALT],
    nonce: [u8; NONCE],
    tag: [u8; TAG],
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (cost, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let tag = rest.try_into().ok()?;
        Some(Self { cost: Cost::from_bytes(cost)?, salt: *salt, nonce: *nonce, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_all_that_is_needed_and_stays_as_it_is() {
        let mut home = *b"a home";
        let sealed = seal(&mut home, "correct horse").unwrap();
        assert_eq!(&sealed[..17], b"zephyr-backup-v1\n");
        assert_eq!(sealed[17..29], [0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
        assert_eq!((sealed.len(), home == *b"a home"), (85, false));
        let header = Header::parse(&sealed).unwrap();
        assert_eq!(header.cost, Cost::NEW);
        let key = header.cost.key("correct horse", &header.salt).unwrap().unwrap();
        secretbox_open(&key, &header.nonce, &mut home, &header.tag).unwrap();
        assert_eq!(home, *b"a home");
    }

    #[test]
    fn a_file_cannot_ask_for_more_work_than_there_is_a_limit_for() {
        let parse = |memory_kib, passes, lanes| {
            let cost = Cost { memory_kib, passes, lanes }.to_bytes();
            let cost = Cost::from_bytes(&cost)?;
            // The key of the longest takes too long for a test.
            Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()
        };
        assert!(parse(64 << 10, 3, 1).is_some() && parse(1 << 20, 16, 16).is_some());
        for (memory, passes, lanes) in [
            ((1 << 20) + 1, 3, 1),
            (u32::MAX, 3, 1),
            (64 << 10, 17, 1),
            (64 << 10, u32::MAX, 1),
            (64 << 10, 3, 17),
            (64 << 10, 3, u32::MAX),
            (0, 3, 1),
            (7, 3, 1),
            (64 << 10, 0, 1),
            (64 << 10, 3, 0),
            (15, 3, 2),
        ] {
            assert!(parse(memory, passes, lanes).is_none(), "{memory} {passes} {lanes}");
        }
        assert!(Cost { memory_kib: 7, passes: 3, lanes: 1 }.key("x", &[0; SALT]).is_none());
    }
}
