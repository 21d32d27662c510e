//! The suite of simulations has the algebra of the real one.

#![allow(missing_docs)]

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zephyr_core::*;
use zephyr_testkit::{Exponent, Keyed};

type G1 = <Keyed as Pairing>::G1;
type G2 = <Keyed as Pairing>::G2;

fn scalar(seed: u64) -> Exponent {
    let mut bytes = [0; 64];
    bytes[40..48].copy_from_slice(&seed.to_be_bytes());
    bytes[56..].copy_from_slice(&seed.rotate_left(17).to_be_bytes());
    Exponent::from_wide(&bytes)
}

fn encoded<T: Point<Exponent>>(point: &T) -> Vec<u8> {
    let mut out = vec![0; T::SIZE];
    point.encode(&mut out);
    out
}

proptest! {
    #[test]
    fn the_pairing_is_bilinear(a in any::<u64>(), b in any::<u64>(), m in any::<[u8; 8]>()) {
        let (a, b) = (scalar(a), scalar(b));
        let (p, q) = (G1::hash(b"one", &m), G2::hash(b"two", &m));
        let pair = |p: &G1, q: &G2| Keyed::pair(p, &Keyed::prepare(q));
        prop_assert_eq!(pair(&p.mul(&a), &q.mul(&b)), pair(&p.mul(&b), &q.mul(&a)));
        prop_assert_eq!(pair(&p.mul(&a), &q), pair(&p, &q.mul(&a)));
        prop_assert!(Keyed::pairings_equal((&p.mul(&a), &q), (&p, &q.mul(&a))));
        let sum = p.mul(&a).add(&p.mul(&b));
        let zero = Exponent::from_bytes(&[0; 32]).unwrap();
        let one = { let mut one = [0; 32]; one[31] = 1; Exponent::from_bytes(&one).unwrap() };
        prop_assert_eq!(sum, p.mul(&a.mul_add(&one, &b)));
        prop_assert!(p.mul(&a).add(&p.mul(&a).neg()).is_identity());
        prop_assert!(p.mul(&zero).is_identity());
    }

    #[test]
    fn points_and_scalars_are_read_as_they_were_written(a in any::<u64>()) {
        let a = scalar(a);
        prop_assert_eq!(Exponent::from_bytes(&a.to_bytes()), Some(a));
        let (p, q) = (G1::generator().mul(&a), G2::generator().mul(&a));
        prop_assert_eq!(G1::decode(&encoded(&p)), Some(p));
        prop_assert_eq!(G2::decode(&encoded(&q)), Some(q));
    }

    #[test]
    fn only_canonical_points_are_read(bytes in any::<[u8; 32]>(), bit in 0usize..384) {
        let point = G1::hash(b"", &bytes);
        let mut changed = encoded(&point);
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Some(other) = G1::decode_unchecked(&changed) {
            prop_assert_ne!(other, point);
            prop_assert_eq!(encoded(&other), changed);
        }
    }

    #[test]
    fn both_ends_agree_on_a_secret(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
        let shared = |x: &[u8; 32], y: &[u8; 32]| Keyed::shared(x, &<Keyed as Dh>::public(y));
        prop_assert_eq!(shared(&a, &b), shared(&b, &a));
        prop_assert!(shared(&a, &b).is_some());
        prop_assert!(Keyed::shared(&a, &[0; 32]).is_none());
        prop_assert!(Keyed::shared(&a, &[0xff; 32]).is_none());
    }

    #[test]
    fn signatures_are_of_one_message_by_one_key(
        a in any::<[u8; 32]>(), m in any::<[u8; 16]>(), bit in 0usize..512,
    ) {
        let public = <Keyed as Signature>::public(&a);
        let signature = Keyed::sign(&a, &m);
        prop_assert!(Keyed::verify(&public, &m, &signature));
        prop_assert!(!Keyed::verify(&[1; 32], &m, &signature));
        prop_assert!(!Keyed::verify(&public, &m[1..], &signature));
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!Keyed::verify(&public, &m, &changed));
    }
}

#[test]
fn points_outside_of_the_subgroup_are_told_apart() {
    let mut bytes = encoded(&G1::generator());
    bytes[1] = 3;
    assert_eq!(G1::decode(&bytes), None);
    assert!(G1::decode_unchecked(&bytes).is_some());
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    assert!(G1::decode(&infinity).unwrap().is_identity());
    infinity[0] = 0x80;
    assert_eq!(G1::decode_unchecked(&infinity), None);
}

