//! Sessions in networks in which everything goes wrong, by seed.

#![allow(missing_docs)]

mod common;

use common::friends;
use zephyr_core::session::{Event, Missed};
use zephyr_core::{MixerIndex, RouteMode, Suite};
use zephyr_testkit::{Faults, Keyed, Network, Plan};

/// People write while things go wrong; then everything is repaired, and what is still to come must come.
fn survive(plan: Plan, faults: Faults) -> Network<Keyed> {
    let mut network = friends::<Keyed>(plan, faults, 3);
    for i in 0..6 {
        network.write(i % 3, (i + 1) % 3, &vec![i as u8; 100 * i]);
        network.run_rounds(3);
    }
    network.set_faults(Faults { skew_ms: faults.skew_ms, ..Faults::default() });
    network.run_rounds(15);
    network.check();
    assert!(network.all_read(), "seed {}: everything is read in the end", plan.seed);
    for person in &network.people {
        assert_eq!(
            person.waiting(),
            0,
            "seed {}: everything is acknowledged in the end",
            plan.seed
        );
        let last = person.events.iter().rev().take(30);
        let scanned = last.filter(|(_, e)| matches!(e, Event::Scanned { .. })).count();
        assert!(scanned > 0, "seed {}: the session goes on", plan.seed);
        assert!(person.polls < 40 * 300, "seed {}: {} polls", plan.seed, person.polls);
    }
    network
}

/// So many rounds in a row, with this going wrong in every second case or so.
fn seeds(count: u64, faults: Faults) -> Vec<Network<Keyed>> {
    (0..count).map(|seed| survive(Plan::small(seed), faults)).collect()
}

/// Whether somebody saw it in one of the networks: the fault did happen.
fn seen(networks: &[Network<Keyed>], what: impl Fn(&Event) -> bool) -> bool {
    networks.iter().flat_map(|n| &n.people).flat_map(|p| &p.events).any(|(_, e)| what(e))
}

#[test]
fn everything_at_once() {
    let networks = seeds(300, Faults::everything());
    assert!(seen(&networks, |e| matches!(e, Event::MailboxAltered { .. })));
    assert!(seen(&networks, |e| matches!(e, Event::WrongShare { .. })));
    assert!(seen(&networks, |e| matches!(e, Event::SlotFailed { .. })));
}

#[test]
fn connections_refused_lost_and_stalled() {
    seeds(100, Faults { refused: 200, lost: 200, stalled: 50, ..Faults::default() });
}

#[test]
fn delays_up_to_a_tenth_of_the_submit_phase() {
    let networks = seeds(30, Faults { delay_ms: 100, ..Faults::default() });
    for (at, event) in networks.iter().flat_map(|n| &n.people).flat_map(|p| &p.events) {
        assert!(!matches!(event, Event::Missed { .. }), "{at}: {event:?}");
    }
}

#[test]
fn requests_that_reach_the_server_twice_change_nothing() {
    let networks = seeds(30, Faults { repeated: 500, ..Faults::default() });
    assert!(networks.iter().all(Network::all_arrived));
    assert!(!seen(&networks, |e| matches!(e, Event::Missed { .. } | Event::SlotFailed { .. })));
}

#[test]
fn servers_that_answer_garbage() {
    seeds(100, Faults { garbage: 100, truncated: 100, oversized: 100, ..Faults::default() });
}

#[test]
fn clocks_that_are_weeks_off() {
    let networks = seeds(30, Faults { skew_ms: u32::MAX, ..Faults::default() });
    assert!(networks.iter().all(Network::all_arrived));
    assert!(!seen(&networks, |e| matches!(e, Event::Missed { .. })), "no phase is missed");
}

#[test]
fn info_nodes_that_get_the_directory_late_cost_no_round() {
    let networks = seeds(30, Faults { directory_late: 500, ..Faults::default() });
    assert!(!seen(&networks, |e| matches!(e, Event::Missed { .. })));
}

#[test]
fn one_good_info_node_is_enough_when_others_lie() {
    let networks = seeds(50, Faults { directory_false: 500, ..Faults::default() });
    assert!(seen(&networks, |e| matches!(e, Event::DirectoryRefused { .. })));
}

