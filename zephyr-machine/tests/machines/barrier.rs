//! All batches or none: what is missing, late, repeated or foreign.

use sha2::{Digest, Sha256};
use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::mixer::{Action, BatchRefusal, MAX_BATCH, MixerRound};

use super::world::*;

/// Three mixers in a row, five packets submitted.
fn three() -> (World, Running, [MixerIndex; 3]) {
    let world = World::simple(RouteMode::Round, 3, 3);
    let mut round = Running::new(&world);
    round.submit_many(5);
    let route = round.routes.pick(&mut rng(0));
    (world, round, [route[0], route[1], route[2]])
}

/// The first mixer's batch, before anybody has taken it.
fn first_parcel(round: &mut Running, [a, b, _]: [MixerIndex; 3]) -> Parcel {
    round.lost.insert((a, b));
    round.at(round.schedule.submit_until);
    round.parcels.pop().expect("the first mixer has mixed")
}

fn refusal(
    machine: &mut MixerRound<S>,
    parcel: &Parcel,
    phase: usize,
    from: MixerIndex,
) -> BatchRefusal {
    machine.receive(phase, from, parcel.digest(), parcel.batch.clone()).unwrap_err()
}

#[test]
fn a_missing_batch_voids_the_round_at_the_deadline_and_nothing_is_forwarded() {
    let (_world, mut round, mixers) = three();
    let parcel = first_parcel(&mut round, mixers);
    let [a, b, c] = mixers;
    let deadline = round.schedule.phase_deadline(0);

    assert_eq!(round.machine(b).wake_up(), deadline);
    round.at(UnixMs(deadline.0 - 1));
    assert!(round.voided.is_empty() && !round.machine(b).is_over(), "a moment before");
    round.at(deadline);
    assert_eq!(round.voided, [b]);
    let machine = round.machine(b);
    assert!(machine.is_over() && machine.is_void() && machine.directory().is_none());
    assert!(round.parcels.is_empty() && round.delivered.is_empty(), "nothing was forwarded");

    round.at(deadline);
    round.at(round.schedule.deliver_until);
    assert_eq!(round.voided.iter().filter(|m| **m == b).count(), 1, "said once");
    assert!(round.parcels.is_empty() && round.delivered.is_empty());
    let hash = round.hash;
    assert!(!parcel.hand_to(round.machine(b), &hash), "a late batch");
    assert_eq!(refusal(round.machine(b), &parcel, 1, a), BatchRefusal::NotUnderWay);
    assert!(round.machine(c).is_void() && round.machine(a).is_void(), "nobody has finished");
}

#[test]
fn one_missing_batch_of_several_voids_the_round() {
    let world = World::simple(RouteMode::Free, 3, 3);
    let mut round = Running::new(&world);
    round.submit_many(5);
    round.lost.insert((MixerIndex(0), MixerIndex(1)));
    round.finish();
    assert!(round.voided.contains(&MixerIndex(1)));
    assert!(round.delivered.is_empty(), "no mixer delivers what is incomplete");
    assert!(round.machines.iter().all(|m| m.is_void() && m.directory().is_none()));
    let from_1 = round.parcels.iter().filter(|p| p.from == MixerIndex(1) && p.phase > 1);
    assert_eq!(from_1.count(), 0);
}

#[test]
fn results_that_wait_to_be_sent_are_not_sent_once_the_round_is_late() {
    let world = World::simple(RouteMode::Free, 3, 3);
    let mut round = Running::new(&world);
    let machine = &mut round.machines[0];
    let Some(Action::Mix { phase, batch, noise, work, mut seen }) =
        machine.poll(round.schedule.submit_until)
    else {
        panic!("mixes what was submitted")
    };
    let mixed = work.run(batch, noise, &mut seen, &mut round.rng);
    machine.mixed(phase, mixed, seen);
    assert!(matches!(machine.poll(round.schedule.phase_deadline(0)), Some(Action::Void { .. })));
    assert!(machine.poll(round.schedule.phase_deadline(0)).is_none());
}

#[test]
fn an_empty_batch_completes_a_phase() {
    let world = World::simple(RouteMode::Round, 3, 3);
    let mut round = Running::new(&world);
    round.at(round.schedule.submit_until);
    assert_eq!(round.parcels.len(), 2);
    assert!(round.parcels.iter().all(|p| p.batch.is_empty()));
    assert_eq!((round.delivered.len(), round.voided.len()), (1, 0));
}

