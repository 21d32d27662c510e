//! Routes of the three modes, and what they say to mixers.

#![allow(missing_docs)]

mod common;

use std::collections::HashSet;

use common::*;
use zephyr_core::*;

const MODES: [RouteMode; 3] = [RouteMode::Round, RouteMode::Rotations, RouteMode::Free];

fn directory(n: u64) -> DirectoryHash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    DirectoryHash::from_bytes(bytes)
}

fn routes(mode: RouteMode, hops: usize, mixers: usize, seed: u64) -> Routes {
    let geometry = Geometry::new(hops, 256).unwrap();
    // Numbers with gaps: a directory need not list every mixer of the manifest.
    let mixers = (0..mixers).map(|i| MixerIndex(3 * i as u16 + 1));
    Routes::new(mode, geometry, &directory(seed), mixers).unwrap()
}

/// Calls `check` for every mode with 1 to 20 mixers and 1 to 16 hops.
fn everywhere(check: impl Fn(RouteMode, usize, usize, &Routes)) {
    for mode in MODES {
        for mixers in 1..=20 {
            for hops in 1..=MAX_HOPS {
                check(mode, mixers, hops, &routes(mode, hops, mixers, 5));
            }
        }
    }
}

fn all(mixers: usize) -> impl Iterator<Item = MixerIndex> + Clone {
    (0..mixers).map(|i| MixerIndex(3 * i as u16 + 1))
}

#[test]
fn a_picked_route_visits_different_mixers_that_all_work_in_its_phase() {
    everywhere(|mode, mixers, hops, routes| {
        let mut rng = rng(1);
        assert_eq!(routes.len(), mixers.min(hops));
        assert_eq!(routes.first_position() + routes.len(), hops);
        for _ in 0..8 {
            let route = routes.pick(&mut rng);
            assert_eq!(route.len(), routes.len(), "{mode:?} {mixers} {hops}");
            assert_eq!(route.iter().collect::<HashSet<_>>().len(), route.len(), "no mixer twice");
            assert!(routes.entries().contains(&route[0]));
            assert!(routes.exits().contains(route.last().unwrap()));
            for (phase, &mixer) in route.iter().enumerate() {
                assert!(routes.works(phase, mixer));
                if let Some(&next) = route.get(phase + 1) {
                    assert!(routes.successors(phase, mixer).contains(&next));
                    assert!(routes.predecessors(phase + 1, next).contains(&mixer));
                }
            }
        }
    });
}

#[test]
fn predecessors_and_successors_agree() {
    everywhere(|mode, mixers, hops, routes| {
        for phase in 0..=routes.len() {
            for a in all(mixers) {
                for b in all(mixers) {
                    let sends = routes.successors(phase, a).contains(&b);
                    let takes = routes.predecessors(phase + 1, b).contains(&a);
                    assert_eq!(sends, takes, "{mode:?} {mixers} {hops}: {a} to {b} in {phase}");
                    assert!(!(sends && a == b), "nobody sends to itself");
                }
            }
        }
    });
}

#[test]
fn clients_come_first_mailboxes_last_and_nobody_else_works() {
    everywhere(|mode, mixers, _, routes| {
        for mixer in all(mixers) {
            assert!(routes.predecessors(0, mixer).is_empty());
            assert!(routes.successors(routes.len() - 1, mixer).is_empty());
            assert!(!routes.works(routes.len(), mixer));
            for phase in 1..routes.len() {
                let batches = routes.predecessors(phase, mixer).len();
                assert_eq!(batches > 0, routes.works(phase, mixer));
            }
        }
        let ends = if mode == RouteMode::Round { 1 } else { mixers };
        assert_eq!((routes.entries().len(), routes.exits().len()), (ends, ends));
        let stranger = MixerIndex(2);
        for phase in 0..routes.len() {
            assert!(!routes.works(phase, stranger));
            assert!(routes.predecessors(phase, stranger).is_empty());
            assert!(routes.successors(phase, stranger).is_empty());
        }
    });
}

#[test]
fn noise_takes_the_rest_of_a_route_without_its_mixer() {
    everywhere(|mode, mixers, hops, routes| {
        let mut rng = rng(2);
        for phase in 0..routes.len() {
            for mixer in all(mixers).filter(|&m| routes.works(phase, m)) {
                let rest = routes.pick_after(phase, mixer, &mut rng);
                let what = format!("{mode:?} {mixers} {hops}: {mixer} in {phase}: {rest:?}");
                assert_eq!(rest.len(), routes.len() - 1 - phase, "{what}");
                assert!(!rest.contains(&mixer), "{what}");
                assert_eq!(rest.iter().collect::<HashSet<_>>().len(), rest.len(), "{what}");
                let mut before = mixer;
                for (i, &next) in rest.iter().enumerate() {
                    assert!(routes.successors(phase + i, before).contains(&next), "{what}");
                    before = next;
                }
            }
        }
        for mixer in all(mixers) {
            assert!(routes.pick_after(routes.len(), mixer, &mut rng).is_empty());
            assert!(routes.pick_after(usize::MAX - 1, mixer, &mut rng).is_empty());
        }
    });
}

#[test]
fn everybody_with_the_same_directory_has_the_same_route() {
    for mixers in 1..=20 {
        let (a, b) =
            (routes(RouteMode::Round, 16, mixers, 9), routes(RouteMode::Round, 16, mixers, 9));
        assert_eq!(a.pick(&mut rng(1)), b.pick(&mut rng(2)));
    }
    let other: HashSet<Vec<_>> = (0..50)
        .map(|seed| routes(RouteMode::Round, 16, 10, seed).pick(&mut rng(1)).to_vec())
        .collect();
    assert_eq!(other.len(), 50, "another directory, another order");
}

