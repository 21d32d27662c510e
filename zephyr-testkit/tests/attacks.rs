//! What callers, servers and bad luck can do to a session, one at a time.

#![allow(missing_docs)]

mod common;

use common::alone::{Alone, draft};
use common::friends;
use proptest::prelude::*;
use zephyr_core::session::*;
use zephyr_core::wire::*;
use zephyr_core::*;
use zephyr_testkit::{Faults, Keyed, Network, Plan};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

#[test]
fn a_draft_goes_to_nobody_but_the_contact_that_was_asked_for() {
    let mut alone = Alone::new(Plan::small(1), 1, None);
    assert!(alone.session.add_contact(address("bob@example.org")));
    let (round, slot, contact) = alone.until_fill();
    assert_eq!(contact, address("bob@example.org"));
    // The caller replaces the contact before it fills: the new one takes the old one's place in memory.
    alone.session.remove_contact(&contact);
    assert!(alone.session.add_contact(address("mallory@example.org")));
    let filled = alone.session.fill(round, slot, Some(draft(b"for bob")), &mut alone.rng);
    assert!(!filled, "the slot carries cover");
}

#[test]
fn a_contact_that_is_removed_and_added_again_is_asked_for_again() {
    let mut alone = Alone::new(Plan::small(1), 1, None);
    assert!(alone.session.add_contact(address("bob@example.org")));
    let (round, slot, contact) = alone.until_fill();
    alone.session.remove_contact(&contact);
    assert!(alone.session.add_contact(contact));
    assert!(!alone.session.fill(round, slot, Some(draft(b"for bob")), &mut alone.rng));
    let (next_round, next_slot, _) = alone.until_fill();
    assert_eq!((next_round, next_slot), (round, slot + 1));
    assert!(alone.session.fill(next_round, next_slot, Some(draft(b"for bob")), &mut alone.rng));
}

#[test]
fn a_slot_is_filled_once() {
    let mut alone = Alone::new(Plan::small(1), 1, None);
    assert!(alone.session.add_contact(address("bob@example.org")));
    let (round, slot, _) = alone.until_fill();
    assert!(alone.session.fill(round, slot, Some(draft(b"one")), &mut alone.rng));
    assert!(!alone.session.fill(round, slot, Some(draft(b"two")), &mut alone.rng));
    assert!(!alone.session.fill(round, 63, Some(draft(b"two")), &mut alone.rng));
    assert!(!alone.session.fill(Round(round.0 + 1), slot, Some(draft(b"two")), &mut alone.rng));
}

#[test]
fn a_fragment_that_does_not_fit_is_not_sent() {
    let mut alone = Alone::new(Plan::small(1), 1, None);
    assert!(alone.session.add_contact(address("bob@example.org")));
    let (round, slot, _) = alone.until_fill();
    assert!(!alone.session.fill(round, slot, Some(draft(&[1; 300])), &mut alone.rng));
}

