//! Whole batches, as a mixer alone in its round has them.

use std::collections::HashSet;
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_blst::Native;
use zephyr_core::*;
use zephyr_machine::batch::Batch;
use zephyr_machine::mix::{Mixed, Outline, PhaseNoise, WipeOnDrop, Work};

use super::rows::Row;
use super::{DIRECTORY, SECRET};

const MAILBOXES: u32 = 100;

pub(super) fn work() -> Work<Native> {
    let geometry = Geometry::new(3, 1024).expect("a geometry");
    let parameters = Parameters {
        geometry,
        routes: RouteMode::Round,
        min_mixers: 1,
        packets_per_round: 1,
        mailboxes: MAILBOXES,
        replicas: 1,
        genesis: UnixMs(1_000_000),
        round_ms: 10_000,
        open_ms: 4_000,
        submit_ms: 9_000,
        phase_ms: 1_000,
        deliver_ms: 1_000,
        download_ms: 5_000,
        noise_mu: 0,
        noise_b: 0,
        min_batch: 0,
    };
    let (key, me) = (MixerKey::from_bytes(SECRET), MixerIndex(0));
    let hop = Hop { mixer: me, key: key.public::<Native>() };
    let outline = Outline {
        me,
        directory: DIRECTORY,
        routes: Routes::new(RouteMode::Round, geometry, &DIRECTORY, [me]).expect("a route"),
        hops: vec![hop],
        parameters,
        watched: Mailbox(0),
    };
    let mixer = Mixer::new(geometry, DIRECTORY, key);
    Work { mixer, outline: outline.into(), wipe: WipeOnDrop }
}

/// Gathers `count` packets as they come from clients, made on all cores.
pub(super) fn gather(work: &Work<Native>, count: usize) -> Batch {
    let geometry = work.outline.parameters.geometry;
    let mut gathered = Batch::new(geometry.packet_len());
    let (packets, made) = std::sync::mpsc::sync_channel::<Vec<u8>>(16);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let packets = packets.clone();
            scope.spawn(move || {
                let mut rng = ChaCha20Rng::seed_from_u64(thread as u64);
                let mut hedge = Hedge::new([thread as u8; 32], 0);
                let sealed = vec![7; geometry.sealed_len()];
                for i in (thread..count).step_by(threads) {
                    let mailbox = Mailbox(i as u32 % MAILBOXES);
                    let (directory, route) = (&DIRECTORY, &work.outline.hops[..]);
                    let to = Wrap { geometry, directory, route, mailbox };
                    let mut packet = vec![0; geometry.packet_len()];
                    wrap::<Native>(to, &sealed, &mut packet, &mut rng, &mut hedge)
                        .expect("a good route");
                    packets.send(packet).expect("the receiver waits for all");
                }
            });
        }
        drop(packets);
        made.into_iter().for_each(|packet| gathered.push(&packet));
    });
    gathered
}

pub(super) fn run(work: &Work<Native>, batch: Batch) -> Mixed {
    let (mut seen, mut rng) = (HashSet::new(), ChaCha20Rng::seed_from_u64(1));
    let noise = PhaseNoise::draw(&work.outline, 0, &mut rng, &mut Hedge::new([1; 32], 0));
    work.run(batch, noise, &mut seen, &mut rng)
}

/// A batch on all cores, against as many packets peeled one after the other.
pub(super) fn rows() {
    const PACKETS: usize = 10_000;
    const TURNS: usize = 3;
    let work = work();
    let batch = gather(&work, PACKETS);
    let (mut best, mut alone) = (f64::MAX, f64::MAX);
    for _ in 0..TURNS {
        let copy = batch.clone();
        let start = Instant::now();
        let mixed = run(&work, copy);
        best = best.min(start.elapsed().as_secs_f64());
        assert_eq!(mixed.dropped(), 0);
        let position = work.outline.routes.first_position();
        let mut packet = vec![0; batch.item_len()];
        let start = Instant::now();
        for item in batch.iter() {
            packet.copy_from_slice(item);
            work.mixer.peel(position, &mut packet).expect("an authentic packet");
        }
        alone = alone.min(start.elapsed().as_secs_f64());
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Row {
        name: &format!("mix a batch of {PACKETS} packets of 1024 bytes on {cores} cores"),
        value: best * 1e3,
        unit: "ms",
        against: "peeling them on one core",
        ratio: Some(best / alone),
        limit: Some(1.15 / cores as f64),
    }
    .print();
}
