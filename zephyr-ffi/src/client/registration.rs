//! Registration with the PKGs.

use core::ffi::{c_char, c_void};
use core::ptr;
use std::ffi::CString;
use std::string::ToString;
use std::vec::Vec;

use ::zephyr_client::{Answer, Answers, Pkg, Registrar, Registration};
use zephyr_core::wire::Code;

use super::failure::sentence;
use super::registry::{self, zephyr_client};
use super::text::c_text;
use crate::abi::zephyr_status::*;
use crate::abi::{Failure, Out, boundary, text, zephyr_status};

/// How far the registration with a PKG has come.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum zephyr_registration_state {
    /// The address is not registered, and no code was asked for.
    ZEPHYR_REGISTRATION_NONE = 0,
    /// A code was asked for: bring it with zephyr_client_confirm.
    ZEPHYR_REGISTRATION_CODE_SENT = 1,
    /// The address is registered to this home.
    ZEPHYR_REGISTRATION_REGISTERED = 2,
    /// The address was registered to another home, which this one replaces at `until_ms` unless that one vetoes. There
    /// is nothing to do but wait.
    ZEPHYR_REGISTRATION_WAITING = 3,
}

use zephyr_registration_state::*;

/// A PKG, and the registration with it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zephyr_pkg {
    /// Its number, from 0.
    pub index: usize,
    /// Its name for people.
    pub name: *const c_char,
    /// The fingerprint of this home's key, such as "1a2b 3c4d 5e6f 7a8b 9c0d": the PKG's mail must name the same.
    pub fingerprint: *const c_char,
    /// How far the registration has come, as far as the home knows.
    pub state: zephyr_registration_state,
    /// When this home's key replaces the other one, in milliseconds since 1970; 0 unless it is waiting.
    pub until_ms: u64,
    /// How long the code that was just mailed can be used, in seconds; 0 unless one was.
    pub code_seconds: u64,
}

/// Is given a PKG. Called by the function that it was passed to, before that returns, and may call every function.
pub type zephyr_on_pkg =
    Option<unsafe extern "C" fn(userdata: *mut c_void, pkg: *const zephyr_pkg)>;

/// Is given what a PKG answered: `status` is ZEPHYR_OK, or why it did not do what it was asked, with a sentence.
/// Called by the function that it was passed to, before that returns, and may call every function.
pub type zephyr_on_answer = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        pkg: *const zephyr_pkg,
        status: zephyr_status,
        detail: *const c_char,
    ),
>;

/// How far the registration with each PKG has come, as far as the home knows.
///
/// # Safety
/// `on_pkg` can be called with `userdata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_registration(
    client: *mut zephyr_client,
    on_pkg: zephyr_on_pkg,
    userdata: *mut c_void,
) -> zephyr_status {
    boundary(|| {
        let on_pkg = on_pkg.ok_or(ZEPHYR_ERROR_NULL)?;
        for (pkg, state) in states(client)? {
            let texts = Texts::new(&pkg);
            // SAFETY: as the caller promises. The texts live until it returns.
            unsafe { on_pkg(userdata, &texts.pkg(&pkg, state, 0)) };
        }
        Ok(())
    })
}

/// Whether the address is registered with all PKGs, as far as the home knows: it can send and receive.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_is_registered(
    client: *mut zephyr_client,
    out: *mut bool,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(out) }?;
        let registered = |(_, state): &(Pkg, Registration)| *state == Registration::Registered;
        out.set(states(client)?.iter().all(registered));
        Ok(())
    })
}

/// Has every PKG with which the address is not registered mail a code to it. Waits for their answers.
///
/// `on_answer` may be NULL.
/// @return ZEPHYR_OK if all of them did, or what the first one answered that did not: ZEPHYR_ERROR_UNREACHABLE,
/// ZEPHYR_ERROR_LATER if too many codes were asked for, ZEPHYR_ERROR_ADDRESS if no mail can be sent there, ...
///
/// # Safety
/// `on_answer` can be called with `userdata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_register(
    client: *mut zephyr_client,
    on_answer: zephyr_on_answer,
    userdata: *mut c_void,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { each(client, on_answer, userdata, Registrar::register) })
}

/// Brings the code that the PKG with the number `pkg` mailed, as people type it.
///
/// `state` (may be NULL) is given ZEPHYR_REGISTRATION_REGISTERED or ZEPHYR_REGISTRATION_WAITING.
/// @return ZEPHYR_ERROR_CODE if the text is no code (no try was used up), ZEPHYR_ERROR_WRONG_CODE (zephyr_last_error
/// tells how many tries are left), ZEPHYR_ERROR_NO_CODE if the PKG waits for none any more: register again.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_confirm(
    client: *mut zephyr_client,
    pkg: usize,
    code: *const c_char,
    state: *mut zephyr_registration_state,
) -> zephyr_status {
    boundary(|| {
        // SAFETY: as the caller promises.
        let code = Code::parse(unsafe { text(code) }?)?;
        let answer = registry::find(client)?.call(async |open| {
            let registrar = Registrar::new(open.client.store().clone());
            Ok(registrar.confirm(pkg, &code).await?)
        })?;
        if !state.is_null() {
            // SAFETY: as the caller promises.
            unsafe { Out::new(state) }?.set(answer_state(answer).0);
        }
        Ok(())
    })
}

