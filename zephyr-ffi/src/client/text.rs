//! Text on its way to C.

use std::ffi::CString;

/// Text for C: up to its first NUL, if it has one.
pub(super) fn c_text(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).expect("there is no NUL left")
}
