//! The manifest: what all users of a network agree on.

use core::ffi::{c_char, c_void};

use zephyr_core::{Manifest, Role, SignedManifest, UpdateError};

use crate::Suite;
use crate::abi::zephyr_status::{self, *};
use crate::abi::{
    Failure, Lent, Out, borrow, boundary, bytes, lent_size, output_array, place, wipe,
};

/// A server that peels, shuffles and passes on.
pub const ZEPHYR_ROLE_MIXER: u32 = 0;
/// A server that gives shares of private keys.
pub const ZEPHYR_ROLE_PKG: u32 = 1;
/// A server that serves the round directory.
pub const ZEPHYR_ROLE_INFO: u32 = 2;
/// A server that keeps the round's sealed messages.
pub const ZEPHYR_ROLE_MAILBOX: u32 = 3;

const _: () = assert!(
    ZEPHYR_ROLE_MIXER == Role::Mixer as u32
        && ZEPHYR_ROLE_PKG == Role::Pkg as u32
        && ZEPHYR_ROLE_INFO == Role::Info as u32
        && ZEPHYR_ROLE_MAILBOX == Role::Mailbox as u32
);

/// How many bytes to lend for a zephyr_manifest.
pub const ZEPHYR_MANIFEST_SIZE: usize = 512;

const _: () = assert!(ZEPHYR_MANIFEST_SIZE >= lent_size::<zephyr_manifest>());

/// A manifest over its bytes, which it borrows. Never changes, so threads may share it.
pub struct zephyr_manifest(pub(super) Manifest<'static>);

impl Lent for zephyr_manifest {
    const MAGIC: [u8; 8] = *b"manifest";
}

/// What a manifest lays down. Times are in milliseconds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_parameters {
    /// The manifest's version, 0 for a network's first.
    pub version: u32,
    /// Number of mailboxes.
    pub mailboxes: u32,
    /// The round from which on this version is in effect.
    pub from_round: u64,
    /// When round 0 would have begun to take packets, since the Unix epoch.
    pub genesis: u64,
    /// From one round's submit phase to the next one's.
    pub round_ms: u32,
    /// How long before its submit phase a round opens.
    pub open_ms: u32,
    /// Length of the submit phase.
    pub submit_ms: u32,
    /// Length of each mix phase.
    pub phase_ms: u32,
    /// For the delivery to the mailboxes.
    pub deliver_ms: u32,
    /// In which clients download; then the round closes.
    pub download_ms: u32,
    /// Hops of a packet.
    pub hops: u32,
    /// Length of a payload in bytes.
    pub payload_len: u32,
    /// How packets travel: 0 one order of the mixers a round, 1 its rotations, 2 any order.
    pub routes: u32,
    /// The fewest mixers that a directory may have.
    pub min_mixers: u32,
    /// Packets that every client sends in every round.
    pub packets_per_round: u32,
    /// On how many mailbox servers each mailbox is kept.
    pub replicas: u32,
}

/// A server in a manifest.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_server {
    /// Its Ed25519 identity.
    pub identity: [u8; 32],
    /// Its static X25519 key, to which clients open links.
    pub link_key: [u8; 32],
    /// A name for people.
    pub name: [c_char; 256],
    /// Where clients reach it: `host:port`, or `ws://host:port/`.
    pub address: [c_char; 256],
}

/// Checks bytes and looks at them as a manifest.
///
/// `memory` is lent, ZEPHYR_MANIFEST_SIZE bytes, until zephyr_manifest_wipe; so are the bytes at `data`, which must not
/// change.
/// @return ZEPHYR_ERROR_MANIFEST if they are no manifest, or none of a network that could work.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_init(
    memory: *mut c_void,
    memory_len: usize,
    data: *const u8,
    data_len: usize,
    out: *mut *mut zephyr_manifest,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises, who lends the bytes as long as the object lives.
        unsafe {
            let out = Out::new(out)?;
            let manifest = Manifest::parse(bytes(data, data_len)?)
                .map_err(|error| Failure::new(ZEPHYR_ERROR_MANIFEST, error))?;
            out.set(place(memory, memory_len, zephyr_manifest(manifest))?);
        }
        Ok(())
    })
}

/// Ends a manifest and gives its memory, and its bytes, back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_wipe(manifest: *mut zephyr_manifest) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(manifest) })
}

