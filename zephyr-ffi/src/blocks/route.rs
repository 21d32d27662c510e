//! Which mixers a packet visits, in which order.

use zephyr_core::{DirectoryHash, Hop, MAX_HOPS, MAX_MIXERS, MixerIndex, RouteMode, Routes};

use super::sizes::geometry;
use crate::abi::zephyr_status::{self, *};
use crate::abi::{Failure, array, boundary, generator, items, output_items, zephyr_random};

/// One order of the mixers a round.
pub const ZEPHYR_ROUTES_ROUND: u32 = 0;
/// The rotations of the round's order.
pub const ZEPHYR_ROUTES_ROTATIONS: u32 = 1;
/// Any order.
pub const ZEPHYR_ROUTES_FREE: u32 = 2;

/// A mixer with its key of the round.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_hop {
    /// Its index in the manifest.
    pub mixer: u16,
    /// Its X25519 key of the round.
    pub key: [u8; 32],
}

impl From<&zephyr_hop> for Hop {
    fn from(hop: &zephyr_hop) -> Self {
        Self { mixer: MixerIndex(hop.mixer), key: hop.key }
    }
}

/// A route for one packet through some mixers: as zephyr_round_route, for programs that verify directories in their own
/// way.
///
/// `routes` is ZEPHYR_ROUTES_..., `hops` the network's number of them, `directory` the directory's hash, 32 bytes,
/// `mixers` those of the directory in ascending order. `out` has room for `out_count` hops (ZEPHYR_MAX_HOPS are always
/// enough), `needed` (may be NULL) is given their number.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_route(
    routes: u32,
    hops: usize,
    directory: *const u8,
    mixers: *const zephyr_hop,
    mixers_count: usize,
    random: *const zephyr_random,
    out: *mut zephyr_hop,
    out_count: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let mode = u8::try_from(routes).ok().and_then(RouteMode::from_byte);
        let mode = mode.ok_or(ZEPHYR_ERROR_ARGUMENT)?;
        // Routes don't depend on the length of payloads.
        let geometry = geometry(hops, zephyr_core::MIN_PAYLOAD)?;
        let directory = DirectoryHash::from_bytes(*array(directory)?);
        let mut all = Hops::<MAX_MIXERS>::new();
        for mixer in items(mixers, mixers_count)? {
            all.push(mixer.into())?;
        }
        let indices = all.as_slice().iter().map(|hop| MixerIndex(hop.mixer));
        let routes = Routes::new(mode, geometry, &directory, indices);
        let routes = routes.ok_or(ZEPHYR_ERROR_ARGUMENT)?;
        let route = all.along(&routes.pick(&mut generator(random)?))?;
        output_items(route.as_slice(), out, out_count, needed)
    })
}

/// Up to `N` mixers.
pub(super) struct Hops<const N: usize> {
    hops: [zephyr_hop; N],
    count: usize,
}

impl<const N: usize> Hops<N> {
    pub(super) fn new() -> Self {
        Self { hops: [zephyr_hop { mixer: 0, key: [0; 32] }; N], count: 0 }
    }

    pub(super) fn push(&mut self, hop: Hop) -> Result<(), Failure> {
        let place = self.hops.get_mut(self.count).ok_or(ZEPHYR_ERROR_ARGUMENT)?;
        *place = zephyr_hop { mixer: hop.mixer.0, key: hop.key };
        self.count += 1;
        Ok(())
    }

    pub(super) fn as_slice(&self) -> &[zephyr_hop] {
        &self.hops[..self.count]
    }

    /// The hops of a route that was picked from these mixers.
    pub(super) fn along(&self, route: &[MixerIndex]) -> Result<Hops<MAX_HOPS>, Failure> {
        let mut along = Hops::new();
        for mixer in route {
            let hop = self.as_slice().iter().find(|hop| hop.mixer == mixer.0);
            along.push(hop.ok_or(ZEPHYR_ERROR_ARGUMENT)?.into())?;
        }
        Ok(along)
    }
}
