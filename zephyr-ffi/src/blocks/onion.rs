//! Packets: wrapping, what senders do, and peeling, what mixers do.

use core::ffi::c_void;

use zephyr_core::{
    DirectoryHash, Hop, MAX_HOPS, Mailbox, Mixer, MixerIndex, MixerKey, Next, Wrap, wrap,
};

use super::route::zephyr_hop;
use super::sizes::geometry;
use crate::Suite;
use crate::abi::zephyr_status::{self, *};
use crate::abi::{
    Failure, Lent, Out, array, borrow, boundary, bytes, bytes_mut, generator, items, lent_size,
    output, output_array, place, wipe, zephyr_hedge, zephyr_random,
};

/// How many bytes to lend for a zephyr_mixer.
pub const ZEPHYR_MIXER_SIZE: usize = 256;

const _: () = assert!(ZEPHYR_MIXER_SIZE >= lent_size::<zephyr_mixer>());

/// Wraps a sealed message into a packet (two X25519 a hop).
///
/// `hops` and `payload_len` are the network's, `directory` is the round's directory's hash, 32 bytes, `route` the mixers
/// in order, at most `hops`. `random` gives random numbers; `hedge` may be NULL. `out` is given the packet, `needed`
/// (may be NULL) its length, ZEPHYR_PACKET_LEN(hops, payload_len); it must not overlap the message.
/// @return ZEPHYR_ERROR_ARGUMENT if the message has another length, or the route none or too many mixers;
/// ZEPHYR_ERROR_KEY if a mixer's key is none: what stands in `out` then is of no use.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_wrap(
    hops: usize,
    payload_len: usize,
    directory: *const u8,
    route: *const zephyr_hop,
    route_count: usize,
    mailbox: u32,
    sealed: *const u8,
    sealed_len: usize,
    random: *const zephyr_random,
    hedge: *const zephyr_hedge,
    out: *mut u8,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let geometry = geometry(hops, payload_len)?;
        let directory = DirectoryHash::from_bytes(*array(directory)?);
        let (route, sealed) = (items(route, route_count)?, bytes(sealed, sealed_len)?);
        if route.is_empty()
            || route.len() > geometry.hops()
            || sealed.len() != geometry.sealed_len()
        {
            return Err(ZEPHYR_ERROR_ARGUMENT.into());
        }
        let mut hops = [Hop { mixer: MixerIndex(0), key: [0; 32] }; MAX_HOPS];
        for (hop, given) in hops.iter_mut().zip(route) {
            *hop = given.into();
        }
        let (mut rng, mut hedge) = (generator(random)?, crate::abi::hedge(hedge)?);
        let to = Wrap {
            geometry,
            directory: &directory,
            route: &hops[..route.len()],
            mailbox: Mailbox(mailbox),
        };
        let packet = output(out, out_len, geometry.packet_len(), needed)?;
        wrap::<Suite>(to, sealed, packet, &mut rng, &mut hedge).ok_or(ZEPHYR_ERROR_KEY)?;
        Ok(())
    })
}

/// A mixer in one round. Never changes, so threads may share it. Wipe it when all packets of the round have gone on.
pub struct zephyr_mixer(Mixer<Suite>);

impl Lent for zephyr_mixer {
    const MAGIC: [u8; 8] = *b"mixer...";
}

/// Where a peeled packet goes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_next {
    /// Whether this was the last hop.
    pub is_mailbox: bool,
    /// The next mixer's index in the manifest, for whom the packet now is; or the number of the mailbox, and the packet's
    /// first ZEPHYR_SEALED_LEN bytes now are the sealed message.
    pub number: u32,
}

/// A mixer with its key of a round.
///
/// `memory` is lent, ZEPHYR_MIXER_SIZE bytes, until zephyr_mixer_wipe; `hops` and `payload_len` are the network's;
/// `directory` is the round's directory's hash and `secret` random, 32 bytes each, the latter used in this round only.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_mixer_init(
    memory: *mut c_void,
    memory_len: usize,
    hops: usize,
    payload_len: usize,
    directory: *const u8,
    secret: *const u8,
    out: *mut *mut zephyr_mixer,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        unsafe {
            let out = Out::new(out)?;
            let geometry = geometry(hops, payload_len)?;
            let directory = DirectoryHash::from_bytes(*array(directory)?);
            let key = MixerKey::from_bytes(*array(secret)?);
            let mixer = zephyr_mixer(Mixer::new(geometry, directory, key));
            out.set(place(memory, memory_len, mixer)?);
        }
        Ok(())
    })
}

/// Ends a mixer, overwrites its key, and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_mixer_wipe(mixer: *mut zephyr_mixer) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(mixer) })
}

/// The public key, 32 bytes, that goes with a mixer's secret of a round, 32 bytes.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_mixer_key(secret: *const u8, out: *mut u8) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        output_array(&MixerKey::from_bytes(*array(secret)?).public::<Suite>(), out)
    })
}

/// Peels one layer of a packet, in place (one X25519). `position` counts the hops from 0.
///
/// A mixer drops a packet whose first 32 bytes, the ephemeral key, it has seen in this round before.
/// @return ZEPHYR_ERROR_PACKET if it is none for this mixer, round and position: drop it.
///
/// # Safety
/// The pointers are as described; `out` is not within the packet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_mixer_peel(
    mixer: *const zephyr_mixer,
    position: usize,
    packet: *mut u8,
    packet_len: usize,
    out: *mut zephyr_next,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (mixer, packet, out) =
            unsafe { (borrow(mixer)?, bytes_mut(packet, packet_len)?, Out::new(out)?) };
        let next = mixer.0.peel(position, packet);
        out.set(match next.map_err(|error| Failure::new(ZEPHYR_ERROR_PACKET, error))? {
            Next::Mixer(next) => zephyr_next { is_mailbox: false, number: next.0.into() },
            Next::Mailbox(mailbox) => zephyr_next { is_mailbox: true, number: mailbox.0 },
        });
        Ok(())
    })
}
