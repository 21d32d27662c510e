//! Versions of the library and of its ABI.

use core::ffi::{CStr, c_char};

use super::boundary::boundary;
use super::status::zephyr_status::{self, *};

/// The version of the ABI that this header describes. It changes when a program would have to be compiled again.
pub const ZEPHYR_ABI_VERSION: u32 = 1;

/// The version of the library that this header came with: major number.
pub const ZEPHYR_VERSION_MAJOR: u32 = 0;
/// Minor number.
pub const ZEPHYR_VERSION_MINOR: u32 = 1;
/// Patch number.
pub const ZEPHYR_VERSION_PATCH: u32 = 0;

const VERSION: &CStr = c"0.1.0";

/// The version of the library, such as "0.1.0". Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The version of the library's ABI.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_abi_version() -> u32 {
    ZEPHYR_ABI_VERSION
}

/// Whether the library fits the header: call it with ZEPHYR_ABI_VERSION before anything else.
///
/// @return ZEPHYR_ERROR_ABI if it doesn't.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_check_abi(abi_version: u32) -> zephyr_status {
    boundary(
        || if abi_version == ZEPHYR_ABI_VERSION { Ok(()) } else { Err(ZEPHYR_ERROR_ABI.into()) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_of_the_crate() {
        let numbers = [ZEPHYR_VERSION_MAJOR, ZEPHYR_VERSION_MINOR, ZEPHYR_VERSION_PATCH];
        let numbers = numbers.map(|number| std::format!("{number}")).join(".");
        assert_eq!(VERSION.to_str(), Ok(env!("CARGO_PKG_VERSION")));
        assert_eq!(numbers, env!("CARGO_PKG_VERSION"));
    }
}
