//! Whole rounds: every message arrives once, in its mailbox, among exactly the noise.

use zephyr_core::*;

use super::world::*;

const MODES: [RouteMode; 3] = [RouteMode::Round, RouteMode::Rotations, RouteMode::Free];
const PACKETS: usize = 50;

/// A round of 50 packets in which each mixer adds two messages to each of four mailboxes.
fn whole_round(mode: RouteMode, hops: usize, mixers: usize) {
    let what = format!("{mode:?}, {hops} hops, {mixers} mixers");
    let noisy = Parameters { noise_mu: 2000, ..parameters(mode, hops, mixers) };
    let world = World::new(noisy, mixers, 2);
    let mut round = Running::new(&world);
    let sent = round.submit_many(PACKETS);
    round.finish();

    assert_eq!(round.arrivals(&sent), vec![1; PACKETS], "{what}");
    let phases: usize = (0..mixers)
        .map(|i| (0..hops).filter(|&k| round.routes.works(k, MixerIndex(i as u16))).count())
        .sum();
    assert_eq!(round.noise, phases * 2 * 4, "{what}");
    assert_eq!(round.messages(), PACKETS + round.noise, "{what}");
    assert_eq!((round.dropped, round.voided.len()), (0, 0), "{what}");
    let mut exits = round.routes.exits();
    exits.sort();
    assert!(round.delivered.keys().eq(&exits), "{what}: only the last mixers deliver");
    for machine in &round.machines {
        assert!(machine.is_over() && !machine.is_void() && machine.directory().is_none(), "{what}");
    }
}

#[test]
fn every_message_arrives_once_with_1_to_5_mixers_on_every_kind_of_route() {
    for mode in MODES {
        for mixers in 1..=5 {
            whole_round(mode, mixers, mixers);
        }
    }
}

#[test]
fn every_message_arrives_once_with_more_mixers_than_hops() {
    for mode in MODES {
        whole_round(mode, 2, 5);
        whole_round(mode, 1, 3);
    }
}

#[test]
fn every_message_arrives_once_with_fewer_mixers_than_hops() {
    for mode in MODES {
        whole_round(mode, 5, 2);
        whole_round(mode, 3, 1);
    }
}

#[test]
fn many_packets_are_peeled_side_by_side() {
    let world = World::simple(RouteMode::Round, 2, 2);
    let mut round = Running::new(&world);
    let sent = round.submit_many(301);
    round.finish();
    assert_eq!(round.arrivals(&sent), vec![1; 301]);
    assert_eq!(round.messages(), 301);
}

#[test]
fn a_round_without_packets_is_delivered_as_well() {
    let world = World::simple(RouteMode::Free, 3, 3);
    let mut round = Running::new(&world);
    round.finish();
    assert_eq!((round.messages(), round.voided.len()), (0, 0));
    assert_eq!(round.delivered.len(), 3);
}

#[test]
fn a_mixer_that_no_route_visits_is_done_at_once_and_takes_nothing() {
    let world = World::simple(RouteMode::Round, 2, 4);
    let mut round = Running::new(&world);
    let idle: Vec<_> =
        (0..4u16).map(MixerIndex).filter(|&m| (0..2).all(|k| !round.routes.works(k, m))).collect();
    assert_eq!(idle.len(), 2);
    let (now, packet) = (round.schedule.submit_from, vec![0; round.geometry.packet_len()]);
    for mixer in idle {
        let machine = round.machine(mixer);
        assert!(machine.is_over() && !machine.is_void());
        assert_eq!(machine.submit(&packet, now), Err(wire::SubmitRefusal::NotHere));
    }
}

#[test]
fn packets_are_taken_in_the_submit_phase_by_entry_mixers_and_in_one_length_only() {
    use wire::SubmitRefusal::*;
    let world = World::simple(RouteMode::Round, 2, 2);
    let mut round = Running::new(&world);
    let (from, until) = (round.schedule.submit_from, round.schedule.submit_until);
    let (entry, packet) = round.packet(Mailbox(0), &vec![1; round.geometry.sealed_len()]);
    let exit = round.routes.exits()[0];
    assert_eq!(round.machine(entry).submit(&packet, UnixMs(from.0 - 1)), Err(NotYet));
    assert_eq!(round.machine(entry).submit(&packet, until), Err(Closed));
    assert_eq!(round.machine(entry).submit(&packet[1..], from), Err(Length));
    assert_eq!(round.machine(entry).submit(&[], from), Err(Length));
    assert_eq!(round.machine(exit).submit(&packet, from), Err(NotHere));
    assert_eq!(round.machine(entry).submit(&packet, UnixMs(until.0 - 1)), Ok(()));
    let mut open = world.open(0, ROUND);
    assert_eq!(open.submit(&packet, from), Err(NotYet), "before the directory is agreed on");
    assert!(open.poll(until).is_none() && open.is_over() && !open.is_void());
}

#[test]
fn the_batch_is_not_mixed_before_the_submit_phase_ends() {
    let world = World::simple(RouteMode::Round, 1, 1);
    let mut round = Running::new(&world);
    round.submit_many(1);
    round.at(UnixMs(round.schedule.submit_until.0 - 1));
    assert!(round.delivered.is_empty());
    round.at(round.schedule.submit_until);
    assert_eq!(round.messages(), 1);
}

#[test]
fn only_the_first_directory_counts() {
    let world = World::simple(RouteMode::Round, 2, 2);
    let mut round = Running::new(&world);
    let sent = round.submit_many(3);
    let other = world.body(ROUND, &[0]);
    let directory = round.directory.clone();
    for machine in &mut round.machines {
        machine.agree(&world.manifest(), &Directory::parse(&directory).unwrap());
        machine.agree(&world.manifest(), &Directory::parse(&other).unwrap());
        assert!(machine.directory().is_some(), "the round goes on");
    }
    round.finish();
    assert_eq!(round.arrivals(&sent), [1, 1, 1]);
}

#[test]
fn a_mixer_that_is_left_out_or_listed_with_another_key_is_done() {
    let world = World::simple(RouteMode::Round, 2, 3);
    let manifest = world.manifest();
    let without_me = world.body(ROUND, &[0, 1]);
    let mut machine = world.open(2, ROUND);
    machine.agree(&manifest, &Directory::parse(&without_me).unwrap());
    assert!(machine.is_over() && !machine.is_void());

    let (mut mixers, pkgs) = world.announced(ROUND).announced(ROUND);
    mixers[2].1 = world.mixer_announcement(2, ROUND, [9; 32]);
    let other_key = encode(&manifest, ROUND, &mixers, &pkgs);
    let mut machine = world.open(2, ROUND);
    machine.agree(&manifest, &Directory::parse(&other_key).unwrap());
    assert!(machine.is_over());
}
