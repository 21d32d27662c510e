//! A round: what its directory says, once it is verified.

use core::ffi::c_void;

use zephyr_core::{
    Directory, DirectoryHash, Hop, MAX_MIXERS, MixerIndex, NetworkId, PKG_KEY_SIZE, PkgKey, Round,
    RoundContext, RoundKey, Routes, Schedule,
};

use super::manifest::zephyr_manifest;
use super::route::{Hops, zephyr_hop};
use crate::abi::zephyr_status::{self, *};
use crate::abi::{
    Failure, Lent, Out, array, borrow, boundary, bytes, generator, lent_size, output_array,
    output_items, place, wipe, zephyr_random,
};
use crate::{Pairing, Suite};

/// How many bytes to lend for a zephyr_round.
pub const ZEPHYR_ROUND_SIZE: usize = 4 * 1024;
/// Length in bytes of a PKG's public key of a round: two points, 48 and 96, and a proof of knowledge.
pub const ZEPHYR_PKG_KEY_SIZE: usize = 208;

const _: () = assert!(ZEPHYR_ROUND_SIZE >= lent_size::<zephyr_round>());
const _: () = assert!(ZEPHYR_PKG_KEY_SIZE == PKG_KEY_SIZE);

/// A round whose directory was verified. Never changes, so threads may share it.
pub struct zephyr_round {
    pub(super) context: RoundContext<Pairing>,
    /// None in a round that was made from keys alone.
    plan: Option<Plan>,
}

struct Plan {
    schedule: Schedule,
    hops: Hops<MAX_MIXERS>,
    routes: Routes,
}

impl Lent for zephyr_round {
    const MAGIC: [u8; 8] = *b"round...";
}

/// The times of a round, in milliseconds since the Unix epoch.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_schedule {
    /// Mixers and PKGs publish their keys.
    pub opens: u64,
    /// Clients submit from here...
    pub submit_from: u64,
    /// ...to here.
    pub submit_until: u64,
    /// All messages are in the mailboxes: clients download from here...
    pub deliver_until: u64,
    /// ...to here.
    pub closes: u64,
}

/// Verifies a round's directory: that it fits the manifest, has a key of every PKG, and is signed by all its mixers.
///
/// `memory` is lent, ZEPHYR_ROUND_SIZE bytes, until zephyr_round_wipe. The directory is not kept. With `verify_proofs`
/// the PKGs' proofs of knowledge are verified too; without, that is left to the mixers, each of which has done it.
/// Clients take only rounds that are later than all before.
/// @return ZEPHYR_ERROR_DIRECTORY if it is not valid.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_init(
    memory: *mut c_void,
    memory_len: usize,
    manifest: *const zephyr_manifest,
    directory: *const u8,
    directory_len: usize,
    verify_proofs: bool,
    out: *mut *mut zephyr_round,
) -> zephyr_status {
    boundary(|| {
        let invalid = |error| Failure::new(ZEPHYR_ERROR_DIRECTORY, error);
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let manifest = &borrow(manifest)?.0;
            let directory = Directory::parse(bytes(directory, directory_len)?).map_err(invalid)?;
            let context = directory.verify::<Suite>(manifest, verify_proofs).map_err(invalid)?;
            let round = zephyr_round { plan: Some(Plan::new(&directory, manifest)?), context };
            out.set(place(memory, memory_len, round)?);
        }
        Ok(())
    })
}

/// A round from what messages are bound to, for programs that verify directories in their own way. It has no schedule,
/// mixers or routes.
///
/// `memory` is lent, ZEPHYR_ROUND_SIZE bytes, until zephyr_round_wipe; `network` is the network's id and `directory` the
/// directory's hash, 32 bytes each; `pkg_keys` are the keys of all PKGs one after the other, ZEPHYR_PKG_KEY_SIZE bytes
/// each, whose proofs zephyr_pkg_key_verify has verified.
/// @return ZEPHYR_ERROR_KEY if a key or their sum is none.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_init_from_keys(
    memory: *mut c_void,
    memory_len: usize,
    network: *const u8,
    round: u64,
    directory: *const u8,
    pkg_keys: *const u8,
    pkg_keys_len: usize,
    out: *mut *mut zephyr_round,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let network = NetworkId::from_bytes(*array(network)?);
            let directory = DirectoryHash::from_bytes(*array(directory)?);
            let key = sum(bytes(pkg_keys, pkg_keys_len)?)?;
            let context = RoundContext::new(network, Round(round), directory, key);
            out.set(place(memory, memory_len, zephyr_round { context, plan: None })?);
        }
        Ok(())
    })
}

