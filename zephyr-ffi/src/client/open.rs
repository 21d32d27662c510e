//! Homes are created, opened, restored, and closed.

use core::ffi::c_char;
use std::path::PathBuf;
use std::string::String;

use ::zephyr_client::{Network, Store, StoreError};
use zeroize::Zeroizing;

use super::engine::{Engine, in_callback, refuse_in_runtime};
use super::registry::{self, zephyr_client};
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, Out, address, boundary, output_array, output_text, text, zephyr_status};

/// Creates a home for an address in a network, in a folder that is made if there is none, and opens it. If it is there
/// already, for the same address and network, it is opened.
///
/// `network` is the text of a network file (network.toml), not its name.
/// @return ZEPHYR_ERROR_ADDRESS, ZEPHYR_ERROR_NETWORK if the text is no network file, ZEPHYR_ERROR_OTHER_HOME if there
/// is a home for another address or network, ZEPHYR_ERROR_IN_USE if another program or client uses it.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_create(
    dir: *const c_char,
    address_text: *const c_char,
    network: *const c_char,
    client: *mut *mut zephyr_client,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (out, dir, user, network) =
            unsafe { (Out::new(client)?, text(dir)?, address(address_text)?, text(network)?) };
        let network = Network::parse(network)?;
        let dir = PathBuf::from(dir);
        let store = async move || Ok(Store::create(&dir, &user, &network).await?);
        out.set(registry::insert(Engine::open(store)?));
        Ok(())
    })
}

/// Opens the home in a folder.
///
/// @return ZEPHYR_ERROR_NO_HOME if there is none, ZEPHYR_ERROR_IN_USE if another program or client uses it.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_open(
    dir: *const c_char,
    client: *mut *mut zephyr_client,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (out, dir) = unsafe { (Out::new(client)?, text(dir)?) };
        let dir = PathBuf::from(dir);
        let store = async move || match Store::open(&dir).await {
            Err(StoreError::NoHome(dir)) => {
                let why = std::format!("There is no home at {}: create one.", dir.display());
                Err(Failure::new(ZEPHYR_ERROR_NO_HOME, why))
            }
            store => Ok(store?),
        };
        out.set(registry::insert(Engine::open(store)?));
        Ok(())
    })
}

/// Makes a home in a folder from a backup, and opens it. Nobody may use the home that was backed up any more. What was
/// not delivered when the backup was made is sent again; registrations go on. Takes about a second.
///
/// @return ZEPHYR_ERROR_PASSPHRASE if the passphrase is wrong or the file is no backup, ZEPHYR_ERROR_EXISTS if there is
/// a home in the folder already.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_restore(
    backup: *const c_char,
    passphrase: *const c_char,
    dir: *const c_char,
    client: *mut *mut zephyr_client,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (out, backup, passphrase, dir) =
            unsafe { (Out::new(client)?, text(backup)?, text(passphrase)?, text(dir)?) };
        let (backup, dir) = (PathBuf::from(backup), PathBuf::from(dir));
        let passphrase = Zeroizing::new(String::from(passphrase));
        let store = async move || Ok(Store::restore_backup(&backup, &passphrase, &dir).await?);
        out.set(registry::insert(Engine::open(store)?));
        Ok(())
    })
}

/// Stops taking part, ends the calls that other threads are in, waits for the callback that runs, and closes the home.
/// No callback begins after it has returned, nor does one run. What is on its way is sent again when the home is
/// opened again. Of no effect on NULL.
///
/// @return ZEPHYR_ERROR_IN_CALLBACK in a callback of zephyr_callbacks, of whatever client: nothing was done then.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_client_close(client: *mut zephyr_client) -> zephyr_status {
    boundary(|| {
        if client.is_null() {
            return Ok(());
        }
        if in_callback() {
            return Err(ZEPHYR_ERROR_IN_CALLBACK.into());
        }
        refuse_in_runtime()?;
        registry::remove(client)?.close();
        Ok(())
    })
}

/// The client's own address.
///
/// `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; ZEPHYR_ADDRESS_MAX + 1 are
/// always enough.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_address(
    client: *mut zephyr_client,
    out: *mut c_char,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    boundary(|| {
        registry::find(client)?.call(async |open| {
            let address = open.client.store().home().address();
            // SAFETY: as the caller promises.
            unsafe { output_text(address.as_str(), out, out_len, needed) }
        })
    })
}

/// The id of the client's network: 32 bytes to `out`. People compare it, in hexadecimal digits, with the network file.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_network(
    client: *mut zephyr_client,
    out: *mut u8,
) -> zephyr_status {
    boundary(|| {
        let id = registry::find(client)?
            .call(async |open| Ok(open.client.store().home().network().id()))?;
        // SAFETY: as the caller promises.
        unsafe { output_array(id.as_bytes(), out) }
    })
}
