//! Sessions in a network in which nothing goes wrong.

#![allow(missing_docs)]

mod common;

use common::friends;
use zephyr_core::session::{Event, ServerRef};
use zephyr_core::{Portable, Role, RouteMode, Standard, Suite};
use zephyr_testkit::{Faults, Keyed, Network, Plan, WireEntry, WireKind};

fn assert_clean<S: Suite>(network: &Network<S>) {
    for person in &network.people {
        for (at, event) in &person.events {
            let wrong = matches!(
                event,
                Event::Missed { .. }
                    | Event::SlotFailed { .. }
                    | Event::MailboxAltered { .. }
                    | Event::WrongShare { .. }
                    | Event::Equivocation(_)
                    | Event::LoopLost { .. }
            );
            assert!(!wrong, "{at}: {event:?}");
        }
    }
}

fn converse<S: Suite>(plan: Plan) -> Network<S> {
    let mut network = friends::<S>(plan, Faults::default(), 3);
    network.run_rounds(2);
    network.write(0, 1, &[1; 600]);
    network.write(1, 0, b"hello");
    network.write(2, 1, b"me too");
    network.run_rounds(5);
    network.check();
    assert_clean(&network);
    assert!(network.all_arrived());
    network
}

#[test]
fn messages_of_several_fragments_arrive() {
    for seed in 0..20 {
        converse::<Keyed>(Plan::small(seed));
    }
}

#[test]
fn messages_arrive_over_the_real_cryptography() {
    converse::<Standard<Portable>>(Plan::small(1));
}

#[test]
fn messages_arrive_over_every_kind_of_route_and_any_number_of_mixers() {
    for routes in [RouteMode::Round, RouteMode::Rotations, RouteMode::Free] {
        for mixers in [1, 2, 3, 5] {
            let mut plan = Plan::small(7);
            plan.parameters.routes = routes;
            (plan.mixers, plan.parameters.min_mixers) = (mixers, mixers as u8);
            converse::<Keyed>(plan);
        }
    }
}

#[test]
fn messages_arrive_with_any_number_of_pkgs_infos_and_mailbox_servers() {
    for (pkgs, infos, mailbox_servers) in [(1, 1, 1), (5, 3, 4), (40, 1, 2)] {
        let mut plan = Plan { pkgs, infos, mailbox_servers, ..Plan::small(3) };
        plan.parameters.replicas = 1;
        converse::<Keyed>(plan);
    }
}

#[test]
fn messages_arrive_over_one_connection_at_a_time() {
    for connections in 1..=3 {
        for seed in 0..10 {
            converse::<Keyed>(Plan { connections, ..Plan::small(seed) });
        }
    }
}

#[test]
fn messages_arrive_over_few_connections_when_links_and_servers_fail() {
    let faults = Faults {
        refused: 50,
        lost: 50,
        stalled: 20,
        delay_ms: 20,
        directory_late: 100,
        ..Faults::default()
    };
    for connections in 1..=3 {
        for seed in 0..10 {
            let plan = Plan { connections, ..Plan::small(seed) };
            let mut network = friends::<Keyed>(plan, faults, 3);
            network.write(0, 1, &[1; 600]);
            network.run_rounds(15);
            network.set_faults(Faults::default());
            network.run_rounds(6);
            network.check();
            assert!(network.all_arrived(), "seed {seed}, {connections} connections");
        }
    }
}

#[test]
fn strangers_are_read_and_known_by_their_address() {
    let mut network = Network::<Keyed>::new(Plan::small(5), Faults::default());
    let (alice, bob) = (network.join("alice@example.org", 1), network.join("bob@example.org", 0));
    network.befriend(alice, bob);
    network.write(alice, bob, b"you do not know me");
    network.run_rounds(4);
    network.check();
    assert_eq!(network.people[bob].received.len(), 1);
}

#[test]
fn more_contacts_than_slots_take_turns() {
    let mut plan = Plan::small(5);
    plan.parameters.packets_per_round = 1;
    let mut network = friends::<Keyed>(plan, Faults::default(), 4);
    for to in 1..4 {
        network.write(0, to, b"hello");
    }
    network.run_rounds(8);
    network.check();
    assert!(network.all_arrived());
}

