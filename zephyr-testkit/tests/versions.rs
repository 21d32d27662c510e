//! A session and the versions of its network.

#![allow(missing_docs)]

mod common;

use common::alone::Alone;
use zephyr_core::session::*;
use zephyr_core::wire::{InfoReply, InfoRequest, decode, encode};
use zephyr_core::*;
use zephyr_testkit::Plan;

fn encoded(reply: &InfoReply<'_>) -> Vec<u8> {
    let mut out = vec![0; 1_024];
    encode(reply, &mut out).unwrap().to_vec()
}

/// Asks for the clock and gives the connection on which the version is asked for next.
fn asked_for_version(alone: &mut Alone) -> (ExchangeId, InfoRequest) {
    let Action::Connect { exchange, server } = alone.next() else { panic!("a connection") };
    assert_eq!(server.role, Role::Info);
    assert_eq!(decode(&alone.request(exchange).unwrap()), Ok(InfoRequest::Clock));
    let mut clock = encoded(&InfoReply::Clock(alone.now));
    let now = alone.now;
    let reaction = alone.session.handle_frame(exchange, &mut clock, now, &mut alone.out);
    let Reaction::Send(len) = reaction else { panic!("{reaction:?}") };
    (exchange, decode(&alone.out[..len]).unwrap())
}

#[test]
fn the_version_behind_the_newest_is_asked_for_and_handed_on_as_it_came() {
    let mut alone = Alone::new(Plan::small(1), 0, None);
    let (exchange, request) = asked_for_version(&mut alone);
    assert_eq!(request, InfoRequest::Manifest(1));
    let now = alone.now;
    let mut answer = encoded(&InfoReply::Manifest(b"signed"));
    match alone.session.handle_frame(exchange, &mut answer, now, &mut alone.out) {
        Reaction::Version { signed } => assert_eq!(signed, b"signed"),
        other => panic!("{other:?}"),
    }
    assert!(!alone.session.waits_for(exchange));
    // It was good: there may be another one behind it.
    alone.session.set_versions(1, Some(Round(1_000_000)));
    assert_eq!(asked_for_version(&mut alone).1, InfoRequest::Manifest(2));
}

#[test]
fn an_info_node_cannot_keep_a_session_asking() {
    let lies = [InfoReply::Clock(UnixMs(0)), InfoReply::Directory(b"x"), InfoReply::NoManifest];
    for lie in lies {
        let mut alone = Alone::new(Plan::small(1), 0, None);
        let (exchange, _) = asked_for_version(&mut alone);
        let (now, offset) = (alone.now, alone.session.network_time(alone.now));
        let mut answer = encoded(&lie);
        let reaction = alone.session.handle_frame(exchange, &mut answer, now, &mut alone.out);
        assert!(matches!(reaction, Reaction::Close), "{lie:?}: {reaction:?}");
        assert_eq!(alone.session.network_time(alone.now), offset);
        assert!(!alone.session.waits_for(exchange));
    }
}

/// The rounds that the session takes part in until it is over.
fn rounds(alone: &mut Alone) -> Vec<Round> {
    for _ in 0..1_000 {
        match alone.poll() {
            Some(Action::Connect { exchange, server }) => alone.carry_out(exchange, server),
            Some(other) => panic!("{other:?}"),
            None if alone.session.is_over() => break,
            None => {
                assert!(alone.session.poll_timeout() > alone.now);
                alone.now = alone.session.poll_timeout();
            }
        }
    }
    assert!(alone.session.is_over());
    let opened = |event: &Event| match event {
        Event::Opened { round, .. } => Some(*round),
        _ => None,
    };
    alone.events.iter().filter_map(opened).collect()
}

#[test]
fn a_session_ends_with_the_last_round_of_its_version() {
    let mut alone = Alone::new(Plan::small(1), 0, None);
    let first = alone.plan.parameters.opened_by(alone.now).unwrap().0;
    let until = Round(first + 4);
    alone.session.set_versions(1, Some(until));
    assert!(!alone.session.is_over());
    let rounds = rounds(&mut alone);
    assert_eq!(rounds.last(), Some(&Round(until.0 - 1)));
    // All of them were finished, the mailbox searched.
    let scanned = alone.events.iter().filter(|event| matches!(event, Event::Scanned { .. }));
    assert_eq!(scanned.count(), rounds.len());
    let closes = alone.plan.parameters.schedule(Round(until.0 - 1)).closes;
    assert!(alone.now <= closes, "it does not wait for longer than it must");
}

#[test]
fn a_session_whose_version_is_over_ends_when_it_knows_the_time() {
    let mut alone = Alone::new(Plan::small(1), 0, None);
    alone.session.set_versions(1, Some(Round(0)));
    assert!(rounds(&mut alone).is_empty());
}

#[test]
fn a_round_that_was_begun_before_its_version_was_known_is_given_up_at_once() {
    let mut alone = Alone::new(Plan::small(1), 0, None);
    let directory = loop {
        let Action::Connect { exchange, server } = alone.next() else { panic!("a connection") };
        let request = alone.request(exchange).unwrap();
        if let Ok(InfoRequest::Directory(round)) = decode(&request) {
            break (exchange, round);
        }
        for mut frame in alone.answer(server, &request) {
            let now = alone.now;
            let _ = alone.session.handle_frame(exchange, &mut frame, now, &mut alone.out);
        }
    };
    let began = alone.now;
    alone.session.set_versions(1, Some(directory.1));
    assert!(!alone.session.waits_for(directory.0));
    assert!(rounds(&mut alone).is_empty());
    assert_eq!(alone.now, began);
    assert!(!alone.events.iter().any(|event| matches!(event, Event::Missed { .. })));
}

#[test]
fn a_directory_of_another_version_makes_a_session_ask_for_it_at_once() {
    let mut alone = Alone::new(Plan::small(1), 0, None);
    let other = Plan { mixers: 4, ..Plan::small(1) };
    for _ in 0..100 {
        let Action::Connect { exchange, server } = alone.next() else { panic!("a connection") };
        let request = alone.request(exchange).unwrap();
        let Ok(InfoRequest::Directory(round)) = decode(&request) else {
            for mut frame in alone.answer(server, &request) {
                let now = alone.now;
                let _ = alone.session.handle_frame(exchange, &mut frame, now, &mut alone.out);
            }
            alone.session.handle_failed(exchange, alone.now);
            continue;
        };
        // The servers are a version ahead.
        let bytes = other.manifest::<zephyr_testkit::Keyed>();
        let ahead = Manifest::parse(&bytes).unwrap();
        let mut directory = vec![0; MAX_DIRECTORY];
        let len = encode_directory(&ahead, round, &[], &[], &mut directory).unwrap();
        let mut answer = encoded(&InfoReply::Directory(&directory[..len]));
        let now = alone.now;
        let _ = alone.session.handle_frame(exchange, &mut answer, now, &mut alone.out);
        assert_eq!(asked_for_version(&mut alone).1, InfoRequest::Manifest(1));
        assert_eq!(alone.now, now);
        return;
    }
    panic!("no directory was asked for");
}
