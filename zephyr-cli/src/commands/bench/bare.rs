//! The cryptography that servers can't do without, alone, on all cores at once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use getrandom::SysRng;
use rand_core::UnwrapErr;
use zephyr_core::{
    Dh, DirectoryHash, Geometry, Hedge, Hop, Mailbox, Mixer, MixerIndex, MixerKey, Pairing, Point,
    Scalar, Suite,
};
use zephyr_server::Native;

use super::packets::{cores, cover, on_all_cores};

type G1 = <<Native as Suite>::Pairing as Pairing>::G1;
type G2 = <<Native as Suite>::Pairing as Pairing>::G2;
type Number = <<Native as Suite>::Pairing as Pairing>::Scalar;

/// So many packets are peeled on each core.
const PACKETS: usize = 256;
/// So often each of the others is done on each core.
const TIMES: usize = 200;

/// How long an operation takes while all cores do nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Bare {
    /// Until each core has done it once, divided by the cores: with everything that other programs take.
    pub time: Duration,
    /// What it takes of a core, without what other programs take; `time` of all cores where the system doesn't tell.
    pub processor: Duration,
}

fn each(operations: usize, work: impl Fn(usize) -> Spent + Sync) -> Bare {
    let spent = on_all_cores(|core, _| work(core));
    let mean =
        |times: Vec<Duration>| times.iter().sum::<Duration>() / (times.len() * operations) as u32;
    let time = mean(spent.iter().map(|spent| spent.time).collect());
    let processor: Option<Vec<_>> = spent.iter().map(|spent| spent.processor).collect();
    Bare { time: time / cores() as u32, processor: processor.map_or(time, mean) }
}

/// What a thread has spent.
struct Spent {
    time: Duration,
    processor: Option<Duration>,
}

fn spend(work: impl FnOnce()) -> Spent {
    let (before, start) = (processor_time(), Instant::now());
    work();
    let time = start.elapsed();
    Spent { time, processor: processor_time().zip(before).map(|(after, before)| after - before) }
}

/// Of this thread so far, as Linux tells.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

fn repeated(mut operation: impl FnMut()) -> Spent {
    spend(|| (0..TIMES).for_each(|_| operation()))
}

/// Peeling one layer of a packet.
pub fn peel(geometry: Geometry) -> Bare {
    let directory = DirectoryHash::from_bytes([1; 32]);
    each(PACKETS * geometry.hops(), |core| {
        let (mut rng, mut hedge) = (UnwrapErr(SysRng), Hedge::new([core as u8; 32], 0));
        let keys: Vec<_> =
            (0..geometry.hops()).map(|_| MixerKey::generate(&mut rng, &mut hedge)).collect();
        let hop = |(index, key): (usize, &MixerKey)| Hop {
            mixer: MixerIndex(index as u16),
            key: key.public::<Native>(),
        };
        let hops: Vec<_> = keys.iter().enumerate().map(hop).collect();
        let packet = |number: usize| {
            cover(geometry, (&directory, &hops), Mailbox(number as u32), &mut rng, &mut hedge)
        };
        let mut packets: Vec<_> =
            (0..PACKETS).map(packet).map(|p| p.expect("the keys are keys")).collect();
        let mixers: Vec<_> =
            keys.into_iter().map(|key| Mixer::<Native>::new(geometry, directory, key)).collect();
        spend(|| {
            for (position, mixer) in mixers.iter().enumerate() {
                for packet in &mut packets {
                    mixer.peel(position, packet).expect("it was wrapped for this mixer");
                }
            }
        })
    })
}

/// Two hashes onto the curve's groups and two multiplications: a share of a private key.
pub fn extract() -> Bare {
    let scalar = Number::from_wide(&[7; 64]);
    each(TIMES, |core| {
        let mut number = core << 32;
        repeated(|| {
            number += 1;
            let message = number.to_be_bytes();
            black_box(G1::hash(b"ZEPHYR-BENCH-G1", &message).mul(&scalar));
            black_box(G2::hash(b"ZEPHYR-BENCH-G2", &message).mul(&scalar));
        })
    })
}

/// Three X25519: a server's part of a link's handshake.
pub fn handshake() -> Bare {
    type X25519 = <Native as Suite>::Dh;
    let public = X25519::public(&[9; 32]);
    each(TIMES, |core| {
        let secret = [core as u8 + 1; 32];
        repeated(|| {
            black_box(X25519::public(black_box(&secret)));
            black_box(X25519::shared(black_box(&secret), &public));
            black_box(X25519::shared(black_box(&secret), &public));
        })
    })
}
