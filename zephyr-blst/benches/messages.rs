//! Keys, sealing, opening and finding messages on both backends, and links' handshakes; next to what the libraries alone
//! take for their parts.

#![allow(missing_docs)]

#[path = "messages/bare.rs"]
mod bare;
#[path = "messages/link.rs"]
mod link;
#[path = "../../zephyr-core/benches/common/rows.rs"]
mod rows;

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_blst::Blst;
use zephyr_core::*;

use bare::Bare;

const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);
const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([8; 32]);
const CONTACTS: usize = 100;
const SLOTS: u16 = 4;
/// How often each operation of a row is measured.
const TURNS: usize = 2_000;

/// Where U stands in a sealed message.
const U: std::ops::Range<usize> = 32..80;

fn address(name: &str) -> Address {
    Address::parse(name).expect("an address")
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn hedge() -> Hedge {
    Hedge::new([3; 32], 0)
}

struct World<P: Pairing> {
    geometry: Geometry,
    master: MasterSecret<P>,
    round: RoundContext<P>,
    alice: (Identity<P>, PrivateKey<P>),
    bob: (Identity<P>, PrivateKey<P>),
    /// From Alice to Bob.
    message: Vec<u8>,
    /// Somebody's G2 point, prepared, as a round key's is.
    prepared: P::Prepared,
}

impl<P: Pairing> World<P> {
    fn new() -> Self {
        let geometry = Geometry::new(3, 1024).expect("a geometry");
        let master = MasterSecret::<P>::generate(&mut rng(), &mut hedge());
        let id = ServerId::from_bytes([0; 32]);
        let key = master.public_key(&NETWORK, Round(1), &id, &mut rng(), &mut hedge());
        let key = PkgKey::verify(&key, &NETWORK, Round(1), &id).expect("an honest key");
        let key = RoundKey::sum([key]).expect("finite");
        let round = RoundContext::new(NETWORK, Round(1), DIRECTORY, key);
        let [alice, bob] = ["alice@example.org", "bob@example.org"].map(|name| {
            let identity = Identity::new(&NETWORK, address(name));
            let share = master.extract(&NETWORK, identity.address());
            let key = PrivateKey::from_sum(share, &identity, round.key()).expect("honest");
            (identity, key)
        });
        let prepared = P::prepare(&P::G2::hash(b"bench", b"key"));
        let mut world = Self { geometry, master, round, alice, bob, message: Vec::new(), prepared };
        world.message = vec![0; geometry.sealed_len()];
        let mut message = std::mem::take(&mut world.message);
        world.seal(&world.key_to_bob(), &mut message);
        Self { message, ..world }
    }

    fn seal(&self, key: &SenderKey, message: &mut [u8]) {
        let header = PayloadHeader {
            sender: Some(self.alice.0.address().clone()),
            content: Content::Text,
            slot: 1,
            message: 1,
            stream: 1,
            sequence: 1,
            ack_stream: 1,
            ack: 1,
            fragment: 0,
            fragments: 1,
        };
        let payload = &mut message[SEAL_OVERHEAD..];
        Payload { header, body: b"hello" }.encode(payload).expect("a body that fits");
        Sealer::new(&self.round).seal(
            &self.bob.0,
            SenderTag::Slot(key, 1),
            message,
            &mut rng(),
            &mut hedge(),
        );
    }

    fn key_to_bob(&self) -> SenderKey {
        SenderKey::to(self.alice.0.address(), &self.alice.1, &self.bob.0)
    }

    /// Trial decryption of Bob's message by Alice.
    fn try_foreign(&self, message: &mut [u8]) {
        let opener = Opener::new(&self.round, self.alice.0.address(), &self.alice.1);
        assert!(opener.open(message).is_none());
    }

    /// What trial decryption cannot do without.
    fn bare(&self) -> GtBytes {
        let u = P::G1::decode_unchecked(black_box(&self.message[U])).expect("a point");
        P::pair(&u, &self.prepared)
    }

    fn bench(&self, c: &mut Criterion, backend: &str) {
        let mut group = c.benchmark_group(backend);
        group.sample_size(30);
        let mut message = vec![0; self.geometry.sealed_len()];
        let key = self.key_to_bob();
        group.bench_function("extract", |b| {
            b.iter(|| self.master.extract(&NETWORK, self.bob.0.address()));
        });
        group.bench_function("identity of a contact", |b| {
            b.iter(|| Identity::<P>::new(&NETWORK, self.bob.0.address().clone()));
        });
        group.bench_function("sender key", |b| b.iter(|| self.key_to_bob()));
        group.bench_function("seal, 1 KiB", |b| {
            let (mut rng, mut hedge) = (rng(), hedge());
            b.iter(|| {
                Sealer::new(&self.round).seal(
                    &self.bob.0,
                    SenderTag::Slot(&key, 1),
                    &mut message,
                    &mut rng,
                    &mut hedge,
                );
            });
        });
        group.bench_function("open a contact's, by its tag", |b| {
            let opener = Opener::new(&self.round, self.bob.0.address(), &self.bob.1);
            b.iter_batched_ref(
                || self.message.clone(),
                |m| {
                    let opened = opener.open_from(self.alice.0.address(), &key, 1, m);
                    assert!(opened.is_some());
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function("trial decryption of somebody else's", |b| {
            b.iter(|| self.try_foreign(&mut message));
        });
        group.bench_function("its bare parts", |b| b.iter(|| self.bare()));
        group.finish();
    }

    fn extract(&self) {
        black_box(self.master.extract(&NETWORK, self.bob.0.address()).to_bytes());
    }
}

/// Each operation next to the functions of blst that it can't do without.
fn against_bare(world: &World<Blst>) {
    let bare = Bare::new();
    let (key, mut message) = (world.key_to_bob(), world.message.clone());
    let u: [u8; 48] = world.message[U].try_into().expect("a point's length");
    rows::compare(
        "trial decryption of somebody else's message, 1 KiB",
        "blst: uncompress, Miller loop with prepared lines, final exponentiation",
        Some(1.05),
        TURNS,
        || world.try_foreign(&mut message),
        || bare.trial(&u),
    );
    rows::compare(
        "seal, 1 KiB",
        "blst: multiplications of G1's generator and of a point, prepared pairing",
        Some(1.15),
        TURNS,
        || world.seal(&key, &mut message),
        || bare.seal(),
    );
    let address = world.bob.0.address().as_bytes();
    let hashed = [NETWORK.as_bytes(), address].concat();
    rows::compare(
        "extract, without signature and link",
        "blst: hashes to G1 and G2, a multiplication in each",
        Some(1.10),
        TURNS,
        || world.extract(),
        || bare.extract(&hashed),
    );
    let points = IdentityPoints::new(&NETWORK, world.bob.0.address());
    rows::compare(
        "extract of an address whose points are known",
        "of another one",
        None,
        TURNS,
        || {
            black_box(world.master.extract_from(&points).to_bytes());
        },
        || world.extract(),
    );
}

/// The same on both backends.
fn against_portable(blst: &World<Blst>, portable: &World<Portable>) {
    let (mut ours, mut theirs) = (blst.message.clone(), portable.message.clone());
    let compare = |name: &str, ours: &mut dyn FnMut(), theirs: &mut dyn FnMut()| {
        rows::compare(
            &format!("{name}, blst"),
            "the portable backend",
            None,
            TURNS / 4,
            ours,
            theirs,
        );
    };
    compare("trial decryption", &mut || blst.try_foreign(&mut ours), &mut || {
        portable.try_foreign(&mut theirs)
    });
    let (our_key, their_key) = (blst.key_to_bob(), portable.key_to_bob());
    compare("seal", &mut || blst.seal(&our_key, &mut ours), &mut || {
        portable.seal(&their_key, &mut theirs)
    });
    compare("extract", &mut || blst.extract(), &mut || portable.extract());
}

/// Finding contacts' messages: tags hashed once a round, then a table.
fn tags(c: &mut Criterion, world: &World<Blst>) {
    let key = world.key_to_bob();
    let tags = || (0..CONTACTS as u16 * SLOTS).map(|slot| key.tag(&DIRECTORY, slot));
    let mut group = c.benchmark_group("contact tags");
    group.bench_function("hash 100 contacts × 4 slots", |b| {
        b.iter(|| {
            tags().for_each(|t| {
                black_box(t);
            })
        })
    });
    let table: HashMap<Tag, usize> = tags().enumerate().map(|(i, tag)| (tag, i)).collect();
    group.bench_function("look a message up among 400", |b| {
        b.iter(|| {
            let tag = Sealed::new(black_box(&world.message)).expect("long enough").tag();
            black_box(table.get(&tag))
        });
    });
    group.finish();
}

fn wrapping(c: &mut Criterion, world: &World<Blst>) {
    let route: Vec<_> = (0..3_u16)
        .map(|i| Hop { mixer: MixerIndex(i), key: X25519::public(&[i as u8 + 1; 32]) })
        .collect();
    let to = Wrap {
        geometry: world.geometry,
        directory: &DIRECTORY,
        route: &route,
        mailbox: Mailbox(0),
    };
    let mut packet = vec![0; world.geometry.packet_len()];
    let (mut rng, mut hedge) = (rng(), hedge());
    c.bench_function("wrap, 1 KiB, 3 hops", |b| {
        b.iter(|| {
            wrap::<Standard>(to, &world.message, &mut packet, &mut rng, &mut hedge).expect("good")
        });
    });
}

fn main() {
    let (portable, blst) = (World::<Portable>::new(), World::<Blst>::new());
    let rows = || {
        against_bare(&blst);
        against_portable(&blst, &portable);
        link::against_bare();
    };
    if rows::only_rows() {
        return rows();
    }
    let mut criterion = Criterion::default().configure_from_args();
    portable.bench(&mut criterion, "portable");
    blst.bench(&mut criterion, "blst");
    tags(&mut criterion, &blst);
    wrapping(&mut criterion, &blst);
    criterion.final_summary();
    if std::env::args().any(|a| a == "--bench") {
        rows();
    }
}
