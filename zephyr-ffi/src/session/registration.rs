//! Registration with one PKG.

mod exchange;

use core::ffi::{c_char, c_void};

use rand_core::Rng;
use zephyr_core::registration::{Answer, MAX_REPLY, MAX_REQUEST, Task};
use zephyr_core::session::client_key;
use zephyr_core::wire::{Code, Fingerprint, PkgRefusal};
use zephyr_core::{
    Address, CONNECTION_OVERHEAD, Connection, FRAME_OVERHEAD, Manifest, NetworkId, Role, ServerId,
};
use zeroize::Zeroizing;

use super::event::zephyr_refusal;
use crate::abi::zephyr_status::*;
use crate::abi::{
    Failure, Lent, Out, address, array, borrow, borrow_mut, boundary, bytes, lent_size, output,
    output_text, place, text, wipe, zephyr_random, zephyr_status,
};
use crate::{Dh, Suite};

/// How many bytes to lend for a zephyr_registration.
pub const ZEPHYR_REGISTRATION_SIZE: usize = 4 * 1024;
/// Mail a code to the address.
pub const ZEPHYR_TASK_REGISTER: u32 = 0;
/// Register the key: here is the code.
pub const ZEPHYR_TASK_CONFIRM: u32 = 1;
/// Don't replace the key, which is registered: it was somebody else who asked for that.
pub const ZEPHYR_TASK_VETO: u32 = 2;
/// Delete the registration: nobody can write to the address any more.
pub const ZEPHYR_TASK_UNREGISTER: u32 = 3;

const _: () = assert!(ZEPHYR_REGISTRATION_SIZE >= lent_size::<zephyr_registration>());

const IN: usize = MAX_REPLY + FRAME_OVERHEAD;
const OUT: usize = MAX_REQUEST + CONNECTION_OVERHEAD;
/// The longest name or address of a server in a manifest, and a NUL.
const TEXT: usize = 256;

/// One exchange with one PKG over a connection of its own. A user registers with every PKG of the network: first
/// ZEPHYR_TASK_REGISTER, and then ZEPHYR_TASK_CONFIRM with the code that the PKG has mailed. One thread at a time.
///
/// Connect to zephyr_registration_server; send zephyr_registration_to_send until there is nothing more, give what comes
/// to zephyr_registration_received, until zephyr_registration_answer has one. If the connection breaks or the answer is
/// long in coming, wipe it and try again: repeating does no harm.
pub struct zephyr_registration {
    connection: Connection<[u8; IN], Dh>,
    request: Request,
    out: Zeroizing<[u8; OUT]>,
    unsent: core::ops::Range<usize>,
    state: State,
    name: Text,
    server: Text,
    fingerprint: Fingerprint,
}

/// What is to be asked once the link is open.
struct Request {
    task: Task,
    address: Address,
    seed: Zeroizing<[u8; 32]>,
    network: NetworkId,
    pkg: ServerId,
}

enum State {
    Open,
    Answered(Result<Answer, PkgRefusal>),
    Failed,
}

/// A text of a manifest, copied.
struct Text([u8; TEXT], usize);

impl Lent for zephyr_registration {
    const MAGIC: [u8; 8] = *b"register";
}

/// What a PKG answered.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_answer_kind {
    /// Nothing yet.
    ZEPHYR_ANSWER_NONE = 0,
    /// A code is on its way to the address, and can be used for `seconds`. The mail shows the key's fingerprint: compare it
    /// with zephyr_registration_fingerprint.
    ZEPHYR_ANSWER_CODE_SENT = 1,
    /// The address is registered to the user's key.
    ZEPHYR_ANSWER_REGISTERED = 2,
    /// The user's key replaces another one at `until_ms`, unless that one vetoes.
    ZEPHYR_ANSWER_WAITING = 3,
    /// No replacement of the user's key is waiting any more.
    ZEPHYR_ANSWER_VETOED = 4,
    /// The registration is deleted.
    ZEPHYR_ANSWER_UNREGISTERED = 5,
    /// It was not done: `refusal`.
    ZEPHYR_ANSWER_REFUSED = 6,
}