#[test]
fn an_answer_counts_for_the_packet_that_was_sent_and_for_no_other() {
    let mut alone = Alone::new(Plan::small(1), 1, None);
    assert!(alone.session.add_contact(address("bob@example.org")));
    let (round, first, _) = alone.until_fill();
    let (_, second, _) = alone.until_fill();
    // The outbox is slow with the first slot; the second's packet goes out before.
    assert!(alone.session.fill(round, second, Some(draft(b"second")), &mut alone.rng));
    let (exchange, server) = loop {
        match alone.next() {
            Action::Connect { exchange, server } if server.role == Role::Mixer => {
                break (exchange, server);
            }
            Action::Connect { exchange, server } => alone.carry_out(exchange, server),
            Action::Fill { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    let request = alone.request(exchange).unwrap();
    assert!(alone.session.fill(round, first, Some(draft(b"first")), &mut alone.rng));
    assert!(alone.poll().is_none(), "it is wrapped");
    let mut frames = alone.answer(server, &request);
    let now = alone.now;
    let reaction = alone.session.handle_frame(exchange, &mut frames[0], now, &mut alone.out);
    assert!(matches!(reaction, Reaction::Send(_)), "the first goes next: {reaction:?}");
    assert!(alone.poll().is_none());
    let sent = |slot| alone.events.contains(&Event::SlotSent { round, slot });
    assert!(sent(second) && !sent(first));
}

#[test]
fn a_mixer_that_accepts_what_it_was_not_sent_is_not_believed() {
    let mut alone = Alone::new(Plan::small(1), 0, None);
    loop {
        match alone.next() {
            Action::Connect { exchange, server } if server.role == Role::Mixer => {
                let now = alone.now;
                let mut accepted = [0];
                let reaction =
                    alone.session.handle_frame(exchange, &mut accepted, now, &mut alone.out);
                assert!(matches!(reaction, Reaction::Close), "{reaction:?}");
                break;
            }
            Action::Connect { exchange, server } => alone.carry_out(exchange, server),
            other => panic!("{other:?}"),
        }
    }
    assert!(alone.poll().is_none());
    assert!(!alone.events.iter().any(|e| matches!(e, Event::SlotSent { .. })));
}

#[test]
fn an_info_node_that_lies_about_the_time_costs_rounds_and_not_the_client() {
    for lie in [0, 1, 1 << 40, (1 << 48) - 1, i64::MAX as u64, 1 << 63, u64::MAX] {
        let mut alone = Alone::new(Plan::small(1), 0, None);
        let Action::Connect { exchange, .. } = alone.next() else { panic!("the clock first") };
        alone.request(exchange).unwrap();
        let mut frame = [0; 16];
        let frame = encode(&InfoReply::Clock(UnixMs(lie)), &mut frame).unwrap();
        let now = alone.now;
        let _ = alone.session.handle_frame(exchange, frame, now, &mut alone.out);
        let end = alone.now.plus(40_000);
        while alone.now < end {
            match alone.poll() {
                Some(Action::Connect { exchange, server }) => alone.carry_out(exchange, server),
                Some(other) => panic!("{other:?}"),
                None => {
                    assert!(alone.session.poll_timeout() > alone.now, "{lie}");
                    alone.now = alone.session.poll_timeout();
                }
            }
        }
        let opened = alone.events.iter().filter(|e| matches!(e, Event::Opened { .. })).count();
        assert!(opened > 5, "{lie}: {opened} rounds");
    }
}

#[test]
fn the_time_that_the_answer_takes_is_not_taken_for_a_wrong_clock() {
    let mut alone = Alone::new(Plan::small(1), 0, None);
    let Action::Connect { exchange, server } = alone.next() else { panic!("the clock first") };
    // Opening the link takes its time, too, but says nothing about the way of the answer.
    alone.now = alone.now.plus(3_000);
    let request = alone.request(exchange).unwrap();
    alone.now = alone.now.plus(200);
    let mut frames = alone.answer(server, &request);
    alone.now = alone.now.plus(200);
    let now = alone.now;
    let _ = alone.session.handle_frame(exchange, &mut frames[0], now, &mut alone.out);
    let _ = alone.poll();
    assert_eq!(alone.events, [Event::Clock { offset_ms: 0 }]);
}

#[test]
fn a_session_with_one_socket_at_a_time_misses_nothing() {
    let mut alone = Alone::new(Plan::small(3), 1, None);
    assert!(alone.session.add_contact(address("bob@example.org")));
    for _ in 0..40 {
        let (round, slot, _) = alone.until_fill();
        assert!(alone.session.fill(round, slot, None, &mut alone.rng));
    }
    assert!(!alone.events.iter().any(|e| matches!(e, Event::Missed { .. })), "{:?}", alone.events);
}

#[test]
fn no_round_is_taken_part_in_twice_or_after_the_last() {
    let used = (Round(6), DirectoryHash::from_bytes([1; 32]));
    let mut alone = Alone::new(Plan::small(3), 1, Some(used));
    assert!(alone.session.add_contact(address("bob@example.org")));
    assert_eq!(alone.until_fill().0, Round(7));
    let last = Some((Round(u64::MAX), DirectoryHash::from_bytes([1; 32])));
    let mut alone = Alone::new(Plan::small(3), 1, last);
    while let Some(Action::Connect { exchange, server }) = alone.poll() {
        alone.carry_out(exchange, server);
    }
    assert!(alone.session.poll_timeout() > alone.now);
}

#[test]
fn all_64_slots_that_failed_are_reported() {
    for seed in 0..5 {
        let mut plan = Plan::small(seed);
        plan.parameters.packets_per_round = 64;
        let faults = Faults { refused: 500, lost: 300, ..Faults::default() };
        let mut network = friends::<Keyed>(plan, faults, 2);
        network.run_rounds(10);
        // That every slot is reported once is what it checks.
        network.check();
    }
}

#[test]
fn strangers_messages_shown_twice_are_read_once() {
    for seed in 0..20 {
        let faults = Faults { mail_added: 700, lost: 200, ..Faults::default() };
        let mut network = Network::<Keyed>::new(Plan::small(seed), faults);
        network.join("alice@example.org", 1);
        network.join("bob@example.org", 0);
        network.befriend(0, 1);
        network.write(0, 1, &[1; 2_000]);
        network.run_rounds(15);
        network.check();
        assert!(!network.people[1].received.is_empty());
    }
}

#[test]
fn a_message_of_somebody_who_became_a_contact_meanwhile_is_not_lost() {
    for after in [1_050, 1_500, 1_790] {
        let mut network = Network::<Keyed>::new(Plan::small(8), Faults::default());
        network.join("alice@example.org", 1);
        network.join("bob@example.org", 1);
        network.befriend(0, 1);
        let parameters = network.plan.parameters;
        let round = Round(parameters.opened_by(network.now()).unwrap().0 + 2);
        network.run_until(parameters.schedule(round).submit_from);
        network.write(0, 1, b"hello");
        network.run_until(parameters.schedule(round).submit_from.plus(after));
        network.befriend(1, 0);
        network.run_rounds(2);
        network.check();
        assert_eq!(network.people[1].received.len(), 1, "{after} ms");
    }
}

#[test]
fn a_relayed_extraction_request_gives_no_share() {
    // A corrupted PKG passes the client's request on to another, over a link of its own.
    let mut alone = Alone::new(Plan::small(1), 0, None);
    loop {
        let Action::Connect { exchange, server } = alone.next() else { panic!("a connection") };
        if server.role != Role::Pkg {
            alone.carry_out(exchange, server);
            continue;
        }
        let request = alone.request(exchange).unwrap();
        let now = alone.now;
        let refused = [6, 1];
        for (index, handshake) in [(server.index, [5; 32]), (1 - server.index, [4; 32])] {
            let to = ServerRef { role: Role::Pkg, index };
            let frames = zephyr_testkit::ClientFacing::handle(
                &mut alone.servers,
                now,
                to,
                &handshake,
                &request,
            );
            assert_eq!(frames, [refused]);
        }
        assert_eq!(alone.answer(server, &request)[0][0], 5, "the client itself gets it");
        break;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_servers_say_the_session_goes_on(
        seed in 0u64..1_000,
        lies in prop::collection::vec(
            (any::<bool>(), 0u8..8, prop::collection::vec(any::<u8>(), 0..300)),
            1..60,
        ),
    ) {
        let mut alone = Alone::new(Plan::small(seed), 1, None);
        alone.session.add_contact(address("bob@example.org"));
        let mut lies = lies.into_iter();
        for _ in 0..400 {
            match alone.poll() {
                Some(Action::Fill { round, slot, .. }) => {
                    alone.session.fill(round, slot, Some(draft(b"hello")), &mut alone.rng);
                }
                Some(Action::Connect { exchange, server }) => match lies.next() {
                    Some((true, variant, mut frame)) => {
                        if let Some(first) = frame.first_mut() {
                            *first = variant;
                        }
                        alone.request(exchange);
                        let now = alone.now;
                        let _ = alone.session.handle_frame(exchange, &mut frame, now, &mut alone.out);
                        alone.session.handle_failed(exchange, now);
                    }
                    _ => alone.carry_out(exchange, server),
                },
                Some(_) => {}
                None => {
                    prop_assert!(alone.session.poll_timeout() > alone.now);
                    alone.now = alone.session.poll_timeout();
                }
            }
        }
    }
}
