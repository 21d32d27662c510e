//! Wrapping and peeling, next to the one X25519 that peeling cannot do without.

#![allow(missing_docs)]

#[path = "common/rows.rs"]
mod rows;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zephyr_core::*;

const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([1; 32]);

struct Network {
    geometry: Geometry,
    mixer: Mixer<Standard>,
    /// The first mixer's key, drawn as `mixer`'s was.
    secret: StaticSecret,
    route: Vec<Hop>,
}

impl Network {
    fn new(hops: usize, payload: usize) -> Self {
        let geometry = Geometry::new(hops, payload).expect("a geometry");
        let key =
            |i| MixerKey::generate(&mut ChaCha20Rng::seed_from_u64(i), &mut Hedge::new([1; 32], 0));
        let route = (0..hops)
            .map(|i| Hop { mixer: MixerIndex(i as u16), key: key(i as u64).public::<Standard>() })
            .collect();
        let mut rng = ChaCha20Rng::seed_from_u64(0);
        let secret = *Hedge::new([1; 32], 0).draw(&mut rng, &[b"mixer round secret"]);
        Self {
            geometry,
            mixer: Mixer::new(geometry, DIRECTORY, key(0)),
            secret: StaticSecret::from(secret),
            route,
        }
    }

    fn wrap(&self, sealed: &[u8], packet: &mut [u8], rng: &mut ChaCha20Rng, hedge: &mut Hedge) {
        let to = Wrap {
            geometry: self.geometry,
            directory: &DIRECTORY,
            route: &self.route,
            mailbox: Mailbox(0),
        };
        wrap::<Standard>(to, sealed, packet, rng, hedge).expect("a good route");
    }

    fn packet(&self) -> Vec<u8> {
        let mut packet = vec![0; self.geometry.packet_len()];
        let sealed = vec![7; self.geometry.sealed_len()];
        self.wrap(
            &sealed,
            &mut packet,
            &mut ChaCha20Rng::seed_from_u64(9),
            &mut Hedge::new([2; 32], 0),
        );
        packet
    }

    fn bare(&self, packet: &[u8]) -> [u8; 32] {
        let epk: [u8; 32] = packet[..32].try_into().expect("32 bytes");
        self.secret.diffie_hellman(&PublicKey::from(epk)).to_bytes()
    }
}

fn peel(c: &mut Criterion) {
    let mut group = c.benchmark_group("onion");
    for payload in [1024, 2048] {
        let network = Network::new(3, payload);
        let packet = network.packet();
        assert_eq!(
            PublicKey::from(&network.secret).to_bytes(),
            network.route[0].key,
            "both measure the same key"
        );
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("peel, 3 hops", payload), |b| {
            b.iter_batched_ref(
                || packet.clone(),
                |packet| network.mixer.peel(0, packet).expect("an authentic packet"),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(BenchmarkId::new("bare X25519", payload), |b| {
            b.iter(|| network.bare(black_box(&packet)));
        });
    }
    for hops in [3, 5] {
        let network = Network::new(hops, 1024);
        let sealed = vec![7; network.geometry.sealed_len()];
        let mut packet = vec![0; network.geometry.packet_len()];
        let (mut rng, mut hedge) = (ChaCha20Rng::seed_from_u64(1), Hedge::new([1; 32], 0));
        group.bench_function(BenchmarkId::new("wrap, 1 KiB", format!("{hops} hops")), |b| {
            b.iter(|| network.wrap(&sealed, &mut packet, &mut rng, &mut hedge));
        });
    }
    group.finish();
}

fn rows() {
    for (payload, limit) in [(1024, 1.12), (2048, 1.20)] {
        let network = Network::new(3, payload);
        let packet = network.packet();
        let mut copy = packet.clone();
        rows::compare(
            &format!("peel a packet of {payload} bytes"),
            "one bare X25519 (x25519-dalek)",
            Some(limit),
            1_000,
            || {
                copy.copy_from_slice(&packet);
                network.mixer.peel(0, &mut copy).expect("an authentic packet");
            },
            || {
                black_box(network.bare(black_box(&packet)));
            },
        );
    }
}

fn main() {
    if rows::only_rows() {
        return rows();
    }
    let mut criterion = Criterion::default().configure_from_args();
    peel(&mut criterion);
    criterion.final_summary();
    if std::env::args().any(|a| a == "--bench") {
        rows();
    }
}
