//! Mixers that fall silent, and those that take their duty over: whole mixers over links that can be cut.

use zephyr_core::wire::Bytes;
use zephyr_core::*;
use zephyr_machine::event::{Missing, ServerEvent};
use zephyr_machine::peer::{PeerRequest, encode};
use zephyr_machine::record::{Record, RecordKind};

use super::network::{Fault, Net};
use super::world::*;

/// Runs to the end of a round's delivery, and a bit.
fn run_through(net: &mut Net, round: u64) {
    let until = net.schedule(Round(round)).deliver_until.plus(50);
    net.run_to(until);
}

/// Half of the opening of round `round`.
fn half(net: &Net, round: u64) -> u64 {
    net.schedule(Round(round)).opens.0 + 2_000
}

#[test]
fn when_all_is_well_the_first_proposes_at_once_and_rounds_are_delivered() {
    let mut net = Net::new(4, 3);
    run_through(&mut net, 9);
    for round in 7..=9 {
        assert_eq!(net.agreed(Round(round)), Some(vec![0, 1, 2, 3]), "round {round}");
        assert!(net.agreed_at[&Round(round)] < half(&net, round) - 1_500);
        assert_eq!(net.delivered(Round(round)), 1, "one mixer delivers");
    }
    assert!(!net.said(1, |e| matches!(e, ServerEvent::Void { .. } | ServerEvent::Unopened { .. })));
}

#[test]
fn a_mixer_that_does_not_announce_is_left_out_from_the_middle_of_the_opening_on() {
    let mut net = Net::new(4, 3);
    net.kill(2);
    run_through(&mut net, 7);
    assert_eq!(net.agreed(ROUND), Some(vec![0, 1, 3]));
    assert!(net.agreed_at[&ROUND] >= half(&net, 7));
    assert_eq!(net.delivered(ROUND), 1);
    net.start(2);
    run_through(&mut net, 9);
    assert_eq!(net.agreed(Round(9)), Some(vec![0, 1, 2, 3]), "it is taken in again");
}

#[test]
fn the_coordinator_dies_before_it_announces_and_has_its_duty_back_when_it_returns() {
    let mut net = Net::new(4, 3);
    net.kill(0);
    run_through(&mut net, 7);
    assert_eq!(net.agreed(ROUND), Some(vec![1, 2, 3]));
    net.start(0);
    run_through(&mut net, 9);
    assert_eq!(net.agreed(Round(9)), Some(vec![0, 1, 2, 3]));
    assert!(net.agreed_at[&Round(9)] < half(&net, 9), "proposed by the first again, and at once");
}

/// The coordinator dies `ms` after the opening.
fn coordinator_dies(ms: u64) -> Net {
    let mut net = Net::new(4, 3);
    let opens = net.schedule(ROUND).opens;
    net.run_to(opens.plus(ms));
    net.kill(0);
    run_through(&mut net, 7);
    net
}

#[test]
fn the_coordinator_dies_in_any_step_of_its_proposal_and_the_next_takes_over() {
    // Announcements take 10 ms, the question 10, answers 10, writing down 10, its signature 10.
    for ms in [0, 5, 15, 25, 35] {
        let net = coordinator_dies(ms);
        assert_eq!(net.agreed(ROUND), Some(vec![1, 2, 3]), "after {ms} ms");
        assert!(net.agreed_at[&ROUND] < net.schedule(ROUND).submit_from.0, "after {ms} ms");
        assert_eq!(net.delivered(ROUND), 1, "after {ms} ms");
    }
}

#[test]
fn a_coordinator_that_dies_behind_its_signature_has_brought_the_directory_about() {
    let net = coordinator_dies(45);
    assert_eq!(net.agreed(ROUND), Some(vec![0, 1, 2, 3]));
    assert_eq!(net.delivered(ROUND), 0, "but the round can't be mixed without it");
}

#[test]
fn the_duty_goes_from_one_to_the_next_in_order() {
    let mut net = Net::new(5, 3);
    net.faults[0] = Fault::Silent;
    net.faults[1] = Fault::Silent;
    run_through(&mut net, 7);
    assert_eq!(net.agreed(ROUND), Some(vec![2, 3, 4]));
    assert!(net.agreed_at[&ROUND] < net.schedule(ROUND).submit_from.0);
    assert_eq!(net.delivered(ROUND), 1);
}

#[test]
fn a_coordinator_that_only_answers_is_replaced_and_stays_in_the_directory() {
    let mut net = Net::new(4, 3);
    net.faults[0] = Fault::Idle;
    run_through(&mut net, 7);
    assert_eq!(net.agreed(ROUND), Some(vec![0, 1, 2, 3]));
    assert_eq!(net.delivered(ROUND), 1);
}

