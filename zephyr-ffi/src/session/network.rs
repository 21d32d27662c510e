//! From a network file to what a session takes.

use core::ffi::c_char;

use zephyr_client::Network;
use zephyr_core::{Round, UnixMs};

use crate::abi::zephyr_status::*;
use crate::abi::{Failure, boundary, output, text, zephyr_status};

/// The manifest that is in effect now, from the text of a network file: what zephyr_session_settings and
/// zephyr_registration_init take. Without ZEPHYR_IO, `zephyr network export` makes it.
///
/// `now_ms` is the time in milliseconds since 1970. `out` is given the manifest, `needed` (may be NULL) its length, which
/// is 65536 at most.
/// @return ZEPHYR_ERROR_NETWORK if the text is no network file, or was altered.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_network_manifest(
    network_text: *const c_char,
    now_ms: u64,
    out: *mut u8,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let network = Network::parse(text(network_text)?)
            .map_err(|error| Failure::new(ZEPHYR_ERROR_NETWORK, error))?;
        let now = network.first().parameters().opened_by(UnixMs(now_ms)).unwrap_or(Round(0));
        let manifest = network.at(now);
        let bytes = manifest.as_bytes();
        output(out, out_len, bytes.len(), needed)?.copy_from_slice(bytes);
        Ok(())
    })
}