#[test]
fn pkgs_that_refuse_or_give_wrong_shares_cost_the_key_and_not_the_packets() {
    let networks = seeds(50, Faults { share_refused: 100, share_wrong: 100, ..Faults::default() });
    let keyless = |e: &Event| matches!(e, Event::Missed { why: Missed::NoKey, .. });
    assert!(seen(&networks, keyless));
    assert!(seen(&networks, |e| matches!(e, Event::WrongShare { .. })));
    for person in networks.iter().flat_map(|n| &n.people) {
        for (_, event) in &person.events {
            if let Event::Missed { round, why: Missed::NoKey } = event {
                assert_eq!(person.packets(*round), 4, "cover is sent all the same");
                let scanned =
                    |e: &Event| matches!(e, Event::Scanned { round: r, .. } if r == round);
                assert!(person.events.iter().any(|(_, e)| scanned(e)), "and the mailbox read");
            }
        }
    }
}

#[test]
fn mailbox_servers_that_hide_add_or_alter_are_found_out_and_passed_over() {
    for faults in [
        Faults { mail_hidden: 300, ..Faults::default() },
        Faults { mail_added: 300, ..Faults::default() },
        Faults { mail_altered: 300, ..Faults::default() },
    ] {
        let networks = seeds(20, faults);
        assert!(seen(&networks, |e| matches!(e, Event::MailboxAltered { .. })), "{faults:?}");
        for network in &networks {
            let received = network.people.iter().map(|p| p.received.len()).sum::<usize>();
            assert!(received > 0);
        }
    }
}

#[test]
fn a_replica_that_is_down_costs_nothing() {
    let networks = seeds(30, Faults { mailbox_down: 300, ..Faults::default() });
    for network in &networks {
        for person in &network.people {
            let missed = |e: &Event| matches!(e, Event::Missed { .. });
            let missed = person.events.iter().filter(|(_, e)| missed(e)).count();
            assert!(missed <= 6, "only rounds in which both are down: {missed}");
        }
    }
}

#[test]
fn what_a_mixer_drops_is_sent_again_and_loop_packets_tell_which_mixer_it_was() {
    let networks: Vec<_> = (0..20)
        .map(|seed| {
            let mut plan = Plan::small(seed);
            (plan.mixers, plan.parameters.min_mixers) = (5, 5);
            plan.parameters.routes = RouteMode::Free;
            survive(plan, Faults { packet_dropped: 300, ..Faults::default() })
        })
        .collect();
    assert!(networks.iter().all(Network::all_arrived));
    let (mut out, mut back, mut lost) = (0, 0, 0);
    for (_, event) in networks.iter().flat_map(|n| &n.people).flat_map(|p| &p.events) {
        match event {
            Event::Loops { sent, returned, .. } => {
                (out, back) = (out + u64::from(*sent), back + u64::from(*returned));
                assert!(*sent > 0 && returned <= sent);
            }
            Event::LoopLost { route, .. } => {
                lost += 1;
                assert!(route.len() == 3 && route.contains(&MixerIndex(0)), "{route:?}");
            }
            _ => {}
        }
    }
    assert_eq!(out - back, lost);
    assert!(out > 1_000 && lost > out / 20, "{lost} of {out}");
}

#[test]
fn loop_packets_count_as_lost_only_if_the_mixers_lost_them() {
    let faults = Faults {
        refused: 100,
        lost: 100,
        mail_hidden: 200,
        mail_added: 200,
        mail_altered: 200,
        round_void: 200,
        ..Faults::default()
    };
    let networks = seeds(20, faults);
    assert!(seen(&networks, |e| matches!(e, Event::Loops { .. })));
    assert!(!seen(&networks, |e| matches!(e, Event::LoopLost { .. })));
}

#[test]
fn void_rounds_are_sent_again() {
    let networks = seeds(30, Faults { round_void: 300, ..Faults::default() });
    assert!(networks.iter().all(Network::all_arrived));
    assert!(seen(&networks, |e| matches!(e, Event::Missed { why: Missed::Void, .. })));
}

#[test]
fn a_session_that_is_started_anew_uses_no_slot_twice() {
    for seed in 0..50 {
        let mut network = friends::<Keyed>(Plan::small(seed), Faults::default(), 3);
        for _ in 0..6 {
            network.write(0, 1, &[7; 500]);
            network.run_until(network.now().plus(1_700 + seed * 20));
            let last = last_opened(&network, 0);
            network.restart(0, &[1, 2], last);
        }
        network.run_rounds(20);
        network.check();
        assert_eq!(network.people[0].waiting(), 0);
    }
}

fn last_opened<S: Suite>(
    network: &Network<S>,
    who: usize,
) -> Option<(zephyr_core::Round, zephyr_core::DirectoryHash)> {
    network.people[who].events.iter().rev().find_map(|(_, event)| match event {
        Event::Opened { round, directory, .. } => Some((*round, *directory)),
        _ => None,
    })
}
