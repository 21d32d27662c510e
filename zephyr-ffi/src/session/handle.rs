//! zephyr_session: its memory and its settings.

use core::ffi::{c_char, c_void};
use core::mem::ManuallyDrop;

use zephyr_core::session::{
    Contact, Exchange, HELD_MESSAGES, MAX_CONNECTIONS, Session, Settings, Storage, TagEntry,
};
use zephyr_core::{DirectoryHash, Hop, Manifest, Round, UnixMs};
use zeroize::Zeroizing;

use super::link::{LinkFailure, Place};
use super::machine::Machine;
use super::memory::{Carver, Part, part_len};
use crate::abi::zephyr_status::*;
use crate::abi::{
    Failure, Lent, Out, address, array, boundary, bytes, lent_size, place, wipe, zephyr_random,
    zephyr_status,
};
use crate::{Dh, Pairing, Suite};

/// The most connections that a session has at once.
pub const ZEPHYR_MAX_CONNECTIONS: u32 = 32;
/// A flag of zephyr_session_settings: messages of people who are no contacts are left unopened. Saves a pairing for each
/// message in the mailbox that is somebody else's, which a microcontroller can't afford.
pub const ZEPHYR_CONTACTS_ONLY: u32 = 1;
/// A flag of zephyr_session_settings: the proofs of the PKGs' keys are left to the mixers, one of which is honest.
/// Saves time on a microcontroller.
pub const ZEPHYR_TRUST_PROOFS: u32 = 2;

const _: () = assert!(ZEPHYR_MAX_CONNECTIONS as usize == MAX_CONNECTIONS);
const FLAGS: u32 = ZEPHYR_CONTACTS_ONLY | ZEPHYR_TRUST_PROOFS;
/// The session counts contacts with 16 bits.
const MAX_CONTACTS: u32 = u16::MAX as u32;
/// How many messages from people who are no contacts wait in a round until they are opened, at least.
const STRANGERS: usize = 2;

/// What a session needs to know. Set all of it to 0 first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_session_settings {
    /// The network's manifest; it is copied.
    pub manifest: *const u8,
    /// Its length.
    pub manifest_len: usize,
    /// The user's address, registered with all PKGs.
    pub address: *const c_char,
    /// The user's secret, 32 random bytes, drawn once and kept for good: the keys for the PKGs follow from it.
    pub seed: *const u8,
    /// ZEPHYR_CONTACTS_ONLY, ZEPHYR_TRUST_PROOFS, or 0.
    pub flags: u32,
    /// How many contacts there can be.
    pub contacts: u32,
    /// How many connections there can be at once, 1 to ZEPHYR_MAX_CONNECTIONS; others wait. 8 are plenty.
    pub connections: u32,
    /// The longest message in bytes that a server may send; 0: the longest that there can be, 65519. A smaller one saves
    /// memory for each connection, and must be enough for a round's directory: about 200 bytes for each mixer, and 400
    /// for each PKG.
    pub frame_len: u32,
    /// The round and the directory of the last ZEPHYR_ACTION_FILL that was written down, so that nothing is used twice;
    /// the round counts only with a directory.
    pub last_round: u64,
    /// The directory, 32 bytes, or NULL if there was none yet.
    pub last_directory: *const u8,
    /// Random numbers, during zephyr_session_poll and zephyr_session_fill.
    pub random: zephyr_random,
}

/// The client in its rounds. One thread at a time.
pub struct zephyr_session {
    machine: ManuallyDrop<Machine<'static, Suite>>,
    pub(super) random: zephyr_random,
    /// The text of the last action: a server's address or a person's, with a NUL behind it.
    pub(super) text: [u8; 256],
    /// The directory of the last action.
    pub(super) directory: [u8; 32],
    parts: Parts,
}

/// What stands behind the session in the lent memory.
struct Parts {
    manifest: Part<u8>,
    packets: Part<u8>,
    contacts: Part<Option<Contact<Pairing>>>,
    tags: Part<TagEntry>,
    held: Part<u8>,
    hops: Part<Hop>,
    exchanges: Part<Option<Exchange>>,
    places: Part<Place<'static, Dh>>,
    buffers: Part<u8>,
}

impl Lent for zephyr_session {
    const MAGIC: [u8; 8] = *b"session_";
}

