//! What a session asks for, and what it tells.

use core::ffi::c_char;
use core::ptr;

use zephyr_core::{Address, UnixMs};

use super::event::zephyr_event;
use super::fragment::{zephyr_draft, zephyr_fragment};
use super::handle::zephyr_session;
use super::machine::Step;
use crate::abi::zephyr_status::*;
use crate::abi::{Out, borrow, borrow_mut, boundary, zephyr_status};

/// What is to be done.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_action_kind {
    /// Nothing: wait for the sockets, and until zephyr_session_wake_up.
    ZEPHYR_ACTION_NONE = 0,
    /// Open a socket to `server`, and then call zephyr_session_connected, or zephyr_session_failed if that can't be
    /// done.
    ZEPHYR_ACTION_CONNECT = 1,
    /// Close the socket of `connection`.
    ZEPHYR_ACTION_CLOSE = 2,
    /// Write down that `round` with `directory` is the newest in which anything was sent, and what goes into `slot`; then
    /// call zephyr_session_fill, before the next zephyr_session_poll.
    ZEPHYR_ACTION_FILL = 3,
    /// A `fragment` arrived.
    ZEPHYR_ACTION_FRAGMENT = 4,
    /// Something happened: `event`.
    ZEPHYR_ACTION_EVENT = 5,
    /// The network has a next version, in effect from `round` on, verified: keep `signed_manifest`.
    ZEPHYR_ACTION_VERSION = 6,
    /// All rounds of this version of the network are over: wipe the session, and begin another one with the manifest in
    /// what ZEPHYR_ACTION_VERSION gave.
    ZEPHYR_ACTION_OVER = 7,
    /// A piece of a long computation is done: poll again. A program with other things to do does them first.
    ZEPHYR_ACTION_CONTINUE = 8,
}

use zephyr_action_kind::*;

/// What is to be done, or has happened. Pointers live until the session is used again, in whatever way. What a kind
/// doesn't speak of is 0 or NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_action {
    /// What it is.
    pub kind: zephyr_action_kind,
    /// CONNECT, CLOSE: the connection's number, never used again. Its remainder by `connections` of the settings is
    /// different for all that are open at the same time: an index for the program's sockets.
    pub connection: u32,
    /// CONNECT: the server's address, `host:port`, or `ws://host:port/` for a WebSocket. Its key is checked by the
    /// session.
    pub server: *const c_char,
    /// CONNECT: what the server is, ZEPHYR_ROLE_..., for people.
    pub server_role: u32,
    /// CONNECT: its index among the servers of its role, for people.
    pub server_index: u32,
    /// FILL, EVENT, FRAGMENT: the round. VERSION: from which one on it is in effect.
    pub round: u64,
    /// FILL: the slot.
    pub slot: u32,
    /// FILL: who the slot belongs to.
    pub contact: *const c_char,
    /// FILL: the round's directory, 32 bytes.
    pub directory: *const u8,
    /// FRAGMENT: what arrived.
    pub fragment: zephyr_fragment,
    /// EVENT: what happened.
    pub event: zephyr_event,
    /// VERSION: the signed manifest.
    pub signed_manifest: *const u8,
    /// VERSION: its length.
    pub signed_manifest_len: usize,
    /// VERSION: so many bytes at its beginning are the manifest.
    pub manifest_len: usize,
}

impl zephyr_action {
    const NONE: Self = Self {
        kind: ZEPHYR_ACTION_NONE,
        connection: 0,
        server: ptr::null(),
        server_role: 0,
        server_index: 0,
        round: 0,
        slot: 0,
        contact: ptr::null(),
        directory: ptr::null(),
        fragment: zephyr_fragment::NONE,
        event: zephyr_event::NONE,
        signed_manifest: ptr::null(),
        signed_manifest_len: 0,
        manifest_len: 0,
    };
}

/// What is to be done next. Call it until it gives ZEPHYR_ACTION_NONE, after everything that happens: bytes that came,
/// a connection that was opened or failed, or the time of zephyr_session_wake_up.
///
/// `now_ms` is the local time in milliseconds since 1970.
/// @return ZEPHYR_ERROR_RANDOM if the source of random numbers fails: nothing was done.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_poll(
    session: *mut zephyr_session,
    now_ms: u64,
    action: *mut zephyr_action,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let action = Out::new(action)?;
        let session = borrow_mut(session)?;
        let mut rng = session.random.generator()?;
        let step = session.machine().step(UnixMs(now_ms), &mut rng);
        action.set(session.action(step));
        Ok(())
    })
}

