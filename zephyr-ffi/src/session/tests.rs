//! Sessions driven through the functions of C, against the testkit's servers, over links that split and break.

mod person;
mod registration;
mod wire;

use std::ptr;
use std::vec::Vec;

use super::bytes::*;
use super::contacts::*;
use super::handle::*;
use super::step::*;
use crate::abi::zephyr_status::*;
use person::{Person, settings};
use wire::World;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";

/// Both have each other as contacts, and alice has written.
fn pair(world: &World) -> (Person, Person) {
    let (mut alice, mut bob) = (Person::new(world, ALICE, 1), Person::new(world, BOB, 2));
    alice.befriend(world, BOB);
    bob.befriend(world, ALICE);
    (alice, bob)
}

#[test]
fn a_message_arrives_and_is_acknowledged_however_the_bytes_are_split() {
    let mut world = World::new(1);
    let (mut alice, mut bob) = pair(&world);
    let text: Vec<u8> = (0..400).map(|n| b'a' + (n % 26) as u8).collect();
    alice.write(&world, BOB, &text);
    world.run(&mut [&mut alice, &mut bob], 24_000, |people| people[0].delivered() == 1);
    assert_eq!(bob.inbox, [(ALICE.into(), text)]);
    assert_eq!(alice.delivered(), 1);
    assert!(bob.unexpected.is_empty(), "{:?}", bob.unexpected);
}

#[test]
fn one_connection_at_a_time_is_enough() {
    let mut world = World::new(2);
    world.connections = 1;
    let (mut alice, mut bob) = pair(&world);
    alice.write(&world, BOB, b"hello");
    world.run(&mut [&mut alice, &mut bob], 40_000, |people| people[0].delivered() == 1);
    assert_eq!(bob.inbox, [(ALICE.into(), b"hello".to_vec())]);
}

#[test]
fn garbage_and_broken_connections_cost_time_and_nothing_else() {
    let mut world = World::new(3);
    world.garbage = 20;
    world.broken = 20;
    let (mut alice, mut bob) = pair(&world);
    alice.write(&world, BOB, b"through all of it");
    world.run(&mut [&mut alice, &mut bob], 60_000, |people| people[0].delivered() == 1);
    assert_eq!(bob.inbox, [(ALICE.into(), b"through all of it".to_vec())]);
}

#[test]
fn a_restart_goes_on_from_what_was_written_down() {
    let mut world = World::new(4);
    let (mut alice, mut bob) = pair(&world);
    alice.write(&world, BOB, b"one");
    alice.write(&world, BOB, b"two");
    for _ in 0..4 {
        world.run(&mut [&mut alice, &mut bob], 3_100, |_| false);
        alice.restart(&world);
        bob.restart(&world);
    }
    world.run(&mut [&mut alice, &mut bob], 30_000, |people| people[0].delivered() == 2);
    assert_eq!(bob.inbox, [(ALICE.into(), b"one".to_vec()), (ALICE.into(), b"two".to_vec())]);
}

#[test]
fn a_next_version_is_verified_and_told_and_ends_the_session() {
    let mut world = World::new(7);
    let mut alice = Person::new(&world, ALICE, 1);
    let (signed, len) = world.next_version(6);
    let mut wrong = signed.clone();
    *wrong.last_mut().expect("signatures") ^= 1;
    world.next = Some(wrong);
    world.run(&mut [&mut alice], 3_000, |_| false);
    assert!(alice.next.is_none(), "a signature is wrong");
    world.next = Some(signed.clone());
    alice.restart(&world);
    world.run(&mut [&mut alice], 60_000, |people| people[0].over);
    assert_eq!(alice.next, Some((signed.clone(), len)));
    assert!(alice.over);

    // A program that was started anew has kept it.
    world.next = None;
    (alice.over, alice.next) = (false, None);
    alice.restart(&world);
    // SAFETY: the session lives, and the bytes are there.
    unsafe {
        let set = zephyr_session_set_next(alice.session, signed.as_ptr(), signed.len());
        assert_eq!(set, ZEPHYR_OK);
        let set = zephyr_session_set_next(alice.session, signed.as_ptr(), signed.len() - 1);
        assert_eq!(set, ZEPHYR_ERROR_SIGNATURE);
    }
    world.run(&mut [&mut alice], 5_000, |people| people[0].over);
    assert!(alice.over);
}

