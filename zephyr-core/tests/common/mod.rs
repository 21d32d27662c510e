//! A small world for tests: a network, its PKGs, and people with keys in a round.

#![allow(dead_code, missing_docs)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_core::*;

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

/// One round of a network with some PKGs.
pub struct World {
    pub masters: Vec<MasterSecret<P>>,
    pub context: RoundContext<P>,
}

pub struct Person {
    pub identity: Identity<P>,
    pub key: PrivateKey<P>,
}

impl World {
    pub fn new(seed: u64, pkgs: usize, round: u64, directory: u8) -> Self {
        let (mut rng, mut hedge) = (rng(seed), hedge());
        let round = Round(round);
        let masters: Vec<_> =
            (0..pkgs).map(|_| MasterSecret::generate(&mut rng, &mut hedge)).collect();
        let keys = masters.iter().enumerate().map(|(i, master)| {
            let id = ServerId::from_bytes([i as u8; 32]);
            let key = master.public_key(&NETWORK, round, &id, &mut rng, &mut hedge);
            PkgKey::verify(&key, &NETWORK, round, &id).expect("an honest key")
        });
        let key = RoundKey::sum(keys).expect("a finite sum");
        let directory = DirectoryHash::from_bytes([directory; 32]);
        Self { context: RoundContext::new(NETWORK, round, directory, key), masters }
    }

    pub fn person(&self, name: &str) -> Person {
        let identity = Identity::new(&NETWORK, address(name));
        let sum = self
            .masters
            .iter()
            .map(|m| m.extract(&NETWORK, identity.address()))
            .reduce(|a, b| a.add(&b))
            .expect("a PKG");
        let key = PrivateKey::from_sum(sum, &identity, self.context.key()).expect("honest shares");
        Person { identity, key }
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
pub fn seal(
    world: &World,
    sender: Option<&Person>,
    slot: u16,
    recipient: &Identity<P>,
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