/// What a PKG answered.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct zephyr_answer {
    /// What it is.
    pub kind: zephyr_answer_kind,
    /// REFUSED: why.
    pub refusal: zephyr_refusal,
    /// CODE_SENT: how long the code can be used. REFUSED with TOO_MANY: when the next one can be had.
    pub seconds: u32,
    /// REFUSED with WRONG_CODE: how often it can still be tried.
    pub tries_left: u32,
    /// WAITING, also as the reason of REFUSED: when, in milliseconds since 1970.
    pub until_ms: u64,
}

/// Prepares an exchange with the PKG that has this index in the manifest.
///
/// `memory` is lent, ZEPHYR_REGISTRATION_SIZE bytes, until zephyr_registration_wipe. `seed` is the user's secret of 32
/// bytes, the same as in zephyr_session_settings. `task` is one of ZEPHYR_TASK_...; `code` is only for
/// ZEPHYR_TASK_CONFIRM, as people type it, and else NULL.
/// @return ZEPHYR_ERROR_SERVER if there is no such PKG: the network has as many as there are indices before;
/// ZEPHYR_ERROR_CODE if the code is none.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_init(
    memory: *mut c_void,
    memory_len: usize,
    manifest: *const u8,
    manifest_len: usize,
    pkg: u32,
    address_text: *const c_char,
    seed: *const u8,
    task: u32,
    code: *const c_char,
    random: *const zephyr_random,
    out: *mut *mut zephyr_registration,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        let manifest = Manifest::parse(bytes(manifest, manifest_len)?)
            .map_err(|error| Failure::new(ZEPHYR_ERROR_MANIFEST, error))?;
        let server = manifest.server(Role::Pkg, pkg as usize).ok_or(ZEPHYR_ERROR_SERVER)?;
        let task = match task {
            ZEPHYR_TASK_REGISTER => Task::Register,
            ZEPHYR_TASK_CONFIRM => Task::Confirm(
                Code::parse(text(code)?).map_err(|error| Failure::new(ZEPHYR_ERROR_CODE, error))?,
            ),
            ZEPHYR_TASK_VETO => Task::Veto,
            ZEPHYR_TASK_UNREGISTER => Task::Unregister,
            _ => return Err(ZEPHYR_ERROR_ARGUMENT.into()),
        };
        let (address, seed) = (address(address_text)?, Zeroizing::new(*array(seed)?));
        let mut ephemeral = [0; 32];
        random.as_ref().ok_or(ZEPHYR_ERROR_NULL)?.generator()?.fill_bytes(&mut ephemeral);
        let network = *manifest.network();
        let mut connection = Connection::new(&network, &server.link_key, ephemeral, [0; IN]);
        let mut bytes = Zeroizing::new([0; OUT]);
        let len = connection
            .start(&mut *bytes)
            .map_err(|error| Failure::new(ZEPHYR_ERROR_MANIFEST, error))?;
        let registration = zephyr_registration {
            connection,
            fingerprint: client_key::<Suite>(&seed, &server.id).fingerprint(&network),
            request: Request { task, address, seed, network, pkg: server.id },
            out: bytes,
            unsent: 0..len,
            state: State::Open,
            name: Text::new(server.name),
            server: Text::new(server.client_address),
        };
        out.set(place(memory, memory_len, registration)?);
        Ok(())
    })
}

/// Ends an exchange, overwrites its secrets, and gives its memory back. Of no effect on NULL.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_wipe(
    registration: *mut zephyr_registration,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { wipe(registration) })
}

/// The PKG's name for people. `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; 256
/// are always enough.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_name(
    registration: *const zephyr_registration,
    out: *mut c_char,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { borrow(registration)?.name.output(out, out_len, needed) })
}

/// Where to connect to: `host:port`, or `ws://host:port/` for a WebSocket. `out` is given it with a NUL behind it,
/// `needed` (may be NULL) its length with the NUL; 256 are always enough.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_server(
    registration: *const zephyr_registration,
    out: *mut c_char,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { borrow(registration)?.server.output(out, out_len, needed) })
}

