//! The network's manifest, put into memory by QEMU as a flashing tool would put it into flash.

/// The longest manifest that is believed to be one.
const LONGEST: usize = 64 * 1024;

/// The manifest at `address`: its length in 4 bytes, little-endian, then its bytes. `None` if there is none.
///
/// QEMU writes both there before the program runs, and again at each reset:
/// `-device loader,addr=ADDRESS,data=LENGTH,data-len=4 -device loader,addr=ADDRESS+4,file=FILE,force-raw=on`.
///
/// # Safety
/// `address` must be that of 64 KiB + 4 bytes of memory, aligned to 4 bytes, that nothing writes.
pub unsafe fn manifest(address: usize) -> Option<&'static [u8]> {
    // SAFETY: the caller says so.
    let length = unsafe { (address as *const u32).read_volatile() } as usize;
    if length == 0 || length > LONGEST {
        return None;
    }
    // SAFETY: `length` is at most what the caller vouches for.
    Some(unsafe { core::slice::from_raw_parts((address + 4) as *const u8, length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_length(length: u32) -> Option<&'static [u8]> {
        let memory = Box::leak(vec![0u32; LONGEST / 4 + 1].into_boxed_slice());
        memory[0] = length.to_le();
        // SAFETY: the memory is as long as is asked for, and leaked.
        unsafe { manifest(memory.as_ptr() as usize) }
    }

    #[test]
    fn it_is_as_long_as_it_says() {
        assert_eq!(with_length(5), Some(&[0; 5][..]));
        assert_eq!(with_length(LONGEST as u32).unwrap().len(), LONGEST);
    }

    #[test]
    fn a_length_that_cannot_be_is_no_manifest() {
        assert_eq!(with_length(0), None);
        assert_eq!(with_length(LONGEST as u32 + 1), None);
    }
}
