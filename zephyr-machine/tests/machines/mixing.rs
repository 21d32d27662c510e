//! One mix phase: the shuffle, the noise, the cover.

use std::collections::{BTreeMap, HashSet};

use rand_chacha::rand_core::TryRng;
use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::mix::{Messages, Mixed, Outline, Packets, PhaseNoise, WipeOnDrop, Work};
use zephyr_machine::noise::Noise;

use super::world::*;

const HASH: DirectoryHash = DirectoryHash::from_bytes([6; 32]);

/// The first of `mixers` in line, which mixes by itself, and all their hops.
pub fn work(parameters: Parameters, mixers: u16) -> Work<S> {
    let geometry = parameters.geometry;
    let secret = |i: u16| MixerKey::from_bytes([i as u8 + 1; 32]);
    let hops: Vec<_> =
        (0..mixers).map(|i| Hop { mixer: MixerIndex(i), key: secret(i).public::<S>() }).collect();
    let routes = Routes::new(parameters.routes, geometry, &HASH, (0..mixers).map(MixerIndex));
    let routes = routes.unwrap();
    let me = routes.entries()[0];
    let mixer = Mixer::new(geometry, HASH, secret(me.0));
    let watched = Mailbox(0);
    let outline = Outline { me, directory: HASH, routes, hops, parameters, watched };
    Work { mixer, outline: outline.into(), wipe: WipeOnDrop }
}

/// `count` packets over the only route, and the messages in them.
fn packets(work: &Work<S>, count: usize) -> (Batch, Vec<Vec<u8>>) {
    let (mut rng, mut hedge) = (rng(3), Hedge::new([3; 32], 0));
    let Outline { routes, hops, parameters, .. } = &*work.outline;
    let geometry = parameters.geometry;
    let route = routes.pick(&mut rng);
    let route: Vec<_> = route.iter().map(|m| hops[usize::from(m.0)]).collect();
    let mut batch = Batch::new(geometry.packet_len());
    let messages = (0..count)
        .map(|_| {
            let sealed = random(geometry.sealed_len(), &mut rng);
            let to = Wrap { geometry, directory: &HASH, route: &route, mailbox: Mailbox(0) };
            wrap::<S>(to, &sealed, batch.push_zeros(), &mut rng, &mut hedge).unwrap();
            sealed
        })
        .collect();
    (batch, messages)
}

fn run(work: &Work<S>, batch: Batch, seed: u64) -> Mixed {
    let mut rng = rng(seed);
    let noise = PhaseNoise::draw(&work.outline, 0, &mut rng, &mut Hedge::new([8; 32], seed));
    work.run(batch, noise, &mut HashSet::new(), &mut rng)
}

fn alone(noise_mu: u32) -> Work<S> {
    work(Parameters { mailboxes: 1, noise_mu, ..parameters(RouteMode::Round, 1, 1) }, 1)
}

/// Where the messages have gone in the only mailbox.
fn places(mixed: &Mixed, messages: &[Vec<u8>]) -> Vec<usize> {
    let out: Vec<_> = mixed.messages[&Mailbox(0)].iter().collect();
    messages.iter().map(|m| out.iter().position(|o| o == m).expect("it is there")).collect()
}