/// The network's id, 32 bytes.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_network(
    manifest: *const zephyr_manifest,
    out: *mut u8,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { output_array(borrow(manifest)?.0.network().as_bytes(), out) })
}

/// The hash of this version of the manifest, 32 bytes. Of version 0 it is the network's id.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_hash(
    manifest: *const zephyr_manifest,
    out: *mut u8,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { output_array(borrow(manifest)?.0.hash().as_bytes(), out) })
}

/// What the manifest lays down.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_parameters(
    manifest: *const zephyr_manifest,
    out: *mut zephyr_parameters,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (manifest, out) = unsafe { (&borrow(manifest)?.0, Out::new(out)?) };
        let p = manifest.parameters();
        out.set(zephyr_parameters {
            version: manifest.version(),
            mailboxes: p.mailboxes,
            from_round: manifest.from_round().0,
            genesis: p.genesis.0,
            round_ms: p.round_ms,
            open_ms: p.open_ms,
            submit_ms: p.submit_ms,
            phase_ms: p.phase_ms,
            deliver_ms: p.deliver_ms,
            download_ms: p.download_ms,
            hops: p.geometry.hops() as u32,
            payload_len: p.geometry.payload_len() as u32,
            routes: p.routes as u32,
            min_mixers: p.min_mixers.into(),
            packets_per_round: p.packets_per_round.into(),
            replicas: p.replicas.into(),
        });
        Ok(())
    })
}

/// How many servers of a role (ZEPHYR_ROLE_...) there are.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_servers(
    manifest: *const zephyr_manifest,
    role: u32,
    out: *mut usize,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (manifest, out) = unsafe { (&borrow(manifest)?.0, Out::new(out)?) };
        out.set(manifest.servers(self::role(role)?).count());
        Ok(())
    })
}

/// The server of a role (ZEPHYR_ROLE_...) with this index.
///
/// @return ZEPHYR_ERROR_ARGUMENT if there is none.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_server(
    manifest: *const zephyr_manifest,
    role: u32,
    index: usize,
    out: *mut zephyr_server,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (manifest, out) = unsafe { (&borrow(manifest)?.0, Out::new(out)?) };
        let server = manifest.server(self::role(role)?, index).ok_or(ZEPHYR_ERROR_ARGUMENT)?;
        out.set(zephyr_server {
            identity: *server.id.as_bytes(),
            link_key: server.link_key,
            name: c_text(server.name),
            address: c_text(server.client_address),
        });
        Ok(())
    })
}

/// Checks that a signed manifest is the version that follows this one: the next number, nothing changed that must stay,
/// and signed by all its PKGs and all but one of its mixers.
///
/// `manifest_len` is given the length of the new manifest, which stands in front of its signatures in `data`.
/// @return ZEPHYR_ERROR_MANIFEST if it is no manifest or not the next, ZEPHYR_ERROR_SIGNATURE if signatures are missing
/// or wrong.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_manifest_verify_next(
    manifest: *const zephyr_manifest,
    data: *const u8,
    data_len: usize,
    manifest_len: *mut usize,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let (previous, data, out) =
            unsafe { (&borrow(manifest)?.0, bytes(data, data_len)?, Out::new(manifest_len)?) };
        let signed = SignedManifest::parse(data)
            .map_err(|error| Failure::new(ZEPHYR_ERROR_MANIFEST, error))?;
        signed.verify::<Suite>(previous).map_err(|error| Failure::new(status(&error), error))?;
        out.set(signed.manifest().as_bytes().len());
        Ok(())
    })
}

fn status(error: &UpdateError) -> zephyr_status {
    match error {
        UpdateError::Signers
        | UpdateError::WrongSignature(..)
        | UpdateError::PkgMissing(_)
        | UpdateError::MixersMissing => ZEPHYR_ERROR_SIGNATURE,
        _ => ZEPHYR_ERROR_MANIFEST,
    }
}

fn role(number: u32) -> Result<Role, Failure> {
    let found = Role::ALL.into_iter().find(|role| *role as u32 == number);
    found.ok_or(ZEPHYR_ERROR_ARGUMENT.into())
}

/// A text of at most 255 bytes with a NUL behind it.
pub(super) fn c_text(text: &str) -> [c_char; 256] {
    let mut out = [0; 256];
    for (to, from) in out[..255].iter_mut().zip(text.bytes()) {
        *to = from as c_char;
    }
    out
}