#[test]
fn wrong_calls_are_answered() {
    let mut world = World::new(5);
    let alice = Person::new(&world, ALICE, 1);
    let (session, mut action) = (alice.session, person::no_action());
    let (mut taken, mut data, mut len) = (77, ptr::null(), 77);
    // SAFETY: the session lives, and all pointers are to locals.
    unsafe {
        for connection in [1, 31, 32, u32::MAX] {
            let gone = ZEPHYR_ERROR_CONNECTION;
            assert_eq!(zephyr_session_connected(session, connection), gone);
            let received =
                zephyr_session_received(session, connection, b"x".as_ptr(), 1, &mut taken);
            assert_eq!(received, gone);
            assert_eq!(zephyr_session_to_send(session, connection, &mut data, &mut len), gone);
            assert_eq!(zephyr_session_sent(session, connection, 0), gone);
            assert_eq!(zephyr_session_failed(session, connection, 0), gone);
        }
        assert_eq!((taken, len), (77, 77));
        assert_eq!(zephyr_session_fill(session, 1, 0, ptr::null()), ZEPHYR_ERROR_SLOT);
        assert_eq!(zephyr_session_fill(session, 1, 900, ptr::null()), ZEPHYR_ERROR_SLOT);
        assert_eq!(zephyr_session_poll(session, world.now, ptr::null_mut()), ZEPHYR_ERROR_NULL);
        assert_eq!(zephyr_session_poll(ptr::null_mut(), world.now, &mut action), ZEPHYR_ERROR_NULL);

        // The clock is asked for.
        assert_eq!(zephyr_session_poll(session, world.now, &mut action), ZEPHYR_OK);
        assert_eq!(action.kind, zephyr_action_kind::ZEPHYR_ACTION_CONNECT);
        let connection = action.connection;
        let early = zephyr_session_received(session, connection, b"x".as_ptr(), 1, &mut taken);
        assert_eq!(early, ZEPHYR_ERROR_STATE);
        assert_eq!(zephyr_session_connected(session, connection), ZEPHYR_OK);
        assert_eq!(zephyr_session_connected(session, connection), ZEPHYR_ERROR_STATE);
        assert_eq!(zephyr_session_to_send(session, connection, &mut data, &mut len), ZEPHYR_OK);
        assert_eq!(len, 50);
        assert_eq!(zephyr_session_sent(session, connection, 51), ZEPHYR_ERROR_ARGUMENT);
        assert_eq!(zephyr_session_sent(session, connection, 50), ZEPHYR_OK);
        assert_eq!(zephyr_session_failed(session, connection, world.now), ZEPHYR_OK);
        assert_eq!(zephyr_session_failed(session, connection, world.now), ZEPHYR_ERROR_CONNECTION);
    }
    world.now += 1;
}

#[test]
fn sizes_and_settings_are_checked() {
    let world = World::new(6);
    let seed = [7; 32];
    let good = settings(&world, c"alice@example.org", &seed);
    let (mut size, mut session) = (0, ptr::null_mut());
    // SAFETY: the memory is as long as said, and all pointers are to locals.
    unsafe {
        assert_eq!(zephyr_session_size(&good, &mut size), ZEPHYR_OK);
        let mut memory: Vec<u8> = std::vec![0xaa; size + 16];
        let (start, out) = (memory.as_mut_ptr(), &raw mut session);
        let init = |offset: usize, len, settings: &zephyr_session_settings| {
            zephyr_session_init(start.add(offset).cast(), len, settings, world.now, out)
        };
        assert_eq!(init(0, size - 1, &good), ZEPHYR_ERROR_BUFFER);
        for connections in [0, 33] {
            let wrong = zephyr_session_settings { connections, ..good };
            assert_eq!(init(0, size, &wrong), ZEPHYR_ERROR_ARGUMENT);
        }
        let wrong = zephyr_session_settings { flags: 4, ..good };
        assert_eq!(init(0, size, &wrong), ZEPHYR_ERROR_ARGUMENT);
        let wrong = zephyr_session_settings { manifest_len: good.manifest_len - 1, ..good };
        assert_eq!(init(0, size, &wrong), ZEPHYR_ERROR_MANIFEST);
        let wrong = zephyr_session_settings { seed: ptr::null(), ..good };
        assert_eq!(init(0, size, &wrong), ZEPHYR_ERROR_NULL);
        let wrong = zephyr_session_settings { address: c"nobody".as_ptr(), ..good };
        assert_eq!(init(0, size, &wrong), ZEPHYR_ERROR_ADDRESS);
        // Anywhere in memory.
        for offset in 0..16 {
            assert_eq!(init(offset, size, &good), ZEPHYR_OK);
            assert_eq!(zephyr_session_add_contact(session, c"bob@example.org".as_ptr()), ZEPHYR_OK);
            let own = zephyr_session_add_contact(session, c"Alice@example.org".as_ptr());
            assert_eq!(own, ZEPHYR_ERROR_OWN_ADDRESS);
            assert_eq!(zephyr_session_wipe(session), ZEPHYR_OK);
            assert_eq!(zephyr_session_wipe(session), ZEPHYR_ERROR_HANDLE);
        }
        // Nothing of the seed is left behind.
        assert!(!memory.windows(8).any(|window| window == [7; 8]));
    }
}
