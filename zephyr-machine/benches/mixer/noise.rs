//! A mixer's own packets: made when a phase begins, and ahead of it.

use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_blst::Native;
use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::mix::{NoiseMaker, Outline, PhaseNoise, WipeOnDrop, Work};

use super::rows::{self, Row};
use super::{DIRECTORY, batch};

const COVERS: u32 = 2_000;
const TURNS: usize = 5;

/// The first of four mixers in line: its noise goes over three hops.
fn work() -> Work<Native> {
    let geometry = Geometry::new(4, 1024).expect("a geometry");
    let alone = batch::work().outline.parameters;
    let parameters = Parameters { geometry, min_mixers: 4, min_batch: COVERS, ..alone };
    let key = |i: u16| MixerKey::from_bytes([i as u8 + 1; 32]);
    let hop = |i| Hop { mixer: MixerIndex(i), key: key(i).public::<Native>() };
    let mixers = (0..4).map(MixerIndex);
    let routes = Routes::new(RouteMode::Round, geometry, &DIRECTORY, mixers).expect("a route");
    let me = routes.entries()[0];
    let hops = (0..4).map(hop).collect();
    let watched = Mailbox(0);
    let outline = Outline { me, directory: DIRECTORY, routes, hops, parameters, watched };
    let mixer = Mixer::new(geometry, DIRECTORY, key(me.0));
    Work { mixer, outline: outline.into(), wipe: WipeOnDrop }
}

fn draw(work: &Work<Native>) -> PhaseNoise {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    PhaseNoise::draw(&work.outline, 0, &mut rng, &mut Hedge::new([1; 32], 0))
}

/// Milliseconds until a phase without any other packets is shuffled.
fn begin(work: &Work<Native>, noise: PhaseNoise) -> f64 {
    let batch = Batch::new(work.outline.parameters.geometry.packet_len());
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let start = Instant::now();
    let mixing = work.begin(batch, noise, &mut rng);
    let time = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(mixing.packets().len(), 1, "there is one mixer behind this one");
    time
}

/// On all cores and on one thread, and what is left of it when the phase begins.
fn threads() {
    let work = work();
    let (mut all, mut one, mut ahead) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..TURNS {
        all = all.min(begin(&work, draw(&work)));
        let noise = draw(&work);
        let maker = NoiseMaker::new([&noise]);
        let start = Instant::now();
        while maker.step::<Native>() {}
        one = one.min(start.elapsed().as_secs_f64() * 1e3);
        ahead = ahead.min(begin(&work, noise));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Row {
        name: &format!("begin a phase with {COVERS} packets of noise over 3 hops on {cores} cores"),
        value: all,
        unit: "ms",
        against: "making them on one thread",
        ratio: Some(all / one),
        limit: Some(1.2 / cores as f64),
    }
    .print();
    Row {
        name: "the same, with noise that was made ahead",
        value: ahead,
        unit: "ms",
        against: "making it when the phase begins",
        ratio: Some(ahead / all),
        limit: Some(0.1),
    }
    .print();
}

/// A piece of noise against its covers, made and wrapped one after the other.
fn piece() {
    let work = work();
    let Outline { me, routes, hops, parameters, .. } = &*work.outline;
    let geometry = parameters.geometry;
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut hedge = Hedge::new([3; 32], 0);
    let route = routes.pick_after(0, *me, &mut rng);
    let route: Vec<_> = route.iter().map(|mixer| hops[usize::from(mixer.0)]).collect();
    let (mut sealed, mut packet) = (vec![0; geometry.sealed_len()], vec![0; geometry.packet_len()]);
    let per_piece = 32 * 1024 / geometry.packet_len();
    let noise = draw(&work);
    let maker = NoiseMaker::new([&noise]);
    let turns = COVERS as usize / per_piece;
    let name = format!("make {per_piece} packets of noise over 3 hops");
    let against = "as many covers, each made and wrapped";
    let one = || assert!(maker.step::<Native>(), "there is more to do");
    rows::compare(&name, against, Some(1.05), turns, one, || {
        for _ in 0..per_piece {
            Cover::fill::<<Native as Suite>::Pairing>(&mut sealed, &mut rng);
            let mailbox = Mailbox(0);
            let to = Wrap { geometry, directory: &DIRECTORY, route: &route, mailbox };
            wrap::<Native>(to, &sealed, &mut packet, &mut rng, &mut hedge).expect("a good route");
        }
    });
}

pub(super) fn rows() {
    piece();
    threads();
}