#[test]
fn a_deadline_with_all_batches_there_does_not_void_the_round() {
    let (_world, mut round, mixers) = three();
    let parcel = first_parcel(&mut round, mixers);
    let [a, b, _] = mixers;
    let (hash, deadline) = (round.hash, round.schedule.phase_deadline(0));
    assert!(parcel.hand_to(round.machine(b), &hash));
    round.machine(a).sent(b, 1);
    round.at(deadline);
    assert_eq!((round.voided.len(), round.messages()), (0, 5));
    assert!(round.machines.iter().all(|m| m.is_over() && !m.is_void()));
}

#[test]
fn the_round_is_void_if_mailboxes_do_not_acknowledge_in_time() {
    let (_world, mut round, [.., c]) = three();
    round.mailboxes_answer = false;
    round.at(round.schedule.submit_until);
    let until = round.schedule.deliver_until;
    round.at(UnixMs(until.0 - 1));
    assert!(round.delivered.contains_key(&c) && round.machine(c).directory().is_some());
    assert_eq!(round.machine(c).wake_up(), until);
    round.at(until);
    assert_eq!(round.voided, [c]);
    assert!(round.machine(c).is_void() && round.machine(c).directory().is_none());
}

#[test]
fn an_acknowledgement_just_in_time_counts_even_if_nobody_polls_until_later() {
    let (_world, mut round, [.., c]) = three();
    round.mailboxes_answer = false;
    round.at(round.schedule.submit_until);
    round.at(UnixMs(round.schedule.deliver_until.0 - 1));
    round.machine(c).delivered();
    assert!(round.machine(c).is_over(), "the key is gone at once");
    round.at(round.schedule.closes);
    assert!(round.voided.is_empty());
}

#[test]
fn a_round_given_up_by_another_is_over_without_a_word() {
    let (_world, mut round, [a, b, _]) = three();
    round.machine(a).void();
    round.machine(b).void();
    round.at(round.schedule.submit_until);
    assert!(round.machine(a).is_void() && round.machine(a).is_over());
    assert!(round.parcels.is_empty() && round.voided.is_empty());
}

#[test]
fn a_result_that_comes_after_the_round_was_given_up_is_forgotten() {
    let (_world, mut round, [a, ..]) = three();
    let until = round.schedule.submit_until;
    let i = usize::from(a.0);
    let Some(Action::Mix { phase, batch, noise, work, mut seen }) = round.machines[i].poll(until)
    else {
        panic!("mixes what was submitted")
    };
    assert!(round.machines[i].poll(until).is_none(), "and not twice");
    round.machines[i].void();
    let mixed = work.run(batch, noise, &mut seen, &mut round.rng);
    round.machines[i].mixed(phase, mixed, seen);
    assert!(round.machines[i].poll(until).is_none() && round.machines[i].is_over());
}

#[test]
fn the_same_batch_again_is_acknowledged_and_not_mixed_twice() {
    let (_world, mut round, mixers) = three();
    let parcel = first_parcel(&mut round, mixers);
    let [a, b, _] = mixers;
    let hash = round.hash;
    assert!(parcel.hand_to(round.machine(b), &hash));
    assert_eq!(round.machine(b).expects(1, a, hash.as_bytes()), Ok(false));
    assert!(parcel.hand_to(round.machine(b), &hash), "before it is mixed");
    round.at(round.schedule.submit_until);
    assert_eq!(round.messages(), 5, "each once");
    assert!(round.machine(b).is_over());
    assert!(
        parcel.hand_to(round.machine(b), &hash),
        "after the round: the acknowledgement got lost"
    );
    round.machine(a).sent(b, 1);
    assert!(round.machine(a).is_over() && !round.machine(a).is_void());
}

#[test]
fn another_batch_from_the_same_mixer_is_refused() {
    let (_world, mut round, mixers) = three();
    let parcel = first_parcel(&mut round, mixers);
    let [a, b, _] = mixers;
    let mut other = parcel.clone();
    other.batch.push(&vec![1; round.geometry.packet_len()]);
    let hash = round.hash;
    assert!(parcel.hand_to(round.machine(b), &hash));
    assert_eq!(refusal(round.machine(b), &other, 1, a), BatchRefusal::Another);
    round.at(round.schedule.submit_until);
    assert_eq!((round.messages(), round.dropped), (5, 0));
    assert_eq!(refusal(round.machine(b), &other, 1, a), BatchRefusal::Another, "also afterwards");
}