/// The sum of keys that stand one after the other.
fn sum(keys: &[u8]) -> Result<RoundKey<Pairing>, Failure> {
    let (keys, rest) = keys.as_chunks::<PKG_KEY_SIZE>();
    if !rest.is_empty() {
        return Err(ZEPHYR_ERROR_ARGUMENT.into());
    }
    let wrong = |error| Failure::new(ZEPHYR_ERROR_KEY, error);
    let mut keys = keys.iter().map(|key| PkgKey::decode(key).map_err(wrong));
    let first = keys.next().ok_or(ZEPHYR_ERROR_KEY)??;
    let first = RoundKey::sum([first]).map_err(wrong)?;
    keys.try_fold(first, |sum, key| sum.plus(key?).map_err(wrong))
}

/// Ends a round and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_wipe(round: *mut zephyr_round) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(round) })
}

/// The round's number.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_number(
    round: *const zephyr_round,
    out: *mut u64,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (round, out) = unsafe { (borrow(round)?, Out::new(out)?) };
        out.set(round.context.round().0);
        Ok(())
    })
}

/// The directory's hash, 32 bytes, to which everything in the round is bound.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_directory(
    round: *const zephyr_round,
    out: *mut u8,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { output_array(borrow(round)?.context.directory().as_bytes(), out) })
}

/// The round's times.
///
/// @return ZEPHYR_ERROR_ARGUMENT for a round from keys alone.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_schedule(
    round: *const zephyr_round,
    out: *mut zephyr_schedule,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (round, out) = unsafe { (borrow(round)?, Out::new(out)?) };
        let Schedule { opens, submit_from, submit_until, deliver_until, closes, .. } =
            round.plan()?.schedule;
        out.set(zephyr_schedule {
            opens: opens.0,
            submit_from: submit_from.0,
            submit_until: submit_until.0,
            deliver_until: deliver_until.0,
            closes: closes.0,
        });
        Ok(())
    })
}

/// The round's mixers and their keys, in ascending order.
///
/// `out` has room for `out_count` of them (ZEPHYR_MAX_MIXERS are always enough), `needed` (may be NULL) is given their
/// number.
/// @return ZEPHYR_ERROR_ARGUMENT for a round from keys alone.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_mixers(
    round: *const zephyr_round,
    out: *mut zephyr_hop,
    out_count: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        output_items(borrow(round)?.plan()?.hops.as_slice(), out, out_count, needed)
    })
}

/// A route for one packet through the round's mixers.
///
/// `out` has room for `out_count` hops (ZEPHYR_MAX_HOPS are always enough), `needed` (may be NULL) is given their number.
/// @return ZEPHYR_ERROR_ARGUMENT for a round from keys alone.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_round_route(
    round: *const zephyr_round,
    random: *const zephyr_random,
    out: *mut zephyr_hop,
    out_count: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let Plan { hops, routes, .. } = borrow(round)?.plan()?;
        let route = hops.along(&routes.pick(&mut generator(random)?))?;
        output_items(route.as_slice(), out, out_count, needed)
    })
}

impl zephyr_round {
    fn plan(&self) -> Result<&Plan, Failure> {
        self.plan.as_ref().ok_or(ZEPHYR_ERROR_ARGUMENT.into())
    }
}

impl Plan {
    fn new(
        directory: &Directory<'_>,
        manifest: &zephyr_core::Manifest<'_>,
    ) -> Result<Self, Failure> {
        let mut hops = Hops::new();
        for (mixer, announcement) in directory.mixers() {
            hops.push(Hop { mixer: MixerIndex(mixer.0), key: announcement.key })?;
        }
        let schedule = manifest.parameters().schedule(directory.round());
        let routes = directory.routes(manifest).ok_or(ZEPHYR_ERROR_DIRECTORY)?;
        Ok(Self { schedule, hops, routes })
    }
}