/// Keys from two PKGs, a message through three mixers, and who can read it.
fn flow<S: Suite>() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut hedge = Hedge::new([9; 32], 0);
    let (network, round) = (NetworkId::from_bytes([7; 32]), Round(5));
    let ids = [1, 2].map(|i| ServerId::from_bytes([i; 32]));
    let masters = ids.map(|_| MasterSecret::<S::Pairing>::generate(&mut rng, &mut hedge));
    let mut keys: Vec<_> = (0..2)
        .map(|i| masters[i].public_key(&network, round, &ids[i], &mut rng, &mut hedge))
        .collect();
    let checked = (0..2).map(|i| PkgKey::verify(&keys[i], &network, round, &ids[i]).unwrap());
    let key = RoundKey::sum(checked).unwrap();
    let borrowed = PkgKey::<S::Pairing>::verify(&keys[0], &network, round, &ids[1]);
    assert_eq!(borrowed.err(), Some(PkgKeyError::Proof));
    keys[0][G1_SIZE + G2_SIZE + 20] ^= 1;
    keys[0][PKG_KEY_SIZE - 1] ^= 1;
    assert!(PkgKey::<S::Pairing>::verify(&keys[0], &network, round, &ids[0]).is_err());

    let directory = DirectoryHash::from_bytes([1; 32]);
    let context = RoundContext::new(network, round, directory, key);
    let person = |name: &str| {
        let identity = Identity::<S::Pairing>::new(&network, Address::parse(name).unwrap());
        let sum = masters[0]
            .extract(&network, identity.address())
            .add(&masters[1].extract(&network, identity.address()));
        let key = PrivateKey::from_sum(sum, &identity, context.key()).unwrap();
        (identity, key)
    };
    let (alice, alices) = person("alice@example.org");
    let (bob, bobs) = person("bob@example.org");
    let (carol, carols) = person("carol@example.org");
    let wrong = masters[0].extract(&network, bob.address());
    assert!(PrivateKey::from_sum(wrong, &bob, context.key()).is_err());

    let geometry = Geometry::new(3, 256).unwrap();
    let mut sealed = vec![0; geometry.sealed_len()];
    let header = PayloadHeader {
        sender: Some(alice.address().clone()),
        content: Content::Text,
        slot: 1,
        message: 1,
        stream: 2,
        sequence: 3,
        ack_stream: 0,
        ack: 0,
        fragment: 0,
        fragments: 1,
    };
    Payload { header, body: b"hello" }.encode(&mut sealed[SEAL_OVERHEAD..]).unwrap();
    let sender = SenderKey::to(alice.address(), &alices, &bob);
    let tag = SenderTag::Slot(&sender, 1);
    Sealer::new(&context).seal(&bob, tag, &mut sealed, &mut rng, &mut hedge);

    let mixers: Vec<_> = (0..3).map(|_| MixerKey::generate(&mut rng, &mut hedge)).collect();
    let route: Vec<_> =
        (0..3).map(|i| Hop { mixer: MixerIndex(i as u16), key: mixers[i].public::<S>() }).collect();
    let mut packet = vec![0; geometry.packet_len()];
    let to = Wrap { geometry, directory: &directory, route: &route, mailbox: Mailbox(4) };
    wrap::<S>(to, &sealed, &mut packet, &mut rng, &mut hedge).unwrap();
    for (i, key) in mixers.into_iter().enumerate() {
        let mixer = Mixer::<S>::new(geometry, directory, key);
        for place in [0, 40, 60, 200] {
            let mut changed = packet.clone();
            changed[place] ^= 1;
            assert!(mixer.peel(i, &mut changed).is_err());
        }
        let next = mixer.peel(i, &mut packet).unwrap();
        let last =
            if i == 2 { Next::Mailbox(Mailbox(4)) } else { Next::Mixer(MixerIndex(i as u16 + 1)) };
        assert_eq!(next, last);
    }
    assert_eq!(packet[..geometry.sealed_len()], sealed);

    let key = SenderKey::from(&alice, bob.address(), &bobs);
    let opener = Opener::new(&context, bob.address(), &bobs);
    let opened = opener
        .open_from(alice.address(), &key, 1, &mut sealed.clone())
        .map(|o| o.payload.body.to_vec());
    assert_eq!(opened.as_deref(), Some(&b"hello"[..]));
    assert!(opener.open(&mut sealed.clone()).is_some());
    assert!(Opener::new(&context, carol.address(), &carols).open(&mut sealed.clone()).is_none());
    let carols_key = SenderKey::from(&carol, bob.address(), &bobs);
    assert!(opener.open_from(carol.address(), &carols_key, 1, &mut sealed.clone()).is_none());
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 0x10;
        assert!(opener.open(&mut changed).is_none(), "byte {place}");
    }
}

#[test]
fn the_same_flow_holds_over_the_real_cryptography_and_over_this() {
    flow::<Keyed>();
    flow::<Standard<Portable>>();
}
