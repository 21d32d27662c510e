//! The whole protocol on both backends: with the same random numbers it makes the same bytes.

#![allow(missing_docs)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_blst::Native;
use zephyr_core::*;

const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);
const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([8; 32]);
const ROUND: Round = Round(77);

struct Flow<S: Suite> {
    rng: ChaCha20Rng,
    hedge: Hedge,
    /// All bytes that were made so far.
    made: Vec<Vec<u8>>,
    masters: Vec<MasterSecret<S::Pairing>>,
}

struct Person<S: Suite> {
    identity: Identity<S::Pairing>,
    key: PrivateKey<S::Pairing>,
}

impl<S: Suite> Flow<S> {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut hedge = Hedge::new([3; 32], seed);
        let masters = (0..3).map(|_| MasterSecret::generate(&mut rng, &mut hedge)).collect();
        Self { rng, hedge, made: Vec::new(), masters }
    }

    fn open_round(&mut self) -> RoundContext<S::Pairing> {
        let mut keys = Vec::new();
        for (i, master) in self.masters.iter().enumerate() {
            let id = ServerId::from_bytes([i as u8; 32]);
            let key = master.public_key(&NETWORK, ROUND, &id, &mut self.rng, &mut self.hedge);
            keys.push(PkgKey::verify(&key, &NETWORK, ROUND, &id).expect("an honest key"));
            let mut wrong = key;
            wrong[PKG_KEY_SIZE - 1] ^= 1;
            let refused = PkgKey::<S::Pairing>::verify(&wrong, &NETWORK, ROUND, &id).err();
            assert_eq!(refused, Some(PkgKeyError::Proof));
            self.made.push(key.to_vec());
        }
        RoundContext::new(NETWORK, ROUND, DIRECTORY, RoundKey::sum(keys).expect("finite"))
    }

    fn person(&mut self, round: &RoundContext<S::Pairing>, name: &str) -> Person<S> {
        let identity = Identity::new(&NETWORK, Address::parse(name).expect("an address"));
        let mut shares = Vec::new();
        for master in &self.masters {
            let share = master.extract(&NETWORK, identity.address()).to_bytes();
            self.made.push(share.to_vec());
            shares.push(KeyShare::from_bytes(&share).expect("a share"));
        }
        let short = shares[0].add(&shares[1]);
        assert!(PrivateKey::from_sum(short, &identity, round.key()).is_err());
        let sum = shares.into_iter().reduce(|a, b| a.add(&b)).expect("three shares");
        let key = PrivateKey::from_sum(sum, &identity, round.key()).expect("honest shares");
        Person { identity, key }
    }

    fn seal(
        &mut self,
        round: &RoundContext<S::Pairing>,
        sender: Option<&Person<S>>,
        recipient: &Identity<S::Pairing>,
        geometry: Geometry,
        body: &[u8],
    ) -> Vec<u8> {
        let mut message = vec![0; geometry.sealed_len()];
        let header = PayloadHeader {
            sender: sender.map(|s| s.identity.address().clone()),
            content: Content::File,
            slot: 2,
            message: 3,
            stream: 4,
            sequence: 5,
            ack_stream: 6,
            ack: 7,
            fragment: 0,
            fragments: 1,
        };
        Payload { header, body }.encode(&mut message[SEAL_OVERHEAD..]).expect("a body that fits");
        let key = sender.map(|s| SenderKey::to(s.identity.address(), &s.key, recipient));
        let tag = key.as_ref().map_or(SenderTag::Anonymous, |key| SenderTag::Slot(key, 2));
        Sealer::new(round).seal(recipient, tag, &mut message, &mut self.rng, &mut self.hedge);
        self.made.push(message.clone());
        message
    }

    fn send_through_mixers(&mut self, geometry: Geometry, sealed: &[u8]) -> Vec<u8> {
        let keys: Vec<_> = (0..geometry.hops())
            .map(|_| MixerKey::generate(&mut self.rng, &mut self.hedge))
            .collect();
        let hop = |(i, key): (usize, &MixerKey)| Hop {
            mixer: MixerIndex(i as u16),
            key: key.public::<S>(),
        };
        let route: Vec<_> = keys.iter().enumerate().map(hop).collect();
        let to = Wrap { geometry, directory: &DIRECTORY, route: &route, mailbox: Mailbox(9) };
        let mut packet = vec![0; geometry.packet_len()];
        wrap::<S>(to, sealed, &mut packet, &mut self.rng, &mut self.hedge).expect("a good route");
        for (position, key) in keys.into_iter().enumerate() {
            self.made.push(packet.clone());
            Mixer::<S>::new(geometry, DIRECTORY, key).peel(position, &mut packet).expect("peels");
        }
        packet.truncate(geometry.sealed_len());
        packet
    }

    fn run(mut self) -> Vec<Vec<u8>> {
        let geometry = Geometry::new(3, 512).expect("a geometry");
        let round = self.open_round();
        let [alice, bob, carol] = ["alice@example.org", "bob@example.org", "carol@example.org"]
            .map(|name| self.person(&round, name));
        let opener = |p: &'static str, person: &Person<S>, message: &[u8]| {
            let mut message = message.to_vec();
            let address = Address::parse(p).expect("an address");
            let opened = Opener::new(&round, &address, &person.key).open(&mut message)?;
            Some(opened.payload.body.to_vec())
        };

        let sealed = self.seal(&round, Some(&alice), &bob.identity, geometry, b"from alice");
        let sealed = self.send_through_mixers(geometry, &sealed);
        let key = SenderKey::from(&alice.identity, bob.identity.address(), &bob.key);
        assert_eq!(Sealed::new(&sealed).expect("long enough").tag(), key.tag(&DIRECTORY, 2));
        self.made.push(key.tag(&DIRECTORY, 0).to_vec());
        let mut copy = sealed.clone();
        let opened = Opener::new(&round, bob.identity.address(), &bob.key)
            .open_from(alice.identity.address(), &key, 2, &mut copy)
            .expect("alice's message");
        assert_eq!(opened.payload.body, b"from alice");
        self.made.push(copy);
        assert_eq!(opener("bob@example.org", &bob, &sealed), Some(b"from alice".to_vec()));
        assert_eq!(opener("carol@example.org", &carol, &sealed), None);

        let sealed = self.seal(&round, None, &carol.identity, geometry, b"from nobody");
        assert_eq!(opener("carol@example.org", &carol, &sealed), Some(b"from nobody".to_vec()));
        assert_eq!(opener("bob@example.org", &bob, &sealed), None);

        let mut cover = vec![0; geometry.sealed_len()];
        Cover::fill::<S::Pairing>(&mut cover, &mut self.rng);
        assert_eq!(opener("carol@example.org", &carol, &cover), None);
        self.made.push(cover);
        self.made
    }
}

#[test]
fn a_round_makes_the_same_bytes_on_both_backends() {
    for seed in 0..3 {
        let portable = Flow::<Standard>::new(seed).run();
        let native = Flow::<Native>::new(seed).run();
        assert_eq!(portable.len(), native.len());
        for (i, (p, n)) in portable.iter().zip(&native).enumerate() {
            assert_eq!(hex::encode(p), hex::encode(n), "item {i}");
        }
    }
}