impl zephyr_session {
    fn action(&mut self, step: Step) -> zephyr_action {
        let none = zephyr_action::NONE;
        match step {
            Step::Nothing => none,
            Step::Continue => zephyr_action { kind: ZEPHYR_ACTION_CONTINUE, ..none },
            Step::Over => zephyr_action { kind: ZEPHYR_ACTION_OVER, ..none },
            Step::Connect { connection, server } => {
                let entry = self.machine().manifest.server(server.role, server.index);
                zephyr_action {
                    kind: ZEPHYR_ACTION_CONNECT,
                    connection,
                    server: self.keep(entry.map_or("", |entry| entry.client_address)),
                    server_role: server.role as u32,
                    server_index: server.index as u32,
                    ..none
                }
            }
            Step::Close { connection } => {
                zephyr_action { kind: ZEPHYR_ACTION_CLOSE, connection, ..none }
            }
            Step::Fill { round, slot, contact, directory } => {
                self.directory = *directory.as_bytes();
                zephyr_action {
                    kind: ZEPHYR_ACTION_FILL,
                    round: round.0,
                    slot: slot.into(),
                    contact: self.keep(contact.as_str()),
                    directory: self.directory.as_ptr(),
                    ..none
                }
            }
            Step::Fragment { round, header, body } => {
                let fragment = zephyr_fragment {
                    sender: self.keep_sender(header.sender.as_ref()),
                    content: header.content as u32,
                    stream: header.stream,
                    sequence: header.sequence,
                    ack_stream: header.ack_stream,
                    ack: header.ack,
                    fragment: header.fragment,
                    fragments: header.fragments,
                    message: header.message,
                    round: round.0,
                    body: body.cast(),
                    body_len: body.len(),
                };
                zephyr_action { kind: ZEPHYR_ACTION_FRAGMENT, round: round.0, fragment, ..none }
            }
            Step::Version { signed, manifest, from } => zephyr_action {
                kind: ZEPHYR_ACTION_VERSION,
                round: from.0,
                signed_manifest: signed.cast(),
                signed_manifest_len: signed.len(),
                manifest_len: manifest,
                ..none
            },
            Step::Event(event) => {
                let event = zephyr_event::new(&event);
                zephyr_action { kind: ZEPHYR_ACTION_EVENT, round: event.round, event, ..none }
            }
        }
    }

    /// Text with a NUL behind it that lives until the next action. No address in a manifest or payload is longer than
    /// the room for it.
    fn keep(&mut self, text: &str) -> *const c_char {
        let len = text.len().min(self.text.len() - 1);
        self.text[..len].copy_from_slice(&text.as_bytes()[..len]);
        self.text[len] = 0;
        self.text.as_ptr().cast()
    }

    fn keep_sender(&mut self, sender: Option<&Address>) -> *const c_char {
        sender.map_or(ptr::null(), |sender| self.keep(sender.as_str()))
    }
}

/// Fills the slot of ZEPHYR_ACTION_FILL. Computes for some milliseconds.
///
/// `draft` is what goes into it; NULL: nothing, so that it carries cover.
/// @return ZEPHYR_ERROR_SLOT if it carries cover after all: tell the conversation with zephyr_conversation_failed.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_fill(
    session: *mut zephyr_session,
    round: u64,
    slot: u32,
    draft: *const zephyr_draft,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let session = borrow_mut(session)?;
        let draft = draft.as_ref().map(|draft| draft.draft()).transpose()?;
        let slot = u8::try_from(slot).map_err(|_| ZEPHYR_ERROR_SLOT)?;
        let mut rng = session.random.generator()?;
        let round = zephyr_core::Round(round);
        let filled = session.machine().fill(round, slot, draft, &mut rng);
        filled.then_some(()).ok_or(ZEPHYR_ERROR_SLOT.into())
    })
}

/// When to call zephyr_session_poll again at the latest, if nothing happens before: local time in milliseconds since
/// 1970. Ask after zephyr_session_poll gave ZEPHYR_ACTION_NONE.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_session_wake_up(
    session: *const zephyr_session,
    out: *mut u64,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        out.set(borrow(session)?.wake_up().0);
        Ok(())
    })
}
