//! A small world for tests: a network, its PKGs, and people with keys in a round.

#![allow(dead_code, missing_docs)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_core::*;

pub mod frozen;
pub mod reference;
pub mod stage;
pub mod vectors;

pub type S = Standard;
pub type P = <S as Suite>::Pairing;

pub const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn hedge() -> Hedge {
    Hedge::new([9; 32], 0)
}

pub fn address(text: &str) -> Address {
    Address::parse(text).expect("a test's address")
}

/// One round of a network with some PKGs, over the backend `B`.
pub struct WorldOf<B: Pairing + Clone> {
    pub masters: Vec<MasterSecret<B>>,
    /// The PKGs' round keys as they are published.
    pub keys: Vec<[u8; PKG_KEY_SIZE]>,
    pub context: RoundContext<B>,
}

pub type World = WorldOf<P>;

pub struct PersonOf<B: Pairing + Clone> {
    pub identity: Identity<B>,
    pub key: PrivateKey<B>,
    /// The sum of the PKGs' shares.
    pub sum: [u8; SHARE_SIZE],
}

pub type Person = PersonOf<P>;

/// The identity of a test's PKG.
pub fn pkg_id(i: usize) -> ServerId {
    ServerId::from_bytes([i as u8; 32])
}

impl<B: Pairing + Clone> WorldOf<B> {
    pub fn new(seed: u64, pkgs: usize, round: u64, directory: u8) -> Self {
        let (mut rng, mut hedge) = (rng(seed), hedge());
        let round = Round(round);
        let masters: Vec<MasterSecret<B>> =
            (0..pkgs).map(|_| MasterSecret::generate(&mut rng, &mut hedge)).collect();
        let keys: Vec<_> = masters
            .iter()
            .enumerate()
            .map(|(i, m)| m.public_key(&NETWORK, round, &pkg_id(i), &mut rng, &mut hedge))
            .collect();
        let checked = keys.iter().enumerate().map(|(i, key)| {
            PkgKey::verify(key, &NETWORK, round, &pkg_id(i)).expect("an honest key")
        });
        let key = RoundKey::sum(checked).expect("a finite sum");
        let directory = DirectoryHash::from_bytes([directory; 32]);
        Self { context: RoundContext::new(NETWORK, round, directory, key), masters, keys }
    }

    /// This round as somebody sees it who takes other values for what it is bound to.
    pub fn context_with(&self, network: NetworkId, round: u64, directory: u8) -> RoundContext<B> {
        let directory = DirectoryHash::from_bytes([directory; 32]);
        RoundContext::new(network, Round(round), directory, self.context.key().clone())
    }

    pub fn person(&self, name: &str) -> PersonOf<B> {
        let identity = Identity::new(&NETWORK, address(name));
        let sum = self
            .masters
            .iter()
            .map(|m| m.extract(&NETWORK, identity.address()))
            .reduce(|a, b| a.add(&b))
            .expect("a PKG");
        let bytes = *sum.to_bytes();
        let key = PrivateKey::from_sum(sum, &identity, self.context.key()).expect("honest shares");
        PersonOf { identity, key, sum: bytes }
    }
}

impl World {
    /// The round's public key in G1.
    pub fn p1(&self) -> bls12_381::G1Affine {
        let p1 = |key: &[u8; PKG_KEY_SIZE]| Point::decode(&key[..G1_SIZE]).expect("an honest key");
        self.keys.iter().map(p1).reduce(|a, b| Point::add(&a, &b)).expect("a PKG")
    }
}

pub fn header(sender: Option<&Address>, slot: u16) -> PayloadHeader {
    PayloadHeader {
        sender: sender.cloned(),
        content: Content::Text,
        slot,
        message: 1,
        stream: 2,
        sequence: 3,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 1,
    }
}

/// Seals `text` from `sender` (or nobody) in `slot`, for `recipient`.
pub fn seal<B: Pairing + Clone>(
    world: &WorldOf<B>,
    sender: Option<&PersonOf<B>>,
    slot: u16,
    recipient: &Identity<B>,
    text: &[u8],
    geometry: Geometry,
    seed: u64,
) -> Vec<u8> {
    let mut message = vec![0; geometry.sealed_len()];
    let from = sender.map(|s| s.identity.address());
    Payload { header: header(from, slot), body: text }
        .encode(&mut message[SEAL_OVERHEAD..])
        .expect("a text that fits");
    let key = sender.map(|s| SenderKey::to(s.identity.address(), &s.key, recipient));
    let tag = key.as_ref().map_or(SenderTag::Anonymous, |k| SenderTag::Slot(k, slot));
    Sealer::new(&world.context).seal(recipient, tag, &mut message, &mut rng(seed), &mut hedge());
    message
}

/// A padded payload that names `sender` (or nobody) and `slot`.
pub fn payload(sender: Option<&Address>, slot: u16, text: &[u8], len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    Payload { header: header(sender, slot), body: text }
        .encode(&mut out)
        .expect("a text that fits");
    out
}

/// The mixers of a round, and a route over all of them.
pub fn mixers(
    geometry: Geometry,
    directory: &DirectoryHash,
    count: usize,
    seed: u64,
) -> (Vec<Mixer<S>>, Vec<Hop>) {
    let (mut rng, mut hedge) = (rng(seed), hedge());
    (0..count)
        .map(|i| {
            let key = MixerKey::generate(&mut rng, &mut hedge);
            let hop = Hop { mixer: MixerIndex(i as u16), key: key.public::<S>() };
            (Mixer::new(geometry, *directory, key), hop)
        })
        .unzip()
}