/// The sum of squared deviations from `expected`, in units of it.
fn chi_square(counts: impl IntoIterator<Item = usize>, expected: f64) -> f64 {
    counts.into_iter().map(|n| (n as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn the_order_is_a_permutation_that_depends_on_the_seed() {
    let work = alone(0);
    let (batch, messages) = packets(&work, 20);
    let orders: HashSet<_> =
        (0..20).map(|seed| places(&run(&work, batch.clone(), seed), &messages)).collect();
    assert_eq!(orders.len(), 20, "each seed gives an order of its own");
    for mut order in orders {
        order.sort_unstable();
        assert!(order.into_iter().eq(0..20));
    }
    let again = [(); 2].map(|()| places(&run(&work, batch.clone(), 5), &messages));
    assert_eq!(again[0], again[1]);
}

#[test]
fn every_order_of_four_packets_is_as_likely() {
    const RUNS: usize = 1200;
    let work = alone(0);
    let (batch, messages) = packets(&work, 4);
    let mut orders: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    for seed in 0..RUNS {
        *orders.entry(places(&run(&work, batch.clone(), seed as u64), &messages)).or_default() += 1;
    }
    assert_eq!(orders.len(), 24);
    let chi = chi_square(orders.into_values(), RUNS as f64 / 24.0);
    assert!(chi < 49.73, "chi-square {chi} with 23 degrees of freedom: p < 0.001");
}

#[test]
fn noise_stands_among_the_packets_not_behind_them() {
    const RUNS: usize = 400;
    let work = alone(4000);
    let (batch, messages) = packets(&work, 4);
    let mut counts = [0; 8];
    for seed in 0..RUNS {
        let mixed = run(&work, batch.clone(), seed as u64);
        assert_eq!((mixed.noise, mixed.messages[&Mailbox(0)].len()), (4, 8));
        places(&mixed, &messages).into_iter().for_each(|place| counts[place] += 1);
    }
    let chi = chi_square(counts, (RUNS * 4 / 8) as f64);
    assert!(chi < 24.32, "chi-square {chi} with 7 degrees of freedom: p < 0.001");
}

#[test]
fn noise_for_later_mixers_stands_among_the_packets_as_well() {
    let noisy = Parameters { noise_mu: 2000, ..parameters(RouteMode::Round, 2, 2) };
    let work = work(noisy, 2);
    let (batch, _) = packets(&work, 8);
    // Peeled by the first mixer alone, the real ones are known.
    let quiet = self::work(Parameters { noise_mu: 0, ..noisy }, 2);
    let real = run(&quiet, batch.clone(), 0);
    let (_, real) = real.packets.into_iter().next().unwrap();
    let real: HashSet<_> = real.iter().map(<[u8]>::to_vec).collect();
    let mut last = [0; 2];
    for seed in 0..40 {
        let mixed = run(&work, batch.clone(), seed);
        let (_, out) = mixed.packets.into_iter().next().unwrap();
        assert_eq!(out.len(), 16);
        let kinds: Vec<_> = out.iter().map(|p| real.contains(p)).collect();
        assert_eq!(kinds.iter().filter(|real| **real).count(), 8);
        last[usize::from(kinds[15])] += 1;
    }
    assert!(last[0] > 5 && last[1] > 5, "both kinds come last: {last:?}");
}

#[test]
fn noise_goes_to_every_mailbox_in_the_drawn_numbers() {
    let parameters = Parameters {
        mailboxes: 30,
        noise_mu: 3000,
        noise_b: 2000,
        ..parameters(RouteMode::Round, 1, 1)
    };
    let work = work(parameters, 1);
    let mixed = run(&work, Batch::new(parameters.geometry.packet_len()), 1);
    let counts: Vec<_> =
        (0..30).map(|m| mixed.messages.get(&Mailbox(m)).map_or(0, Messages::len)).collect();
    assert_eq!(counts.iter().sum::<usize>(), mixed.noise);
    assert!(counts.iter().collect::<HashSet<_>>().len() > 3, "they differ: {counts:?}");
    let mean = mixed.noise as f64 / 30.0;
    assert!((2.0..6.0).contains(&mean), "{mean}");
}

#[test]
fn the_smallest_batch_is_reached_with_own_cover_only() {
    let parameters = Parameters { min_batch: 12, ..parameters(RouteMode::Round, 2, 2) };
    let work = work(parameters, 2);
    for incoming in [0, 5, 12, 30] {
        let (batch, _) = packets(&work, incoming);
        let mixed = run(&work, batch, 1);
        assert_eq!(mixed.noise, 12, "whatever came in");
        assert_eq!(mixed.packets.values().map(Packets::len).sum::<usize>(), incoming + 12);
    }
    let noisy = Parameters { noise_mu: 2000, ..parameters };
    let work = self::work(noisy, 2);
    assert_eq!(run(&work, packets(&work, 3).0, 1).noise, 12, "noise counts: 8 of it");
    let noisier = Parameters { noise_mu: 5000, ..parameters };
    let work = self::work(noisier, 2);
    assert_eq!(run(&work, packets(&work, 3).0, 1).noise, 20, "and may be more");
}

#[test]
fn cover_looks_like_packets_and_messages() {
    let parameters = Parameters { min_batch: 5, ..parameters(RouteMode::Round, 1, 1) };
    let work = work(parameters, 1);
    let mixed = run(&work, Batch::new(parameters.geometry.packet_len()), 1);
    let messages: HashSet<_> = mixed.messages.values().flat_map(Messages::iter).collect();
    assert_eq!(messages.len(), 5, "all different");
    for message in messages {
        assert_eq!(message.len(), parameters.geometry.sealed_len());
        // tag 16 ‖ mac 16 ‖ U 48
        assert!(<P as Pairing>::G1::decode(&message[32..80]).is_some(), "U is a point");
    }
}

/// A generator that is stuck.
struct Stuck(u64);

impl TryRng for Stuck {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.0 as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.fill(self.0 as u8);
        Ok(())
    }
}

#[test]
fn the_rarest_draws_give_no_infinite_noise() {
    let noise = Noise::of(&Parameters {
        noise_mu: 20_000,
        noise_b: 3_000,
        ..parameters(RouteMode::Round, 1, 1)
    });
    // Half of 2^-52 is left on either side: ln(2^52) · 3 from the mean.
    assert!(noise.draw(&mut Stuck(u64::MAX)) <= 20 + 110);
    assert_eq!(noise.draw(&mut Stuck(0)), 0);
    assert!((20..=21).contains(&noise.draw(&mut Stuck(1 << 63))), "the middle");
}