#[test]
fn the_order_is_the_documented_shuffle() {
    for seed in 0..20 {
        for n in 1..=20 {
            let mut stream = vec![0; 4096];
            let key = reference::hash("ROUTE", &[directory(seed).as_bytes()]);
            reference::xsalsa20(&key, &[0; 24], &mut stream);
            let mut draws = stream.chunks(4).map(|b| u32::from_be_bytes(b.try_into().unwrap()));
            let mut order: Vec<_> = all(n).collect();
            for i in (1..n).rev() {
                let bound = i as u64 + 1;
                let usable = (1u64 << 32) / bound * bound;
                let draw = draws.find(|&d| u64::from(d) < usable).unwrap();
                order.swap(i, (u64::from(draw) % bound) as usize);
            }
            order.truncate(16);
            assert_eq!(routes(RouteMode::Round, 16, n, seed).pick(&mut rng(0)).to_vec(), order);
        }
    }
}

/// Chi-square of counts that should be equal.
fn chi_square(counts: &[u32]) -> f64 {
    let mean = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
    counts.iter().map(|&c| (f64::from(c) - mean).powi(2) / mean).sum()
}

#[test]
fn permutations_are_uniform_over_directories() {
    // 24 permutations of four mixers: 23 degrees of freedom, 0.999 quantile 49.7.
    let mut counts = std::collections::BTreeMap::<Vec<MixerIndex>, u32>::new();
    for seed in 0..12_000 {
        let route = routes(RouteMode::Round, 4, 4, seed).pick(&mut rng(0)).to_vec();
        *counts.entry(route).or_default() += 1;
    }
    assert_eq!(counts.len(), 24);
    let chi = chi_square(&counts.into_values().collect::<Vec<_>>());
    assert!(chi < 49.7, "{chi}");
}

#[test]
fn every_mixer_of_many_comes_first_as_often_in_samples() {
    // 12 mixers, 3 hops: first and last place each 11 degrees of freedom, 0.999 quantile 31.3.
    let (mut first, mut last) = ([0u32; 12], [0u32; 12]);
    for seed in 0..6000 {
        let route = routes(RouteMode::Round, 3, 12, seed).pick(&mut rng(0));
        first[usize::from(route[0].0 / 3)] += 1;
        last[usize::from(route[2].0 / 3)] += 1;
    }
    assert!(chi_square(&first) < 31.3 && chi_square(&last) < 31.3, "{first:?} {last:?}");
}

#[test]
fn packets_spread_evenly_over_rotations_and_free_routes() {
    for mode in [RouteMode::Rotations, RouteMode::Free] {
        let routes = routes(mode, 3, 12, 1);
        let (mut rng, mut first) = (rng(3), [0u32; 12]);
        (0..6000).for_each(|_| first[usize::from(routes.pick(&mut rng)[0].0 / 3)] += 1);
        assert!(chi_square(&first) < 31.3, "{mode:?} {first:?}");
    }
}

#[test]
fn a_shuffle_touches_every_place() {
    let mut counts = [[0u32; 5]; 5];
    let mut rng = rng(4);
    for _ in 0..5000 {
        let mut items = [0, 1, 2, 3, 4];
        shuffle(&mut items, &mut rng);
        items.iter().enumerate().for_each(|(place, &item)| counts[place][item] += 1);
    }
    // 4 degrees of freedom each, 0.9999 quantile 23.5.
    assert!(counts.iter().all(|c| chi_square(c) < 23.5), "{counts:?}");
    shuffle::<u8>(&mut [], &mut rng);
}

#[test]
fn no_routes_without_mixers_or_with_too_many() {
    let geometry = Geometry::new(3, 256).unwrap();
    for mode in MODES {
        assert!(Routes::new(mode, geometry, &directory(0), []).is_none());
        let many = |n: u16| Routes::new(mode, geometry, &directory(0), (0..n).map(MixerIndex));
        assert!(many(MAX_MIXERS as u16).is_some());
        assert!(many(MAX_MIXERS as u16 + 1).is_none());
        assert_eq!(RouteMode::from_byte(mode as u8), Some(mode));
    }
    assert_eq!(RouteMode::from_byte(3), None);
}

/// Sends `packets` on free routes over `n` mixers of which one is honest and counts, for the first packet, those
/// that came to it in the same phase from the same mixers.
fn hidden_among(n: usize, packets: usize, rng: &mut impl rand_core::Rng) -> usize {
    let routes = routes(RouteMode::Free, n, n, 1);
    let honest = MixerIndex(1);
    let mut seen = || {
        let route = routes.pick(rng);
        let phase = route.iter().position(|&m| m == honest).unwrap();
        route[..phase].iter().copied().collect::<std::collections::BTreeSet<_>>()
    };
    let first = seen();
    1 + (1..packets).filter(|_| seen() == first).count()
}

#[test]
fn the_expected_anonymity_set_is_what_a_simulation_finds() {
    let mut rng = rng(6);
    for (n, packets, runs) in [(2, 20, 500), (3, 50, 400), (5, 100, 400)] {
        let total: usize = (0..runs).map(|_| hidden_among(n, packets, &mut rng)).sum();
        let found = total as f64 / runs as f64;
        let expected = expected_anonymity_set(RouteMode::Free, n, packets as u64);
        assert!((found / expected - 1.0).abs() < 0.1, "{n}: {found} instead of {expected}");
    }
    assert_eq!(expected_anonymity_set(RouteMode::Round, 10, 100), 100.0);
    assert_eq!(expected_anonymity_set(RouteMode::Rotations, 10, 101), 11.0);
    assert_eq!(expected_anonymity_set(RouteMode::Free, 1, 100), 100.0);
    assert_eq!(expected_anonymity_set(RouteMode::Free, 10, 0), 1.0);
}