#[test]
fn foreign_batches_are_refused() {
    use BatchRefusal::*;
    let (_world, mut round, mixers) = three();
    let parcel = first_parcel(&mut round, mixers);
    let [a, b, c] = mixers;
    let hash = *round.hash.as_bytes();
    let machine = round.machine(b);
    assert_eq!(machine.expects(1, a, &[0; 32]), Err(NotHere), "another directory");
    for (phase, from) in [(1, b), (1, c), (1, MixerIndex(99)), (0, a), (2, a), (3, a), (255, a)] {
        assert_eq!(machine.expects(phase, from, &hash), Err(NotHere), "{phase} {from}");
        assert_eq!(refusal(machine, &parcel, phase, from), NotHere, "{phase} {from}");
    }
    assert_eq!(machine.expects(1, a, &hash), Ok(true));
    let mut open = _world.open(0, ROUND);
    assert_eq!(open.expects(1, a, &hash), Err(NotUnderWay));
    assert_eq!(refusal(&mut open, &parcel, 1, a), NotUnderWay);
}

#[test]
fn a_batch_of_other_sizes_is_refused() {
    let (_world, mut round, [a, b, _]) = three();
    let mut short = Batch::new(round.geometry.packet_len() - 1);
    short.push_zeros();
    let digest = Sha256::digest([0]).into();
    assert_eq!(round.machine(b).receive(1, a, digest, short), Err(BatchRefusal::NotHere));
    let mut large = Batch::new(round.geometry.packet_len());
    (0..=MAX_BATCH).for_each(|_| {
        large.push_zeros();
    });
    assert_eq!(round.machine(b).receive(1, a, digest, large), Err(BatchRefusal::TooLarge));
    let hash = round.hash;
    assert_eq!(round.machine(b).expects(1, a, hash.as_bytes()), Ok(true), "a good one may follow");
}

#[test]
fn acknowledgements_of_batches_never_sent_do_no_harm() {
    let (_world, mut round, [a, b, c]) = three();
    round.machine(a).sent(b, 0);
    round.machine(a).sent(c, 1);
    round.machine(a).sent(b, 77);
    round.machine(a).delivered();
    assert!(!round.machine(a).is_over());
    round.at(round.schedule.submit_until);
    assert_eq!(round.messages(), 5);
}

#[test]
fn a_batch_that_is_taken_before_its_phase_is_said_to_be_mixed_ends_nothing_too_early() {
    let (_world, mut round, [a, b, _]) = three();
    let (i, until) = (usize::from(a.0), round.schedule.submit_until);
    let Some(Action::Mix { phase, batch, noise, work, mut seen }) = round.machines[i].poll(until)
    else {
        panic!("mixes what was submitted")
    };
    let mixing = work.begin(batch, noise, &mut round.rng);
    round.machines[i].mixing(phase, mixing.packets());
    let Some(Action::Send { to, phase: 1, packets }) = round.machines[i].poll(until) else {
        panic!("sends what is being peeled")
    };
    assert_eq!((to, packets.len()), (b, 0));
    let mixed = mixing.finish(&work, &mut seen);
    assert_eq!(packets.len(), 5);
    round.machines[i].sent(b, 1);
    assert!(!round.machines[i].is_over(), "its result is still to come");
    round.machines[i].mixed(phase, mixed, seen);
    assert!(round.machines[i].is_over() && !round.machines[i].is_void());
    assert!(round.machines[i].poll(until).is_none(), "and nothing is sent twice");
}

#[test]
fn what_is_being_peeled_is_not_sent_when_the_round_was_given_up() {
    let (_world, mut round, [a, ..]) = three();
    let (i, until) = (usize::from(a.0), round.schedule.submit_until);
    let Some(Action::Mix { phase, batch, noise, work, .. }) = round.machines[i].poll(until) else {
        panic!("mixes what was submitted")
    };
    let mixing = work.begin(batch, noise, &mut round.rng);
    round.machines[i].void();
    round.machines[i].mixing(phase, mixing.packets());
    assert!(round.machines[i].poll(until).is_none());
}
