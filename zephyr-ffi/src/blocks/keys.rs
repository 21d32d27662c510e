//! Keys of a round: the PKGs' public ones, and a user's private one from their shares.

use core::ffi::c_void;

use zephyr_core::{
    Address, DirectoryHash, KeyShare, NetworkId, PkgKey, PrivateKey, Round, SHARE_SIZE, ServerId,
};

use super::identity::zephyr_identity;
use super::round::zephyr_round;
use crate::Pairing;
use crate::abi::zephyr_status::{self, *};
use crate::abi::{Failure, Lent, Out, array, borrow, boundary, bytes, lent_size, place, wipe};

/// How many bytes to lend for a zephyr_private_key.
pub const ZEPHYR_PRIVATE_KEY_SIZE: usize = 2 * 1024;
/// Length in bytes of a PKG's share of a private key: two points, 48 and 96.
pub const ZEPHYR_SHARE_SIZE: usize = 144;

const _: () = assert!(ZEPHYR_PRIVATE_KEY_SIZE >= lent_size::<zephyr_private_key>());
const _: () = assert!(ZEPHYR_SHARE_SIZE == SHARE_SIZE);

/// A user's private key in one round. Never changes, so threads may share it. Wipe it when the round's mailbox is
/// searched.
pub struct zephyr_private_key {
    pub(super) owner: Address,
    pub(super) directory: DirectoryHash,
    pub(super) key: PrivateKey<Pairing>,
}

impl Lent for zephyr_private_key {
    const MAGIC: [u8; 8] = *b"private.";
}

/// Verifies a PKG's public key of a round, ZEPHYR_PKG_KEY_SIZE bytes, and its proof that the PKG knows the secret behind
/// it.
///
/// `network` is the network's id and `pkg` the PKG's identity in the manifest, 32 bytes each.
/// @return ZEPHYR_ERROR_KEY if it is no key, or the proof is not for it.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_pkg_key_verify(
    key: *const u8,
    network: *const u8,
    round: u64,
    pkg: *const u8,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (key, network, pkg) = unsafe { (array(key)?, array(network)?, array(pkg)?) };
        let (network, pkg) = (NetworkId::from_bytes(*network), ServerId::from_bytes(*pkg));
        PkgKey::<Pairing>::verify(key, &network, Round(round), &pkg).map_err(wrong)?;
        Ok(())
    })
}

/// Whether a share, ZEPHYR_SHARE_SIZE bytes, is what the PKG with this key, ZEPHYR_PKG_KEY_SIZE bytes, owes to
/// `identity`: names the culprit if zephyr_private_key_init refuses.
///
/// @return ZEPHYR_ERROR_KEY if it is not.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_share_verify(
    share: *const u8,
    pkg_key: *const u8,
    identity: *const zephyr_identity,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (share, key, identity) =
            unsafe { (array(share)?, array(pkg_key)?, &borrow(identity)?.0) };
        let share = KeyShare::from_bytes(share).ok_or(ZEPHYR_ERROR_KEY)?;
        let key = PkgKey::<Pairing>::decode(key).map_err(wrong)?;
        if key.issued(&share, identity) { Ok(()) } else { Err(ZEPHYR_ERROR_KEY.into()) }
    })
}

/// Adds up the PKGs' shares to the private key of `identity` in a round, and checks it (four pairings).
///
/// `memory` is lent, ZEPHYR_PRIVATE_KEY_SIZE bytes, until zephyr_private_key_wipe; `shares` are those of all PKGs one
/// after the other, ZEPHYR_SHARE_SIZE bytes each. `round` and `identity` are not kept.
/// @return ZEPHYR_ERROR_KEY if the sum is not the key: zephyr_share_verify tells whose share is wrong.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_private_key_init(
    memory: *mut c_void,
    memory_len: usize,
    round: *const zephyr_round,
    identity: *const zephyr_identity,
    shares: *const u8,
    shares_len: usize,
    out: *mut *mut zephyr_private_key,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let (context, identity) = (&borrow(round)?.context, &borrow(identity)?.0);
            let sum = sum(bytes(shares, shares_len)?)?;
            let key = PrivateKey::from_sum(sum, identity, context.key()).map_err(wrong)?;
            let (owner, directory) = (identity.address().clone(), *context.directory());
            let key = zephyr_private_key { owner, directory, key };
            out.set(place(memory, memory_len, key)?);
        }
        Ok(())
    })
}

/// The sum of shares that stand one after the other.
fn sum(shares: &[u8]) -> Result<KeyShare<Pairing>, Failure> {
    let (shares, rest) = shares.as_chunks::<SHARE_SIZE>();
    if !rest.is_empty() {
        return Err(ZEPHYR_ERROR_ARGUMENT.into());
    }
    let mut shares = shares.iter().map(|share| KeyShare::from_bytes(share).ok_or(ZEPHYR_ERROR_KEY));
    let first = shares.next().ok_or(ZEPHYR_ERROR_ARGUMENT)??;
    Ok(shares.try_fold(first, |sum, share| share.map(|share| sum.add(&share)))?)
}

/// Ends a private key, overwrites it, and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_private_key_wipe(key: *mut zephyr_private_key) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(key) })
}

pub(super) fn wrong(error: impl core::fmt::Display) -> Failure {
    Failure::new(ZEPHYR_ERROR_KEY, error)
}