impl zephyr_session {
    pub(super) fn machine(&mut self) -> &mut Machine<'static, Suite> {
        &mut self.machine
    }

    pub(super) fn to_send(&self, connection: u32) -> Result<&[u8], LinkFailure> {
        self.machine.to_send(connection)
    }

    pub(super) fn wake_up(&self) -> UnixMs {
        self.machine.wake_up()
    }

    pub(super) fn core(&self) -> &Session<'static, Suite> {
        &self.machine.session
    }

    pub(super) fn manifest(&self) -> &Manifest<'static> {
        &self.machine.manifest
    }
}

impl Drop for zephyr_session {
    fn drop(&mut self) {
        let Self { machine, parts, .. } = self;
        // SAFETY: dropped once, here. The machine is what uses the parts, so it goes first; the places use the buffers.
        unsafe {
            ManuallyDrop::drop(machine);
            parts.places.drop_all();
            parts.contacts.drop_all();
            parts.tags.drop_all();
            parts.held.drop_all();
            parts.hops.drop_all();
            parts.exchanges.drop_all();
            parts.packets.drop_all();
            parts.buffers.drop_all();
            parts.manifest.drop_all();
        }
    }
}

/// How much of what a session needs.
struct Counts {
    manifest: usize,
    packets: usize,
    contacts: usize,
    tags: usize,
    held: usize,
    hops: usize,
    places: usize,
    buffer: usize,
    out: usize,
}

impl Counts {
    fn new(
        settings: &zephyr_session_settings,
        manifest: &Manifest<'_>,
    ) -> Result<Self, zephyr_status> {
        let connections = settings.connections;
        let sizes_fit = (1..=ZEPHYR_MAX_CONNECTIONS).contains(&connections)
            && settings.contacts <= MAX_CONTACTS
            && settings.flags & !FLAGS == 0;
        if !sizes_fit {
            return Err(ZEPHYR_ERROR_ARGUMENT);
        }
        let (contacts, geometry) = (settings.contacts as usize, manifest.parameters().geometry);
        // As many as contacts can send in a round, and a few from others.
        let slots = usize::from(manifest.parameters().packets_per_round);
        let held = (contacts * slots + STRANGERS).min(HELD_MESSAGES);
        Ok(Self {
            manifest: manifest.as_bytes().len(),
            packets: Storage::<Suite>::packets_len(manifest),
            contacts,
            tags: Storage::<Suite>::tags_len(manifest, contacts),
            held: Storage::<Suite>::held_len(manifest, held),
            hops: Storage::<Suite>::hops_len(manifest),
            places: connections as usize,
            buffer: Place::<Dh>::buffer_len(geometry, settings.frame_len as usize),
            out: Place::<Dh>::out_len(geometry),
        })
    }

    /// Bytes behind the session.
    fn len(&self) -> Option<usize> {
        let parts = [
            part_len::<Option<Contact<Pairing>>>(self.contacts),
            part_len::<TagEntry>(self.tags),
            part_len::<Hop>(self.hops),
            part_len::<Option<Exchange>>(self.places),
            part_len::<Place<'_, Dh>>(self.places),
            part_len::<u8>(self.buffers()),
            part_len::<u8>(self.packets),
            part_len::<u8>(self.held),
            part_len::<u8>(self.manifest),
        ];
        parts.into_iter().try_fold(0usize, |sum, len| sum.checked_add(len?))
    }

    fn buffers(&self) -> usize {
        self.places * (self.buffer + self.out)
    }
}

fn manifest(bytes: &[u8]) -> Result<Manifest<'_>, Failure> {
    Manifest::parse(bytes).map_err(|error| Failure::new(ZEPHYR_ERROR_MANIFEST, error))
}

/// How many bytes to lend for a session with these settings. Only what concerns sizes is read of them: the manifest,
/// contacts, connections, frame_len and flags.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_size(
    settings: *const zephyr_session_settings,
    out: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let settings = settings.as_ref().ok_or(ZEPHYR_ERROR_NULL)?;
        let manifest = manifest(bytes(settings.manifest, settings.manifest_len)?)?;
        let len = Counts::new(settings, &manifest)?.len();
        let len = len.and_then(|len| len.checked_add(lent_size::<zephyr_session>()));
        out.set(len.ok_or(ZEPHYR_ERROR_ARGUMENT)?);
        Ok(())
    })
}

