//! Registrations with a PKG that answers what a test says.

use std::vec::Vec;
use std::{ptr, slice};

use zephyr_core::wire::{PkgRefusal, PkgReply, PkgRequest, decode, encode};
use zephyr_core::{FrameBuffer, Link, LinkKey, Role, UnixMs, X25519};

use super::person::settings;
use super::wire::World;
use crate::abi::zephyr_status::{self, *};
use crate::session::event::zephyr_refusal::*;
use crate::session::registration::zephyr_answer_kind::*;
use crate::session::registration::*;

/// Runs an exchange in pieces of `piece` bytes with PKG 0, which answers `reply`; whether the request was that of the task.
fn exchange(task: u32, reply: &PkgReply, piece: usize) -> (zephyr_status, zephyr_answer, bool) {
    let world = World::new(1);
    let settings = settings(&world, c"alice@example.org", &[1; 32]);
    let mut memory = std::vec![0u8; ZEPHYR_REGISTRATION_SIZE];
    let mut registration = ptr::null_mut();
    // SAFETY: memory of the size that is needed, and pointers to what lives.
    unsafe {
        let status = zephyr_registration_init(
            memory.as_mut_ptr().cast(),
            memory.len(),
            settings.manifest,
            settings.manifest_len,
            0,
            c"alice@example.org".as_ptr(),
            [1; 32].as_ptr(),
            task,
            c"7GK2-M0QX".as_ptr(),
            &settings.random,
            &mut registration,
        );
        assert_eq!(status, ZEPHYR_OK);
    }
    let secret = world.plan.link_secret(Role::Pkg, 0);
    let mut link: Link =
        Link::responder(world.manifest.network(), &LinkKey::new::<X25519>(&secret), [9; 32]);
    let mut frames = FrameBuffer::new(std::vec![0u8; 4_096]);
    let (mut opened, mut asked, mut status) = (false, false, ZEPHYR_OK);
    loop {
        let (mut data, mut len) = (ptr::null(), 0);
        // SAFETY: the exchange lives, and what it has to send until it is used again.
        let sent = unsafe {
            assert_eq!(zephyr_registration_to_send(registration, &mut data, &mut len), ZEPHYR_OK);
            slice::from_raw_parts(data, len.min(piece)).to_vec()
        };
        // SAFETY: the exchange lives.
        unsafe { assert_eq!(zephyr_registration_sent(registration, sent.len()), ZEPHYR_OK) };
        if sent.is_empty() {
            break;
        }
        frames.space()[..sent.len()].copy_from_slice(&sent);
        frames.filled(sent.len());
        let mut answers = Vec::new();
        while let Some(frame) = frames.next_frame(link.lengths()).expect("a good client") {
            let mut out = std::vec![0; 512];
            if !link.is_open() {
                link.read_handshake(frame).expect("a good client");
                if !opened {
                    opened = true;
                    let len = link.write_handshake(&mut out).expect("the server's turn");
                    answers.extend_from_slice(&out[..len]);
                }
                continue;
            }
            let request = decode(link.open(frame).expect("a good client"));
            asked = matches!(
                (task, request),
                (
                    ZEPHYR_TASK_REGISTER,
                    Ok(PkgRequest::Register { address: "alice@example.org", .. })
                ) | (ZEPHYR_TASK_CONFIRM, Ok(PkgRequest::Confirm { .. }))
                    | (ZEPHYR_TASK_VETO, Ok(PkgRequest::Veto { .. }))
                    | (ZEPHYR_TASK_UNREGISTER, Ok(PkgRequest::Unregister { .. }))
            );
            let mut bytes = [0; 256];
            let bytes = encode(reply, &mut bytes).expect("there is room");
            let len = link.seal(bytes, &mut out).expect("there is room");
            answers.extend_from_slice(&out[..len]);
        }
        for piece in answers.chunks(piece) {
            // SAFETY: the exchange lives, and the bytes are there.
            let received =
                unsafe { zephyr_registration_received(registration, piece.as_ptr(), piece.len()) };
            if received != ZEPHYR_OK {
                status = received;
            }
        }
    }
    // SAFETY: the exchange lives until it is wiped; an answer is numbers, for which 0 is a value.
    unsafe {
        let mut answer = core::mem::zeroed();
        assert_eq!(zephyr_registration_answer(registration, &mut answer), ZEPHYR_OK);
        assert_eq!(zephyr_registration_wipe(registration), ZEPHYR_OK);
        assert!(!memory.windows(8).any(|window| window == [1; 8]), "the seed is overwritten");
        (status, answer, asked)
    }
}

#[test]
fn every_task_is_asked_and_its_answer_read_however_the_bytes_are_split() {
    let until = UnixMs(1_800_000_000_000);
    let cases = [
        (ZEPHYR_TASK_REGISTER, PkgReply::CodeSent { seconds: 600 }, ZEPHYR_ANSWER_CODE_SENT),
        (ZEPHYR_TASK_CONFIRM, PkgReply::Registered, ZEPHYR_ANSWER_REGISTERED),
        (ZEPHYR_TASK_CONFIRM, PkgReply::Waiting { until }, ZEPHYR_ANSWER_WAITING),
        (ZEPHYR_TASK_VETO, PkgReply::Vetoed, ZEPHYR_ANSWER_VETOED),
        (ZEPHYR_TASK_UNREGISTER, PkgReply::Unregistered, ZEPHYR_ANSWER_UNREGISTERED),
    ];
    for (task, reply, kind) in cases {
        for piece in [1, 2, 50, 1_000] {
            let (status, answer, asked) = exchange(task, &reply, piece);
            assert_eq!((status, answer.kind, asked), (ZEPHYR_OK, kind, true), "{task}");
            match kind {
                ZEPHYR_ANSWER_CODE_SENT => assert_eq!(answer.seconds, 600),
                ZEPHYR_ANSWER_WAITING => assert_eq!(answer.until_ms, until.0),
                _ => {}
            }
        }
    }
}

#[test]
fn refusals_say_why() {
    let until = UnixMs(1_800_000_000_000);
    let refused = |why| exchange(ZEPHYR_TASK_CONFIRM, &PkgReply::Refused(why), 100).1;
    let wrong = refused(PkgRefusal::WrongCode { tries_left: 3 });
    assert_eq!((wrong.kind, wrong.refusal), (ZEPHYR_ANSWER_REFUSED, ZEPHYR_REFUSED_WRONG_CODE));
    assert_eq!(wrong.tries_left, 3);
    let often = refused(PkgRefusal::RateLimited { seconds: 90 });
    assert_eq!((often.refusal, often.seconds), (ZEPHYR_REFUSED_TOO_MANY, 90));
    let waiting = refused(PkgRefusal::Waiting { until });
    assert_eq!((waiting.refusal, waiting.until_ms), (ZEPHYR_REFUSED_WAITING, until.0));
    assert_eq!(refused(PkgRefusal::NoCode).refusal, ZEPHYR_REFUSED_NO_CODE);
}

#[test]
fn an_answer_to_something_else_is_none() {
    let (status, answer, asked) = exchange(ZEPHYR_TASK_REGISTER, &PkgReply::Vetoed, 100);
    assert_eq!((status, answer.kind, asked), (ZEPHYR_ERROR_LINK, ZEPHYR_ANSWER_NONE, true));
}
