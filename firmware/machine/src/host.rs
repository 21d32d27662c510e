//! What the host lends through semihosting: random numbers, a place to complain, an end.

use core::convert::Infallible;
use core::fmt;

use rand_core::{TryCryptoRng, TryRng};

use crate::semihosting::{EXIT, OPEN, READ, WRITE0, call};

const URANDOM: &[u8] = b"/dev/urandom\0";
/// Semihosting's word for "open to read bytes".
const READ_BYTES: usize = 1;
/// The end of a program that did what it should, and of one that did not.
const FINISHED: usize = 0x20026;
const FAILED: usize = 0x20023;

/// Random numbers from the host's `/dev/urandom`. A real board has a generator of its own.
pub struct HostRng {
    file: usize,
}

impl HostRng {
    /// Opens the host's generator.
    ///
    /// # Panics
    /// If QEMU has no semihosting (`-semihosting-config enable=on,target=native`) or the host no such file.
    pub fn open() -> Self {
        let parameters = [URANDOM.as_ptr() as usize, READ_BYTES, URANDOM.len() - 1];
        // SAFETY: the parameters of OPEN: a name, how to open it, the name's length without the zero.
        let file = unsafe { call(OPEN, parameters.as_ptr() as usize) };
        assert!(file != usize::MAX, "QEMU lends no /dev/urandom: is semihosting on?");
        Self { file }
    }
}

impl TryRng for HostRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, mut destination: &mut [u8]) -> Result<(), Infallible> {
        while !destination.is_empty() {
            let parameters = [self.file, destination.as_mut_ptr() as usize, destination.len()];
            // SAFETY: the parameters of READ: a file, memory to write to, its length. It returns how much was not read.
            let missing = unsafe { call(READ, parameters.as_ptr() as usize) };
            assert!(missing < destination.len(), "the host's /dev/urandom can't be read");
            let read = destination.len() - missing;
            destination = &mut destination[read..];
        }
        Ok(())
    }
}

impl TryCryptoRng for HostRng {}

/// QEMU's standard error: for the last words of a program that can't go on.
pub struct Stderr;

impl fmt::Write for Stderr {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut line = [0; 65];
        for part in text.as_bytes().chunks(line.len() - 1) {
            line[..part.len()].copy_from_slice(part);
            line[part.len()] = 0;
            // SAFETY: WRITE0 takes a text that ends with a zero.
            unsafe { call(WRITE0, line.as_ptr() as usize) };
        }
        Ok(())
    }
}

/// Ends QEMU, with status 0 after success and 1 otherwise.
pub fn exit(success: bool) -> ! {
    let reason = if success { FINISHED } else { FAILED };
    // SAFETY: on machines of 32 bits EXIT takes the reason itself.
    unsafe { call(EXIT, reason) };
    loop {
        core::hint::spin_loop();
    }
}
