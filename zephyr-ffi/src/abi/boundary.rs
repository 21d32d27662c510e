//! The one way from C into Rust and back: failures become a status, and no panic goes further.

use core::fmt::Display;

use super::status::zephyr_status::{self, *};

/// Why a function could not do it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: zephyr_status,
    #[cfg(feature = "io")]
    detail: Option<std::string::String>,
}

impl Failure {
    /// With what there is to say about it, for `zephyr_last_error`.
    pub(crate) fn new(status: zephyr_status, detail: impl Display) -> Self {
        #[cfg(feature = "io")]
        return Self { status, detail: Some(std::format!("{detail}")) };
        #[cfg(not(feature = "io"))]
        {
            let _ = detail;
            Self { status }
        }
    }
}

impl From<zephyr_status> for Failure {
    fn from(status: zephyr_status) -> Self {
        Self {
            status,
            #[cfg(feature = "io")]
            detail: None,
        }
    }
}

/// What every function of the library runs in.
#[cfg(not(feature = "io"))]
pub(crate) fn boundary(f: impl FnOnce() -> Result<(), Failure>) -> zephyr_status {
    // Where there is no std a panic ends the program.
    f().map_or_else(|failure| failure.status, |()| ZEPHYR_OK)
}

/// What every function of the library runs in.
#[cfg(feature = "io")]
pub(crate) fn boundary(f: impl FnOnce() -> Result<(), Failure>) -> zephyr_status {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    // What the panic left half done is behind a handle whose documentation says to close it.
    let failure = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(())) => return ZEPHYR_OK,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            let message = panic.downcast_ref::<&str>().map(|text| (*text).into());
            let message = message.or_else(|| panic.downcast_ref::<std::string::String>().cloned());
            Failure { status: ZEPHYR_ERROR_PANIC, detail: message }
        }
    };
    last_error::set(failure.status, failure.detail);
    failure.status
}

#[cfg(feature = "io")]
mod last_error {
    use core::ffi::{CStr, c_char};
    use std::cell::RefCell;
    use std::string::String;

    use super::{boundary, zephyr_status};
    use crate::abi::output_text;
    use crate::abi::status::zephyr_status_text;

    std::thread_local! {
        static LAST: RefCell<String> = const { RefCell::new(String::new()) };
    }

    pub(super) fn set(status: zephyr_status, detail: Option<String>) {
        let text = detail.unwrap_or_else(|| {
            // SAFETY: the text is a constant that ends with NUL.
            let text = unsafe { CStr::from_ptr(zephyr_status_text(status as i32)) };
            text.to_string_lossy().into_owned()
        });
        LAST.set(text);
    }

    /// Why the last function that failed on this thread did, as a sentence in English; empty if none has.
    ///
    /// `out` is given the text with a NUL behind it, `needed` (may be NULL) its length in bytes with the NUL.
    /// @return ZEPHYR_ERROR_BUFFER if `out_len` is less than that; the text stays as it is then.
    ///
    /// # Safety
    /// `out` has room for `out_len` bytes.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn zephyr_last_error(
        out: *mut c_char,
        out_len: usize,
        needed: *mut usize,
    ) -> zephyr_status {
        let text = LAST.with_borrow(Clone::clone);
        let status = boundary(|| {
            // SAFETY: as this function's caller promises.
            unsafe { output_text(&text, out, out_len, needed) }
        });
        LAST.set(text);
        status
    }
}

/// Panics, for the tests in C. Not in the header, and only in development builds.
///
/// cbindgen:ignore
#[cfg(all(feature = "io", debug_assertions))]
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_test_panic() -> zephyr_status {
    boundary(|| panic!("provoked by a test"))
}

#[cfg(all(not(feature = "io"), target_os = "none"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    abort()
}

#[cfg(all(test, feature = "io"))]
mod tests {
    use core::ffi::CStr;

    use super::*;

    #[test]
    fn a_panic_becomes_a_status_with_its_message() {
        assert_eq!(boundary(|| panic!("provoked")), ZEPHYR_ERROR_PANIC);
        let mut text = [1; 20];
        let (mut needed, out) = (0, text.as_mut_ptr());
        // SAFETY: the lengths are those of the buffer.
        let short = unsafe { last_error::zephyr_last_error(out, 8, &mut needed) };
        assert_eq!((short, needed), (ZEPHYR_ERROR_BUFFER, 9));
        assert_eq!(text, [1; 20]);
        // SAFETY: as above.
        let status = unsafe { last_error::zephyr_last_error(text.as_mut_ptr(), 20, &mut needed) };
        assert_eq!(status, ZEPHYR_OK);
        // SAFETY: the function has written a NUL.
        assert_eq!(unsafe { CStr::from_ptr(text.as_ptr()) }, c"provoked");
    }
}
