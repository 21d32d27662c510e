//! Packets that come twice, at the wrong time or place, or lead nowhere.

use std::collections::HashSet;

use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::mix::PhaseNoise;

use super::world::*;

fn sealed(round: &mut Running) -> Vec<u8> {
    random(round.geometry.sealed_len(), &mut round.rng)
}

fn line(mixers: usize) -> Running {
    Running::new(&World::simple(RouteMode::Round, mixers, mixers))
}

#[test]
fn a_packet_submitted_twice_is_taken_once() {
    let mut round = line(2);
    let message = sealed(&mut round);
    let (entry, packet) = round.packet(Mailbox(1), &message);
    let now = round.schedule.submit_from;
    for _ in 0..3 {
        assert_eq!(round.machine(entry).submit(&packet, now), Ok(()), "a retry is accepted");
    }
    round.finish();
    assert_eq!((round.arrivals(&[(Mailbox(1), message)]), round.dropped), (vec![1], 0));
}

#[test]
fn a_broken_packet_under_somebodys_key_does_not_keep_the_real_one_out() {
    for broken_first in [true, false] {
        let mut round = line(2);
        let message = sealed(&mut round);
        let (entry, packet) = round.packet(Mailbox(1), &message);
        let mut broken = packet.clone();
        broken[40] ^= 1;
        let both = if broken_first { [&broken, &packet] } else { [&packet, &broken] };
        let now = round.schedule.submit_from;
        for packet in both {
            assert_eq!(round.machine(entry).submit(packet, now), Ok(()));
        }
        round.finish();
        assert_eq!((round.arrivals(&[(Mailbox(1), message)]), round.dropped), (vec![1], 1));
    }
}

#[test]
fn a_packet_twice_in_a_batch_or_in_batches_of_two_phases_is_mixed_once() {
    let mut round = line(1);
    let message = sealed(&mut round);
    let (_, packet) = round.packet(Mailbox(0), &message);
    let work = work_of(&mut round);
    let mut batch = Batch::new(packet.len());
    batch.push(&packet);
    batch.push(&packet);
    let mut seen = HashSet::new();
    let (rng, hedge) = (&mut round.rng, &mut round.hedge);
    let noise = PhaseNoise::draw(&work.outline, 0, rng, hedge);
    let mixed = work.run(batch.clone(), noise, &mut seen, rng);
    assert_eq!((mixed.dropped(), mixed.messages[&Mailbox(0)].len()), (1, 1));
    let noise = PhaseNoise::draw(&work.outline, 0, rng, hedge);
    let again = work.run(batch, noise, &mut seen, rng);
    assert_eq!((again.dropped(), again.messages.len()), (2, 0), "seen in an earlier batch");
}

#[test]
fn a_packet_that_two_predecessors_send_is_mixed_once() {
    let world = World::simple(RouteMode::Free, 3, 3);
    let mut round = Running::new(&world);
    let message = sealed(&mut round);
    // For the second position at mixer 2, whoever was first.
    let hops = round.hops_of(&[MixerIndex(2), MixerIndex(0)]);
    let packet = round.wrap(&hops, Mailbox(3), &message);
    for from in [MixerIndex(0), MixerIndex(1)] {
        let mut batch = Batch::new(packet.len());
        batch.push(&packet);
        let parcel = Parcel { from, phase: 1, batch };
        let hash = round.hash;
        assert!(parcel.hand_to(round.machine(MixerIndex(2)), &hash));
    }
    round.finish();
    assert_eq!((round.arrivals(&[(Mailbox(3), message)]), round.dropped), (vec![1], 1));
}

#[test]
fn packets_held_back_to_a_later_phase_are_dropped() {
    let world = World::simple(RouteMode::Free, 3, 3);
    let mut round = Running::new(&world);
    let message = sealed(&mut round);
    let hops = round.hops_of(&[MixerIndex(2), MixerIndex(0), MixerIndex(1)]);
    let packet = round.wrap(&hops, Mailbox(3), &message);
    let mut batch = Batch::new(packet.len());
    batch.push(&packet);
    let parcel = Parcel { from: MixerIndex(0), phase: 1, batch };
    let hash = round.hash;
    assert!(parcel.hand_to(round.machine(MixerIndex(2)), &hash));
    round.finish();
    assert_eq!((round.messages(), round.dropped), (0, 1));
}

#[test]
fn packets_of_another_round_are_dropped() {
    let mut round = line(2);
    let message = sealed(&mut round);
    let here = round.hash;
    round.hash = DirectoryHash::from_bytes([3; 32]);
    let (entry, packet) = round.packet(Mailbox(0), &message);
    round.hash = here;
    let now = round.schedule.submit_from;
    assert_eq!(round.machine(entry).submit(&packet, now), Ok(()), "it looks like any other");
    round.finish();
    assert_eq!((round.messages(), round.dropped), (0, 1));
}

#[test]
fn packets_to_mixers_that_are_no_successors_or_to_mailboxes_that_do_not_exist_are_dropped() {
    let mut round = line(3);
    let message = sealed(&mut round);
    let route = round.routes.pick(&mut rng(0));
    let now = round.schedule.submit_from;
    let hops = round.hops_of(&route);
    let skip = [hops[0], Hop { mixer: route[2], ..hops[1] }, hops[2]];
    let back = [hops[0], Hop { mixer: route[0], ..hops[1] }, hops[2]];
    let nobody = [hops[0], Hop { mixer: MixerIndex(64), ..hops[1] }, hops[2]];
    for hops in [skip, back, nobody] {
        let packet = round.wrap(&hops, Mailbox(0), &message);
        round.machine(route[0]).submit(&packet, now).unwrap();
    }
    for mailbox in [4, 5, u32::MAX] {
        let packet = round.wrap(&hops, Mailbox(mailbox), &message);
        round.machine(route[0]).submit(&packet, now).unwrap();
    }
    round.finish();
    assert_eq!((round.messages(), round.dropped, round.voided.len()), (0, 6, 0));
}

#[test]
fn random_bytes_as_packets_are_dropped_and_cost_nobody_else_a_message() {
    let mut round = line(2);
    let sent = round.submit_many(10);
    let (entry, now) = (round.routes.entries()[0], round.schedule.submit_from);
    for i in 0..100u8 {
        let mut junk = random(round.geometry.packet_len(), &mut round.rng);
        if i % 3 == 0 {
            junk[..32].fill(i % 2); // keys of low order
        }
        round.machine(entry).submit(&junk, now).unwrap();
    }
    round.finish();
    assert_eq!((round.arrivals(&sent), round.dropped), (vec![1; 10], 100));
    assert_eq!(round.messages(), 10);
}