#[test]
fn a_client_sends_the_same_packets_in_every_round() {
    let mut network = friends::<Keyed>(Plan::small(11), Faults::default(), 3);
    network.write(0, 1, &[1; 2_000]);
    network.run_rounds(20);
    for person in &network.people {
        let mut rounds: Vec<_> = person
            .events
            .iter()
            .filter_map(
                |(_, e)| if let Event::Opened { round, .. } = e { Some(*round) } else { None },
            )
            .collect();
        // The newest may be on its way.
        rounds.pop();
        assert!(rounds.len() >= 18, "{}", rounds.len());
        for round in rounds {
            assert_eq!(person.packets(round), 4);
        }
    }
}

/// What somebody who listens to `who`'s wire sees.
fn wire(plan: Plan, faults: Faults, busy: bool, who: usize) -> Vec<WireEntry> {
    let mut network = friends::<Keyed>(plan, faults, 3);
    if busy {
        network.write(0, 1, &[1; 3_000]);
        network.write(0, 2, &[2; 3_000]);
    }
    network.run_rounds(30);
    network.check();
    if busy && faults == Faults::default() {
        assert!(network.people[1].received.len() > 10, "there was something to say");
        assert!(network.people[1].acknowledgements > 5, "and to acknowledge");
        assert_eq!(network.people[0].waiting(), 0);
    }
    network.people[who].wire.clone()
}

/// Without the number of messages in a mailbox, which covers of noise and others' covers make random.
fn without_mailboxes(wire: Vec<WireEntry>) -> Vec<WireEntry> {
    let mailbox = |e: &WireEntry| {
        matches!(
            e,
            WireEntry {
                server: ServerRef { role: Role::Mailbox, .. },
                kind: WireKind::Down(_),
                ..
            }
        )
    };
    wire.into_iter().filter(|e| !mailbox(e)).collect()
}

#[test]
fn clients_that_send_acknowledge_or_do_nothing_look_the_same_on_the_wire() {
    for seed in 0..10 {
        for routes in [RouteMode::Round, RouteMode::Rotations, RouteMode::Free] {
            let mut plan = Plan::small(seed);
            plan.parameters.routes = routes;
            for who in 0..3 {
                let [idle, busy] = [false, true]
                    .map(|busy| without_mailboxes(wire(plan, Faults::default(), busy, who)));
                assert!(!idle.is_empty() && idle == busy, "seed {seed}, {routes:?}");
            }
        }
    }
}

#[test]
fn with_one_mailbox_even_the_downloads_are_the_same() {
    for seed in 0..10 {
        let mut plan = Plan::small(seed);
        plan.parameters.mailboxes = 1;
        for who in 0..3 {
            let [idle, busy] = [false, true].map(|busy| wire(plan, Faults::default(), busy, who));
            assert!(!idle.is_empty() && idle == busy, "seed {seed}");
        }
    }
}

#[test]
fn a_busy_client_looks_like_an_idle_one_when_links_and_servers_fail() {
    let faults = Faults {
        refused: 50,
        lost: 50,
        stalled: 20,
        delay_ms: 20,
        directory_late: 100,
        share_refused: 50,
        mailbox_down: 50,
        skew_ms: 5_000,
        ..Faults::default()
    };
    for seed in 0..10 {
        let mut plan = Plan::small(seed);
        plan.parameters.mailboxes = 1;
        let [idle, busy] = [false, true].map(|busy| wire(plan, faults, busy, 0));
        assert!(!idle.is_empty() && idle == busy, "seed {seed}");
    }
}

#[test]
fn a_client_without_contacts_looks_like_one_with() {
    let plan = Plan::small(9);
    let run = |contacts: bool| {
        let mut network = Network::<Keyed>::new(plan, Faults::default());
        for name in ["alice@example.org", "bob@example.org"] {
            network.join(name, 1);
        }
        if contacts {
            network.befriend(0, 1);
        }
        network.run_rounds(10);
        without_mailboxes(network.people[0].wire.clone())
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_session_sleeps_while_nothing_is_to_be_done() {
    let mut network = friends::<Keyed>(Plan::small(4), Faults::default(), 3);
    network.run_rounds(50);
    for person in &network.people {
        // Four slots, four events each, three servers asked: some dozens of polls a round.
        assert!(person.polls < 50 * 100, "{} polls", person.polls);
    }
}
