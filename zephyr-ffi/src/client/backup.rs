//! Backups.

use core::ffi::c_char;
use std::path::Path;

use super::registry::{self, zephyr_client};
use crate::abi::{boundary, text, zephyr_status};

/// Writes the whole home, encrypted under a passphrase of at least 8 characters, into a new file, from which
/// zephyr_client_restore makes a home. Works while the client takes part. Takes about a second.
///
/// @return ZEPHYR_ERROR_PASSPHRASE if the passphrase is too short, ZEPHYR_ERROR_EXISTS if there is such a file,
/// ZEPHYR_ERROR_FILE if it can't be written.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_export_backup(
    client: *mut zephyr_client,
    file: *const c_char,
    passphrase: *const c_char,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (file, passphrase) = unsafe { (text(file)?, text(passphrase)?) };
        let file = Path::new(file);
        registry::find(client)?
            .call(async |open| Ok(open.client.store().export_backup(file, passphrase).await?))
    })
}