#[test]
fn a_silent_coordinator_costs_time_once_and_then_the_others_do_without() {
    let mut net = Net::new(4, 3);
    net.faults[0] = Fault::Silent;
    run_through(&mut net, 12);
    for round in 7..=12 {
        assert_eq!(net.agreed(Round(round)), Some(vec![1, 2, 3]), "round {round}");
        assert_eq!(net.delivered(Round(round)), 1, "round {round}");
    }
    assert!(net.agreed_at[&Round(7)] > half(&net, 7));
    assert!(net.agreed_at[&Round(8)] < half(&net, 8), "the second is the first now");
    net.faults[0] = Fault::None;
    run_through(&mut net, 20);
    assert_eq!(net.agreed(Round(20)), Some(vec![0, 1, 2, 3]), "well again");
}

#[test]
fn all_mixers_are_waited_for_when_all_are_needed() {
    let mut net = Net::new(3, 3);
    net.faults[0] = Fault::Silent;
    let late = net.schedule(ROUND).submit_from.plus(1_000);
    net.run_to(late);
    assert_eq!(net.agreed(ROUND), None);
    let unopened = |e: &ServerEvent| match e {
        ServerEvent::Unopened { missing, .. } => {
            missing.contains(&Missing::Signature(MixerIndex(0)))
        }
        _ => false,
    };
    assert!(net.said(1, unopened), "operators are told who");
    // It wakes up while the round can still be saved.
    net.faults[0] = Fault::None;
    run_through(&mut net, 7);
    assert_eq!(net.agreed(ROUND), Some(vec![0, 1, 2]));
    run_through(&mut net, 9);
    assert_eq!(net.delivered(Round(9)), 1, "and nobody is left out afterwards");
}

#[test]
fn a_network_split_in_halves_agrees_on_nothing_and_recovers() {
    let mut net = Net::new(4, 3);
    net.split(&[0, 1]);
    run_through(&mut net, 8);
    assert!(net.directories.is_empty());
    net.cut.clear();
    run_through(&mut net, 10);
    assert_eq!(net.agreed(Round(10)), Some(vec![0, 1, 2, 3]));
    assert_eq!(net.delivered(Round(10)), 1);
}

#[test]
fn the_larger_part_of_a_split_network_goes_on_whoever_is_in_it() {
    for alone in 0..4 {
        let mut net = Net::new(4, 3);
        net.split(&[alone]);
        run_through(&mut net, 8);
        let others: Vec<u16> = (0..4).filter(|i| usize::from(*i) != alone).collect();
        for round in 7..=8 {
            assert_eq!(net.agreed(Round(round)), Some(others.clone()), "without {alone}");
            assert_eq!(net.delivered(Round(round)), 1);
        }
        net.cut.clear();
        run_through(&mut net, 10);
        assert_eq!(net.agreed(Round(10)), Some(vec![0, 1, 2, 3]), "with {alone} again");
    }
}

#[test]
fn a_network_that_is_split_in_the_middle_of_a_proposal_stays_of_one_mind() {
    for ms in (0..100).step_by(5) {
        let mut net = Net::new(5, 3);
        let opens = net.schedule(ROUND).opens;
        net.run_to(opens.plus(ms));
        net.split(&[0, 1]);
        run_through(&mut net, 7);
        net.cut.clear();
        run_through(&mut net, 9);
        assert!(net.directories.values().all(|all| all.len() == 1), "after {ms} ms");
        assert_eq!(net.delivered(Round(9)), 1, "after {ms} ms");
    }
}

#[test]
fn two_that_do_not_reach_each_other_do_not_divide_the_others() {
    let mut net = Net::new(5, 3);
    net.cut.extend([(0, 1), (1, 0)]);
    run_through(&mut net, 9);
    for round in 7..=9 {
        let agreed = net.agreed(Round(round)).expect("a directory");
        assert!(agreed.len() >= 4, "round {round}: {agreed:?}");
        assert!(net.agreed_at[&Round(round)] < net.schedule(Round(round)).submit_from.0);
    }
}

#[test]
fn clocks_half_a_second_apart_change_nothing_but_the_time() {
    for (fast, slow) in [(0, 1), (1, 0), (3, 2), (2, 3)] {
        let mut net = Net::new(4, 3);
        net.ahead[fast] = 250;
        net.ahead[slow] = -250;
        run_through(&mut net, 9);
        for round in 7..=9 {
            assert_eq!(net.agreed(Round(round)), Some(vec![0, 1, 2, 3]), "{fast} is fast");
            assert_eq!(net.delivered(Round(round)), 1, "{fast} is fast");
        }
    }
}