/// Stops the replacement of this home's key at all PKGs: somebody else asked for codes for the address. Waits for their
/// answers; as zephyr_client_register.
///
/// # Safety
/// `on_answer` can be called with `userdata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_veto(
    client: *mut zephyr_client,
    on_answer: zephyr_on_answer,
    userdata: *mut c_void,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { each(client, on_answer, userdata, Registrar::veto) })
}

/// Deletes the registration at all PKGs: nobody can write to the address any more. Waits for their answers; as
/// zephyr_client_register.
///
/// # Safety
/// `on_answer` can be called with `userdata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zephyr_client_unregister(
    client: *mut zephyr_client,
    on_answer: zephyr_on_answer,
    userdata: *mut c_void,
) -> zephyr_status {
    // SAFETY: as the caller promises.
    boundary(|| unsafe { each(client, on_answer, userdata, Registrar::unregister) })
}

fn states(client: *mut zephyr_client) -> Result<Vec<(Pkg, Registration)>, Failure> {
    registry::find(client)?
        .call(async |open| Ok(Registrar::new(open.client.store().clone()).status().await?))
}

/// Asks all PKGs, and tells what they answered.
///
/// # Safety
/// `on_answer` can be called with `userdata`.
unsafe fn each(
    client: *mut zephyr_client,
    on_answer: zephyr_on_answer,
    userdata: *mut c_void,
    ask: impl AsyncFnOnce(&Registrar) -> Answers,
) -> Result<(), Failure> {
    let (answers, states) = registry::find(client)?.call(async |open| {
        let registrar = Registrar::new(open.client.store().clone());
        let answers = ask(&registrar).await;
        Ok((answers, registrar.status().await?))
    })?;
    let mut result = Ok(());
    for ((pkg, answer), (_, state)) in answers.into_iter().zip(states) {
        let seconds = answer.as_ref().map_or(0, |answer| answer_state(*answer).1);
        let why = answer.as_ref().map_or_else(|error| sentence(&error.to_string()), |_| "".into());
        let failure = answer.err().map(Failure::from);
        let status = failure.as_ref().map_or(ZEPHYR_OK, |failure| failure.status);
        if let Some(on_answer) = on_answer {
            let (texts, why) = (Texts::new(&pkg), c_text(&why));
            let pkg = texts.pkg(&pkg, state, seconds);
            // SAFETY: as the caller promises. The texts live until it returns.
            unsafe { on_answer(userdata, ptr::from_ref(&pkg), status, why.as_ptr()) };
        }
        result = result.and(failure.map_or(Ok(()), Err));
    }
    result
}

/// What an answer makes of the registration, and for how many seconds its code is good.
fn answer_state(answer: Answer) -> (zephyr_registration_state, u64) {
    match answer {
        Answer::CodeSent { valid_for } => (ZEPHYR_REGISTRATION_CODE_SENT, valid_for.as_secs()),
        Answer::Registered | Answer::Vetoed => (ZEPHYR_REGISTRATION_REGISTERED, 0),
        Answer::Waiting { .. } => (ZEPHYR_REGISTRATION_WAITING, 0),
        _ => (ZEPHYR_REGISTRATION_NONE, 0),
    }
}

/// What a zephyr_pkg points to.
struct Texts {
    name: CString,
    fingerprint: CString,
}

impl Texts {
    fn new(pkg: &Pkg) -> Self {
        Self { name: c_text(&pkg.name), fingerprint: c_text(&pkg.fingerprint.to_string()) }
    }

    fn pkg(&self, pkg: &Pkg, state: Registration, code_seconds: u64) -> zephyr_pkg {
        let (state, until_ms) = match state {
            Registration::CodeSent => (ZEPHYR_REGISTRATION_CODE_SENT, 0),
            Registration::Registered => (ZEPHYR_REGISTRATION_REGISTERED, 0),
            Registration::Waiting { until } => (ZEPHYR_REGISTRATION_WAITING, until.0),
            _ => (ZEPHYR_REGISTRATION_NONE, 0),
        };
        zephyr_pkg {
            index: pkg.index,
            name: self.name.as_ptr(),
            fingerprint: self.fingerprint.as_ptr(),
            state,
            until_ms,
            code_seconds,
        }
    }
}
