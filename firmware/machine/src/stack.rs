//! How deep the stack has been.
//!
//! The stack's memory is filled with a pattern; the deepest word that has changed is as deep as the program went.

const PATTERN: u32 = 0xa5c3_5a3c;
/// Left alone below the stack pointer while painting: the frames of the functions that paint.
const MARGIN: usize = 256;

/// The memory of the stack, which grows downwards.
#[derive(Clone, Copy)]
pub struct Stack {
    bottom: usize,
    top: usize,
}

impl Stack {
    /// Fills what is unused yet of the stack between `bottom` and `top` (addresses, from the linker script).
    ///
    /// # Safety
    /// The program must run on that stack, and nothing else may use its memory.
    #[inline(never)]
    pub unsafe fn paint(bottom: usize, top: usize) -> Self {
        let here = 0_u32;
        let used_from = (&raw const here as usize).saturating_sub(MARGIN);
        for address in (bottom..used_from).step_by(4) {
            // SAFETY: aligned memory below all frames; the caller says that nobody else uses it.
            unsafe { (address as *mut u32).write_volatile(PATTERN) }
        }
        Self { bottom, top }
    }

    /// Bytes that the stack has taken at its deepest.
    #[inline(never)]
    pub fn used(&self) -> usize {
        let changed = (self.bottom..self.top).step_by(4).find(|&address| {
            // SAFETY: aligned memory of the stack; a volatile read of any word of it is a plain number.
            unsafe { (address as *const u32).read_volatile() != PATTERN }
        });
        self.top - changed.unwrap_or(self.top)
    }

    /// Whether it has been so deep that it may have gone on beyond its memory.
    pub fn is_full(&self) -> bool {
        // SAFETY: as above.
        unsafe { (self.bottom as *const u32).read_volatile() != PATTERN }
    }
}