#[test]
fn a_mixer_that_announces_late_misses_the_round_only() {
    let mut net = Net::new(4, 3);
    // Its announcement reaches nobody before the middle of the opening.
    net.split(&[3]);
    let late = UnixMs(half(&net, 7) + 20);
    net.run_to(late);
    net.cut.clear();
    run_through(&mut net, 9);
    assert_eq!(net.agreed(ROUND), Some(vec![0, 1, 2]));
    assert_eq!(net.agreed(Round(9)), Some(vec![0, 1, 2, 3]));
}

#[test]
fn a_mixer_that_never_signs_costs_ever_fewer_rounds() {
    let mut net = Net::new(4, 3);
    net.faults[2] = Fault::Unsigning;
    run_through(&mut net, 26);
    let lost: Vec<u64> = (7..=26).filter(|r| net.agreed(Round(*r)).is_none()).collect();
    assert!(lost.contains(&7) && lost.len() <= 5, "{lost:?}");
    for round in (7..=26).filter(|r| !lost.contains(r)) {
        assert_eq!(net.agreed(Round(round)), Some(vec![0, 1, 3]), "round {round}");
    }
    net.faults[2] = Fault::None;
    run_through(&mut net, 50);
    assert_eq!(net.agreed(Round(50)), Some(vec![0, 1, 2, 3]));
}

#[test]
fn a_mixer_that_never_sends_its_batch_costs_ever_fewer_rounds() {
    for bad in 0..4 {
        let mut net = Net::new(4, 3);
        net.faults[bad] = Fault::Batchless;
        run_through(&mut net, 30);
        let good = (7..=30).filter(|r| net.delivered(Round(*r)) > 0).count();
        for r in 7..=30 {
            println!("{bad} {r}: {:?} {}", net.agreed(Round(r)), net.delivered(Round(r)));
        }
        assert!(good >= 14, "mixer {bad}: only {good} of 24");
        assert!(net.directories.values().flatten().all(|(_, mixers)| mixers.len() >= 3));
        let blamed = |e: &ServerEvent| match e {
            ServerEvent::Void { missing, .. } => *missing == [MixerIndex(bad as u16)],
            _ => false,
        };
        assert!((0..4).any(|i| net.said(i, blamed)), "operators are told who");
    }
}

#[test]
fn nobody_is_left_out_when_all_are_needed() {
    let mut net = Net::new(3, 3);
    net.faults[1] = Fault::Batchless;
    run_through(&mut net, 9);
    for round in 7..=9 {
        assert_eq!(net.agreed(Round(round)), Some(vec![0, 1, 2]));
    }
    net.faults[1] = Fault::None;
    run_through(&mut net, 11);
    assert_eq!(net.delivered(Round(11)), 1);
}

/// The first mixer proposes one directory to mixers 1 and 2 and another one to 3 and 4, and signs both.
fn two_faced(net: &mut Net, round: u64) {
    let round = Round(round);
    let world = &net.world;
    let own = *world.open(0, round).announcement();
    let announce = key(RecordKind::MixerKey, round, 0);
    net.publish(0, &announce, &Record::MixerKey(own));
    let asked = net.schedule(round).opens.plus(100);
    net.run_to(asked);
    let parts = [([0usize, 1, 2, 3, 4].as_slice(), [1, 2]), ([0, 2, 3, 4].as_slice(), [3, 4])];
    for signed in [false, true] {
        for (members, to) in parts {
            let body = net.body(round, members);
            let signature = signed.then(|| Bytes(net.world.signed(0, &body).signature));
            let request = encode(&PeerRequest::Propose { body: &body, signature });
            to.into_iter().for_each(|to| net.call(0, to, request.clone()));
        }
        let next = net.schedule(round).opens.plus(200);
        net.run_to(next);
    }
}

#[test]
fn a_coordinator_that_proposes_two_directories_costs_rounds_and_never_gets_two() {
    let mut net = Net::new(5, 3);
    net.kill(0);
    let mut lost = 0;
    for round in 7..=14 {
        let opens = net.schedule(Round(round)).opens;
        net.run_to(opens);
        two_faced(&mut net, round);
        run_through(&mut net, round);
        match net.agreed(Round(round)) {
            Some(mixers) => assert_eq!(mixers, [1, 2, 3, 4], "without the two-faced"),
            None => lost += 1,
        }
    }
    assert!((1..=4).contains(&lost), "{lost} rounds of 8 lost");
}

#[test]
fn with_the_least_mixers_there_is_no_directory_with_fewer() {
    let mut net = Net::new(5, 3);
    net.faults[0] = Fault::Silent;
    net.faults[3] = Fault::Unsigning;
    run_through(&mut net, 20);
    net.kill(1);
    net.kill(2);
    run_through(&mut net, 23);
    let all = net.directories.values().flatten();
    assert!(all.clone().all(|(_, mixers)| mixers.len() >= 3));
    assert!(all.count() > 5);
    assert!(net.agreed(Round(23)).is_none());
}
