//! Registers of devices, which stand at fixed addresses of the board.

/// One register. Reading and writing it is safe, since whoever names its address vouches for it.
pub struct Register<T>(*mut T);

impl<T: Copy> Register<T> {
    /// The register at an address.
    ///
    /// # Safety
    ///
    /// There is a register of this size at the address, and neither reading nor writing it changes memory that Rust
    /// knows of.
    pub const unsafe fn at(address: usize) -> Self {
        Self(address as *mut T)
    }

    /// Reads it.
    pub fn read(&self) -> T {
        // SAFETY: `at` was promised that it can be read.
        unsafe { self.0.read_volatile() }
    }

    /// Writes it.
    pub fn write(&self, value: T) {
        // SAFETY: `at` was promised that it can be written.
        unsafe { self.0.write_volatile(value) }
    }
}
