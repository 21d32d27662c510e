//! Registers of the board's devices.

/// A register of 32 bits.
#[derive(Clone, Copy)]
pub struct Register(usize);

impl Register {
    /// The register at `address`.
    ///
    /// # Safety
    /// There must be a device's register, which reads and writes as its manual says and touches no memory of the program.
    pub const unsafe fn at(address: usize) -> Self {
        Self(address)
    }

    /// Reads it.
    pub fn read(self) -> u32 {
        // SAFETY: see `at`.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    /// Writes it.
    pub fn write(self, value: u32) {
        // SAFETY: see `at`.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}