/// The fingerprint of the user's key for this PKG, which its mail shows as well: people compare them, so that nobody else
/// registers the address with their code. `out` is given 24 characters, such as `1a2b 3c4d 5e6f 7a8b 9c0d`, and a NUL.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_fingerprint(
    registration: *const zephyr_registration,
    out: *mut c_char,
    out_len: usize,
    needed: *mut usize,
) -> zephyr_status {
    use core::fmt::Write;
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let mut shown = heapless::String::<32>::new();
        let fingerprint = borrow(registration)?.fingerprint;
        write!(shown, "{fingerprint}").map_err(|_| ZEPHYR_ERROR_PANIC)?;
        output_text(&shown, out, out_len, needed)
    })
}

/// What waits to be sent: nothing if `len` is 0. `data` lives until the exchange is used again.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_to_send(
    registration: *const zephyr_registration,
    data: *mut *const u8,
    len: *mut usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let (data, len) = (Out::new(data)?, Out::new(len)?);
        let registration = borrow(registration)?;
        let bytes = &registration.out[registration.unsent.clone()];
        data.set(bytes.as_ptr());
        len.set(bytes.len());
        Ok(())
    })
}

/// The first `n` bytes of zephyr_registration_to_send have been sent.
///
/// @return ZEPHYR_ERROR_ARGUMENT if there were fewer.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_sent(
    registration: *mut zephyr_registration,
    n: usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let unsent = &mut borrow_mut(registration)?.unsent;
        if n > unsent.len() {
            return Err(ZEPHYR_ERROR_ARGUMENT.into());
        }
        unsent.start += n;
        Ok(())
    })
}

/// Bytes came from the PKG. What comes behind the answer is dropped.
///
/// @return ZEPHYR_ERROR_LINK if the server is not the PKG, or doesn't keep to the protocol: close the connection.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_received(
    registration: *mut zephyr_registration,
    data: *const u8,
    len: usize,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let data = bytes(data, len)?;
        borrow_mut(registration)?.received(data).ok_or(ZEPHYR_ERROR_LINK.into())
    })
}

/// What the PKG answered; of the kind ZEPHYR_ANSWER_NONE as long as it has not.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_registration_answer(
    registration: *const zephyr_registration,
    out: *mut zephyr_answer,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe {
        let out = Out::new(out)?;
        out.set(borrow(registration)?.answer());
        Ok(())
    })
}

/// A sentence in English for a refusal. Lives for ever; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn zephyr_refusal_text(refusal: u32) -> *const c_char {
    let text = match refusal {
        0 => c"It was done.",
        1 => c"The PKG does not take this e-mail address.",
        2 => c"The PKG has not registered this address to this key: register the address.",
        3 => c"The PKG has no key for this round.",
        4 => c"The code is wrong: compare it with the mail.",
        5 => c"The PKG waits for no code here (any more): ask for a new one.",
        6 => c"Too many codes were asked for: try again later.",
        7 => {
            c"The address has another key, which this one replaces later unless the old one vetoes."
        }
        8 => c"The PKG cannot send mail now: try again in a few minutes.",
        9 => c"No mail can be sent to this address: check its spelling.",
        10 => c"The PKG is busy: try again in a minute.",
        11 => c"The PKG cannot use its database now: try again later.",
        12 => c"The PKG did not understand the request: use the same version as the network.",
        _ => c"The PKG refused, for a reason that this version of the library doesn't know.",
    };
    text.as_ptr()
}

impl Text {
    fn new(text: &str) -> Self {
        let (mut bytes, len) = ([0; TEXT], text.len().min(TEXT - 1));
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        Self(bytes, len)
    }

    /// # Safety
    /// As for [`output`].
    unsafe fn output(
        &self,
        out: *mut c_char,
        out_len: usize,
        needed: *mut usize,
    ) -> Result<(), Failure> {
        // SAFETY: as the caller promises.
        let out = unsafe { output(out.cast(), out_len, self.1 + 1, needed) }?;
        out.copy_from_slice(&self.0[..=self.1]);
        Ok(())
    }
}
