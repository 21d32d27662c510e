//! Noise made ahead of its phase: whoever makes how much of it when, a phase has all of it, and its own.

use std::collections::{BTreeMap, HashSet};

use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::loops::{LoopPacket, most_loops};
use zephyr_machine::mix::{Messages, Mixed, NoiseMaker, Packets, PhaseNoise};

use super::mixing::work;
use super::world::*;

/// Three mixers, and so much noise that it has several pieces and more loop packets than are remembered.
fn noisy(routes: RouteMode) -> Parameters {
    let geometry = Geometry::new(3, 1024).unwrap();
    Parameters { geometry, noise_mu: 20_000, noise_b: 4_000, ..parameters(routes, 3, 3) }
}

/// All that a phase gives away, in order.
type Out = (BTreeMap<MixerIndex, Vec<Vec<u8>>>, Vec<LoopPacket>, usize);

fn out(mixed: Mixed) -> Out {
    let all = |packets: Packets| packets.iter().map(<[u8]>::to_vec).collect();
    let packets = mixed.packets.into_iter().map(|(to, packets)| (to, all(packets))).collect();
    (packets, mixed.loops, mixed.noise)
}

#[test]
fn the_noise_is_the_same_however_much_of_it_was_made_ahead_and_on_how_many_threads() {
    let parameters = noisy(RouteMode::Free);
    let work = work(parameters, 3);
    let mix = |ahead: &dyn Fn(&NoiseMaker)| {
        let noise = PhaseNoise::draw(&work.outline, 0, &mut rng(1), &mut Hedge::new([2; 32], 0));
        ahead(&NoiseMaker::new([&noise]));
        let batch = Batch::new(parameters.geometry.packet_len());
        out(work.run(batch, noise, &mut HashSet::new(), &mut rng(3)))
    };
    let all = |noise: &NoiseMaker| while noise.step::<S>() {};
    let alone = mix(&all);
    assert!((40..160).contains(&alone.2), "80 on average: {}", alone.2);
    assert_eq!(alone.1.len(), most_loops(&parameters));
    assert_eq!(mix(&|_| {}), alone, "nobody had time: all is made when the phase begins");
    assert_eq!(mix(&|noise| assert!(noise.step::<S>())), alone, "a part of it");
    let together = mix(&|noise| {
        std::thread::scope(|scope| (0..5).for_each(|_| drop(scope.spawn(|| all(noise)))));
    });
    assert_eq!(together, alone);
}

/// Three mixers that work in each phase, and what would make the first one's noise.
fn rotating() -> (Running, NoiseMaker) {
    let world = World::new(noisy(RouteMode::Rotations), 3, 1);
    let mut round = Running::new(&world);
    let maker = std::mem::take(&mut round.makers[0]);
    (round, maker)
}

#[test]
fn every_phase_has_its_noise_without_preparation_and_with_it() {
    for steps in [0, 3, usize::MAX] {
        let (mut round, maker) = rotating();
        (0..steps).take_while(|_| maker.step::<S>()).count();
        round.finish();
        assert!(round.voided.is_empty());
        // 20 to each of 4 mailboxes from 3 mixers in 3 phases.
        assert!((620..850).contains(&round.noise), "{} after {steps} steps", round.noise);
        assert_eq!(round.messages(), round.noise, "all of it arrives");
        assert!(!maker.step::<S>(), "the round is over");
    }
}

#[test]
fn no_noise_is_used_twice() {
    let mut all = HashSet::new();
    for round in [ROUND, Round(ROUND.0 + 1)] {
        let world = World::new(noisy(RouteMode::Rotations), 3, 1);
        let mut round = Running::of(&world, round);
        while round.makers.iter().any(NoiseMaker::step::<S>) {}
        round.finish();
        for message in round.delivered.values().flat_map(BTreeMap::values).flat_map(Messages::iter)
        {
            assert!(all.insert(message.to_vec()), "in no two phases, rounds or mixers");
        }
    }
    assert!(all.len() > 1_000);
}

#[test]
fn nothing_is_made_for_a_round_that_is_void() {
    let (mut round, maker) = rotating();
    assert!(maker.step::<S>());
    round.machines[0].void();
    assert!(!maker.step::<S>());
}

#[test]
fn what_comes_in_has_no_influence_on_the_noise() {
    let noise = |packets| {
        let world = World::new(noisy(RouteMode::Round), 3, 1);
        let mut round = Running::new(&world);
        round.submit_many(packets);
        round.finish();
        (round.noise, round.loops)
    };
    assert_eq!(noise(0), noise(30));
}