/// Begins a session. What it is told is copied; `memory` is lent until zephyr_session_wipe.
///
/// `memory_len` is at least what zephyr_session_size says; `now_ms` the local time in milliseconds since 1970.
/// @return ZEPHYR_ERROR_MANIFEST or ZEPHYR_ERROR_ADDRESS if these are none; ZEPHYR_ERROR_ARGUMENT for numbers out of
/// range.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_init(
    memory: *mut c_void,
    memory_len: usize,
    settings: *const zephyr_session_settings,
    now_ms: u64,
    out: *mut *mut zephyr_session,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let settings = settings.as_ref().ok_or(ZEPHYR_ERROR_NULL)?;
        let given = bytes(settings.manifest, settings.manifest_len)?;
        let counts = Counts::new(settings, &manifest(given)?)?;
        let user = Settings {
            address: address(settings.address)?,
            seed: Zeroizing::new(*array(settings.seed)?),
            contacts_only: settings.flags & ZEPHYR_CONTACTS_ONLY != 0,
            verify_proofs: settings.flags & ZEPHYR_TRUST_PROOFS == 0,
            last_round: settings.last_directory.cast::<[u8; 32]>().as_ref().map(|directory| {
                (Round(settings.last_round), DirectoryHash::from_bytes(*directory))
            }),
        };
        if memory.is_null() {
            return Err(ZEPHYR_ERROR_NULL.into());
        }
        let behind = memory_len.checked_sub(lent_size::<zephyr_session>());
        let behind = behind.filter(|&left| counts.len().is_some_and(|len| len <= left));
        let behind = behind.ok_or(ZEPHYR_ERROR_BUFFER)?;
        // A source that fails does so now rather than in the first round.
        let _ = settings.random.generator()?;
        let start = memory.cast::<u8>().add(lent_size::<zephyr_session>());
        let session = assemble(Carver::new(start, behind), &counts, given, user, settings, now_ms)?;
        out.set(place(memory, memory_len, session)?);
        Ok(())
    })
}

fn assemble(
    mut memory: Carver,
    counts: &Counts,
    given: &[u8],
    user: Settings,
    settings: &zephyr_session_settings,
    now_ms: u64,
) -> Result<zephyr_session, Failure> {
    let contacts = memory.part(counts.contacts, || None)?;
    let tags = memory.part(counts.tags, TagEntry::default)?;
    let hops = memory.part(counts.hops, || Hop::EMPTY)?;
    let exchanges = memory.part(counts.places, || None)?;
    let mut given = given.iter();
    let copy = memory.part(counts.manifest, || given.next().copied().unwrap_or(0))?;
    let packets = memory.part(counts.packets, || 0)?;
    let held = memory.part(counts.held, || 0)?;
    let buffers = memory.part(counts.buffers(), || 0)?;
    // SAFETY: each once, and the parts outlive what uses them: see `Drop`.
    let mut left = unsafe { buffers.get() };
    let places = memory.part(counts.places, || {
        let (buffer, rest) = core::mem::take(&mut left).split_at_mut(counts.buffer);
        let (out, rest) = rest.split_at_mut(counts.out);
        left = rest;
        Place::new(buffer, out)
    })?;
    let parts =
        Parts { manifest: copy, packets, contacts, tags, held, hops, exchanges, places, buffers };
    // SAFETY: as above.
    let machine = unsafe {
        let manifest = manifest(parts.manifest.get())?;
        let storage = Storage {
            packets: parts.packets.get(),
            contacts: parts.contacts.get(),
            tags: parts.tags.get(),
            held: parts.held.get(),
            hops: parts.hops.get(),
            exchanges: parts.exchanges.get(),
        };
        let session = Session::new(manifest.clone(), user, storage, UnixMs(now_ms));
        Machine::new(session, manifest, parts.places.get())
    };
    Ok(zephyr_session {
        machine: ManuallyDrop::new(machine),
        random: settings.random,
        text: [0; 256],
        directory: [0; 32],
        parts,
    })
}

/// Ends a session, overwrites its keys, and gives its memory back. Close the sockets of all its connections. Of no
/// effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_wipe(session: *mut zephyr_session) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(session) })
}
