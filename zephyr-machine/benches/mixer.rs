//! What a mixer does with packets: next to the X25519 that it cannot do without, next to Nym's Sphinx packets, and in
//! whole batches.

#![allow(missing_docs)]

#[path = "../../zephyr-core/benches/common/rows.rs"]
mod rows;

#[path = "mixer/batch.rs"]
mod batch;
#[path = "mixer/memory.rs"]
mod memory;
#[path = "mixer/noise.rs"]
mod noise;
#[path = "mixer/sphinx.rs"]
mod sphinx;

use std::hint::black_box;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zephyr_blst::Native;
use zephyr_core::*;

const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([1; 32]);
const SECRET: [u8; 32] = [9; 32];

/// A route over mixers of which the first has [`SECRET`].
struct Network {
    geometry: Geometry,
    mixer: Mixer<Native>,
    route: Vec<Hop>,
    rng: ChaCha20Rng,
    hedge: Hedge,
}

impl Network {
    fn new(hops: usize, payload: usize) -> Self {
        let geometry = Geometry::new(hops, payload).expect("a geometry");
        let key = |i| MixerKey::from_bytes(if i == 0 { SECRET } else { [i as u8; 32] });
        let hop = |i| Hop { mixer: MixerIndex(i as u16), key: key(i).public::<Native>() };
        Self {
            geometry,
            mixer: Mixer::new(geometry, DIRECTORY, key(0)),
            route: (0..hops).map(hop).collect(),
            rng: ChaCha20Rng::seed_from_u64(1),
            hedge: Hedge::new([1; 32], 0),
        }
    }

    fn wrap(&mut self, sealed: &[u8], packet: &mut [u8]) {
        let Self { geometry, route, .. } = self;
        let to = Wrap { geometry: *geometry, directory: &DIRECTORY, route, mailbox: Mailbox(0) };
        wrap::<Native>(to, sealed, packet, &mut self.rng, &mut self.hedge).expect("a good route");
    }

    fn packet(&mut self) -> Vec<u8> {
        let mut packet = vec![0; self.geometry.packet_len()];
        self.wrap(&vec![7; self.geometry.sealed_len()], &mut packet);
        packet
    }
}

/// Peeling against one X25519: the one that hosts use, and the one that everybody knows.
fn peel() {
    for (payload, limit) in [(1024, 1.12), (2048, 1.20)] {
        let mut network = Network::new(3, payload);
        let packet = network.packet();
        let epk: [u8; 32] = *packet.first_chunk().expect("32 bytes");
        let mut copy = packet.clone();
        let mut peel = || {
            copy.copy_from_slice(&packet);
            network.mixer.peel(0, &mut copy).expect("an authentic packet");
        };
        let name = format!("a host peels a packet of {payload} bytes");
        let against = "one bare X25519 of the same library";
        rows::compare(&name, against, None, 2_000, &mut peel, || {
            black_box(<Native as Suite>::Dh::shared(black_box(&SECRET), &epk));
        });
        let dalek = StaticSecret::from(SECRET);
        let against = "one bare X25519 (x25519-dalek)";
        rows::compare(&name, against, Some(limit), 2_000, &mut peel, || {
            black_box(dalek.diffie_hellman(&PublicKey::from(black_box(epk))));
        });
    }
}

fn main() {
    peel();
    sphinx::rows();
    batch::rows();
    noise::rows();
    memory::rows();
}
