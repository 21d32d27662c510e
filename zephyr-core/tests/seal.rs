//! Sealed messages, and what attackers do to them.

#![allow(missing_docs)]

mod common;

use std::cell::Cell;

use bls12_381::{G1Affine, G1Projective, G2Affine};
use common::reference::{Sealing, q2};
use common::*;
use rand_chacha::rand_core::Rng;
use zephyr_core::*;

const SLOT: u16 = 3;
const DIRECTORY: [u8; 32] = [1; 32];
const TEXT: &[u8] = b"meet me at noon";

fn geometry() -> Geometry {
    Geometry::new(3, 128).unwrap()
}

/// A round, and people in it.
struct Stage {
    world: World,
    alice: Person,
    bob: Person,
    mallory: Person,
}

impl Stage {
    fn new() -> Self {
        let world = World::new(1, 2, 5, DIRECTORY[0]);
        let person = |name: &str| world.person(&format!("{name}@example.org"));
        let (alice, bob, mallory) = (person("alice"), person("bob"), person("mallory"));
        Self { world, alice, bob, mallory }
    }

    /// Alice's message to Bob.
    fn message(&self) -> Vec<u8> {
        seal(&self.world, Some(&self.alice), SLOT, &self.bob.identity, TEXT, geometry(), 1)
    }

    fn anonymous(&self) -> Vec<u8> {
        seal(&self.world, None, SLOT, &self.bob.identity, TEXT, geometry(), 1)
    }

    /// The key under which `sender` writes to Bob, as Bob computes it.
    fn key_from(&self, sender: &Person) -> SenderKey {
        SenderKey::from(&sender.identity, self.bob.identity.address(), &self.bob.key)
    }

    fn opener(&self) -> Opener<'_, P> {
        Opener::new(&self.world.context, self.bob.identity.address(), &self.bob.key)
    }

    /// Bob's trial decryption.
    fn opens(&self, message: &[u8]) -> bool {
        self.opener().open(&mut message.to_vec()).is_some()
    }

    /// Bob opens as if the message had Alice's tag of `SLOT`.
    fn opens_from_alice(&self, message: &[u8]) -> bool {
        let (alice, key) = (self.alice.identity.address(), self.key_from(&self.alice));
        self.opener().open_from(alice, &key, SLOT, &mut message.to_vec()).is_some()
    }

    /// Neither way.
    fn refuses(&self, message: &[u8], what: &str) {
        assert!(!self.opens(message), "{what}");
        assert!(!self.opens_from_alice(message), "{what}, by tag");
    }

    /// What somebody who reads the book seals for Bob.
    fn sealing(&self, payload: Vec<u8>) -> Sealing {
        Sealing {
            directory: DIRECTORY,
            round: 5,
            recipient: "bob@example.org".into(),
            p1: self.world.p1(),
            q2: q2(NETWORK.as_bytes(), "bob@example.org"),
            tag: [0x11; 16],
            salt: [0x22; 16],
            payload,
        }
    }

    /// The bytes of the key from `sender` to Bob.
    fn raw_key(&self, sender: &Person) -> [u8; 32] {
        let d1 = G1Affine::from_compressed(sender.sum[..48].try_into().unwrap()).unwrap();
        let gt = reference::pair(&d1, &q2(NETWORK.as_bytes(), "bob@example.org"));
        reference::sender_key(&gt, sender.identity.address().as_str(), "bob@example.org")
    }
}

/// A payload that names `sender`.
fn names(sender: &Person, slot: u16) -> Vec<u8> {
    payload(Some(sender.identity.address()), slot, TEXT, 128)
}

#[test]
fn a_message_opens_by_trial_and_by_tag() {
    let stage = Stage::new();
    let mut message = stage.message();
    assert_eq!(message.len(), geometry().sealed_len());
    assert!(stage.opens_from_alice(&message));
    let opened = stage.opener().open(&mut message).unwrap();
    assert_eq!(opened.payload.header.sender.as_ref(), Some(stage.alice.identity.address()));
    assert_eq!((opened.payload.header.slot, opened.payload.body), (SLOT, TEXT));
    assert!(!format!("{opened:?}").contains("109, 101"), "no text in Debug");
}

#[test]
fn an_anonymous_message_opens_by_trial_only() {
    let stage = Stage::new();
    let mut message = stage.anonymous();
    assert!(!stage.opens_from_alice(&message));
    let opened = stage.opener().open(&mut message).unwrap();
    assert_eq!(opened.payload.header.sender, None);
    assert_eq!(opened.payload.body, TEXT);
}

#[test]
fn a_message_to_oneself_opens() {
    let stage = Stage::new();
    let bob = &stage.bob;
    let message = seal(&stage.world, Some(bob), SLOT, &bob.identity, TEXT, geometry(), 1);
    assert!(stage.opens(&message));
    let key = stage.key_from(bob);
    let own = bob.identity.address();
    assert!(stage.opener().open_from(own, &key, SLOT, &mut message.clone()).is_some());
}

#[test]
fn a_message_made_by_the_book_opens() {
    let stage = Stage::new();
    let anonymous = stage.sealing(payload(None, 0, TEXT, 128)).seal();
    assert!(stage.opens(&anonymous.bytes()));
    let key = stage.raw_key(&stage.alice);
    let tag = reference::tag(&key, &DIRECTORY, SLOT);
    assert_eq!(tag, stage.key_from(&stage.alice).tag(stage.world.context.directory(), SLOT));
    let sealing = Sealing { tag, ..stage.sealing(names(&stage.alice, SLOT)) };
    let message = sealing.seal().signed(&key, &DIRECTORY, SLOT).bytes();
    assert!(stage.opens(&message) && stage.opens_from_alice(&message));
}

#[test]
fn our_messages_are_made_by_the_book() {
    let stage = Stage::new();
    for (sender, message) in [(None, stage.anonymous()), (Some(&stage.alice), stage.message())] {
        // Salt and tag are the sender's choice: open the box to take over the salt.
        let tag: [u8; 16] = message[..16].try_into().unwrap();
        let mut opened = message.clone();
        assert!(stage.opener().open(&mut opened).is_some());
        let salt = opened[128..144].try_into().unwrap();
        let sealing = Sealing { tag, salt, ..stage.sealing(opened[144..].to_vec()) };
        let mut expected = sealing.seal();
        if let Some(sender) = sender {
            expected = expected.signed(&stage.raw_key(sender), &DIRECTORY, SLOT);
        }
        assert_eq!(message, expected.bytes());
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let stage = Stage::new();
    let mut rng = rng(9);
    for (what, message) in [("named", stage.message()), ("anonymous", stage.anonymous())] {
        for byte in 0..message.len() {
            let mut damaged = message.clone();
            damaged[byte] ^= 1 << (rng.next_u32() % 8);
            stage.refuses(&damaged, &format!("{what}, byte {byte}"));
        }
    }
}

#[test]
fn every_flipped_bit_of_the_curve_point_is_refused() {
    let stage = Stage::new();
    let message = stage.anonymous();
    for bit in 0..48 * 8 {
        let mut damaged = message.clone();
        damaged[32 + bit / 8] ^= 1 << (bit % 8);
        assert!(!stage.opens(&damaged), "bit {bit}");
    }
}

#[test]
fn a_message_of_another_length_is_refused() {
    let stage = Stage::new();
    let message = stage.message();
    for len in [0, 1, 16, 143, 144, message.len() - 1] {
        stage.refuses(&message[..len], "shorter");
    }
    stage.refuses(&[&message[..], &[0]].concat(), "longer");
}

#[test]
fn only_the_recipient_opens() {
    let stage = Stage::new();
    for message in [stage.message(), stage.anonymous()] {
        for person in [&stage.alice, &stage.mallory] {
            let own = person.identity.address();
            let opener = Opener::new(&stage.world.context, own, &person.key);
            assert!(opener.open(&mut message.clone()).is_none());
            // Bob's name with another's key, and Bob's key with another's name.
            let bob = stage.bob.identity.address();
            let opener = Opener::new(&stage.world.context, bob, &person.key);
            assert!(opener.open(&mut message.clone()).is_none());
            let opener = Opener::new(&stage.world.context, own, &stage.bob.key);
            assert!(opener.open(&mut message.clone()).is_none());
        }
    }
}

#[test]
fn a_message_opens_only_in_its_round_directory_and_network() {
    let stage = Stage::new();
    let key = stage.key_from(&stage.alice);
    let alice = stage.alice.identity.address();
    let bob = stage.bob.identity.address();
    let opens = |message: &[u8], network, round, directory| {
        let context = stage.world.context_with(network, round, directory);
        let opener = Opener::new(&context, bob, &stage.bob.key);
        [
            opener.open(&mut message.to_vec()).is_some(),
            opener.open_from(alice, &key, SLOT, &mut message.to_vec()).is_some(),
        ]
    };
    let named = stage.message();
    assert_eq!(opens(&named, NETWORK, 5, 1), [true, true]);
    for message in [named, stage.anonymous()] {
        assert_eq!(opens(&message, NETWORK, 6, 1), [false, false], "another round's number");
        assert_eq!(opens(&message, NETWORK, 5, 2), [false, false], "another directory");
    }
    // In another network Bob has other points, so another key, even if the PKGs were the same.
    let other = NetworkId::from_bytes([8; 32]);
    let identity = Identity::new(&other, bob.clone());
    let sum = stage.world.masters.iter().map(|m| m.extract(&other, bob)).reduce(|a, b| a.add(&b));
    let there = PrivateKey::from_sum(sum.unwrap(), &identity, stage.world.context.key()).unwrap();
    let context = stage.world.context_with(other, 5, 1);
    let opener = Opener::new(&context, bob, &there);
    for message in [stage.message(), stage.anonymous()] {
        assert!(opener.open(&mut message.clone()).is_none());
    }
}

#[test]
fn a_message_replayed_in_the_next_round_is_refused() {
    let (stage, next) = (Stage::new(), World::new(2, 2, 6, 2));
    let bob = next.person("bob@example.org");
    let key = SenderKey::from(&stage.alice.identity, bob.identity.address(), &bob.key);
    let opener = Opener::new(&next.context, bob.identity.address(), &bob.key);
    for message in [stage.message(), stage.anonymous()] {
        assert!(opener.open(&mut message.clone()).is_none());
        let alice = stage.alice.identity.address();
        assert!(opener.open_from(alice, &key, SLOT, &mut message.clone()).is_none());
        assert_ne!(Sealed::new(&message).unwrap().tag(), key.tag(next.context.directory(), SLOT));
    }
}

#[test]
fn a_forged_sender_is_dropped_and_not_taken_for_anonymous() {
    let stage = Stage::new();
    let forged = stage.sealing(names(&stage.alice, SLOT));
    // Random tag and authenticator, and those that an anonymous message has.
    let mut random = forged.seal();
    random.mac = [0x33; 16];
    stage.refuses(&random.bytes(), "random");
    stage.refuses(&forged.seal().bytes(), "anonymous");
    // Mallory's own key, and the key of the other direction, which she has from nobody but shows nothing either.
    let mallory = stage.raw_key(&stage.mallory);
    let d1 = G1Affine::from_compressed(stage.mallory.sum[..48].try_into().unwrap()).unwrap();
    let gt = reference::pair(&d1, &q2(NETWORK.as_bytes(), "bob@example.org"));
    let relabelled = reference::sender_key(&gt, "alice@example.org", "bob@example.org");
    for key in [mallory, relabelled, [0; 32]] {
        let tag = reference::tag(&key, &DIRECTORY, SLOT);
        let sealing = Sealing { tag, ..forged.clone() };
        let message = sealing.seal().signed(&key, &DIRECTORY, SLOT);
        stage.refuses(&message.bytes(), "Mallory's key");
    }
    // Alice's tag, seen on the wire, with any authenticator.
    let tag = stage.message()[..16].try_into().unwrap();
    let sealing = Sealing { tag, ..forged };
    stage.refuses(&sealing.seal().bytes(), "copied tag");
    stage
        .refuses(&sealing.seal().signed(&mallory, &DIRECTORY, SLOT).bytes(), "copied tag, own mac");
}

#[test]
fn a_right_authenticator_under_a_wrong_tag_is_refused() {
    // Even Alice cannot send what is found by trial but not by tag.
    let stage = Stage::new();
    let key = stage.raw_key(&stage.alice);
    let sealing = stage.sealing(names(&stage.alice, SLOT));
    let message = sealing.seal().signed(&key, &DIRECTORY, SLOT);
    assert!(!stage.opens(&message.bytes()));
}

#[test]
fn a_message_of_another_slot_or_sender_than_its_tag_says_is_dropped() {
    let stage = Stage::new();
    let key = stage.raw_key(&stage.alice);
    let tag = reference::tag(&key, &DIRECTORY, SLOT);
    for (what, payload) in [
        ("another slot", names(&stage.alice, SLOT + 1)),
        ("somebody else", names(&stage.mallory, SLOT)),
        ("the recipient", names(&stage.bob, SLOT)),
        ("nobody", payload(None, SLOT, TEXT, 128)),
    ] {
        let message =
            Sealing { tag, ..stage.sealing(payload) }.seal().signed(&key, &DIRECTORY, SLOT);
        stage.refuses(&message.bytes(), what);
    }
    // Nor does a good message count for another slot.
    let (alice, key) = (stage.alice.identity.address(), stage.key_from(&stage.alice));
    let mut message = stage.message();
    assert!(stage.opener().open_from(alice, &key, SLOT + 1, &mut message).is_none());
    assert!(
        stage.opener().open_from(&address("x@example.org"), &key, SLOT, &mut message).is_none()
    );
}

#[test]
fn a_reflected_message_is_dropped() {
    // Alice's message to Bob, sent back to Alice: the two directions have different keys.
    let stage = Stage::new();
    let (alice, bob) = (&stage.alice, &stage.bob);
    let to_bob = SenderKey::to(alice.identity.address(), &alice.key, &bob.identity);
    let from_bob = SenderKey::from(&bob.identity, alice.identity.address(), &alice.key);
    let directory = stage.world.context.directory();
    assert_ne!(to_bob.tag(directory, SLOT), from_bob.tag(directory, SLOT));
    let opener = Opener::new(&stage.world.context, alice.identity.address(), &alice.key);
    let mut message = stage.message();
    assert!(opener.open_from(bob.identity.address(), &from_bob, SLOT, &mut message).is_none());
    assert_eq!(format!("{to_bob:?}"), "SenderKey(…)");
}

/// A message whose box, digest and mask are right, but not its U.
fn with_u(sealing: &Sealing, u: &G1Affine) -> Vec<u8> {
    let k = sealing.digest();
    sealing.seal_with(k, sealing.scalar(&k), u).bytes()
}

/// A point whose order divides G1's cofactor.
fn small_order() -> G1Affine {
    (0u8..)
        .find_map(|x| {
            let mut bytes = [0; 48];
            (bytes[0], bytes[47]) = (0x80, x);
            let point: G1Affine = Option::from(G1Affine::from_compressed_unchecked(&bytes))?;
            // q·P as (q - 1)·P + P.
            let cleared = G1Affine::from(point * -bls12_381::Scalar::one() + point);
            (!bool::from(cleared.is_identity())).then_some(cleared)
        })
        .unwrap()
}

#[test]
fn a_mauled_u_is_refused_though_the_box_opens() {
    let stage = Stage::new();
    let sealing = stage.sealing(payload(None, 0, TEXT, 128));
    let honest = sealing.seal();
    let u = G1Affine::from_compressed(&honest.u).unwrap();
    assert!(stage.opens(&with_u(&sealing, &u)));
    // U + T pairs like U and the mask is bound to the new bytes: only U = r·G1 is left to notice.
    let torsion = G1Affine::from(G1Projective::from(u) + small_order());
    let d2 = G2Affine::from_compressed(stage.bob.sum[48..].try_into().unwrap()).unwrap();
    assert_eq!(reference::pair(&u, &d2), reference::pair(&torsion, &d2), "the attack works so far");
    assert!(!stage.opens(&with_u(&sealing, &torsion)), "outside of the subgroup");
}

#[test]
fn a_point_that_does_not_belong_to_the_digest_is_refused_though_the_box_opens() {
    // Another r than the digest's, used throughout: everything but the last check passes.
    let stage = Stage::new();
    let sealing = stage.sealing(payload(None, 0, TEXT, 128));
    let k = sealing.digest();
    let r = bls12_381::Scalar::from(5u64);
    let u = G1Affine::from(G1Affine::generator() * r);
    assert!(!stage.opens(&sealing.seal_with(k, r, &u).bytes()));
    // r = 0: U is infinity and the mask known to everybody.
    let zero = bls12_381::Scalar::zero();
    assert!(!stage.opens(&sealing.seal_with(k, zero, &G1Affine::identity()).bytes()));
}

#[test]
fn a_digest_of_something_else_is_refused_though_the_box_opens() {
    // K for another payload, salt, recipient or round, then all by the book.
    let stage = Stage::new();
    let sealing = stage.sealing(payload(None, 0, TEXT, 128));
    let others = [
        Sealing { payload: payload(None, 0, b"other", 128), ..sealing.clone() },
        Sealing { salt: [0x23; 16], ..sealing.clone() },
        Sealing { recipient: "alice@example.org".into(), ..sealing.clone() },
        Sealing { directory: [2; 32], ..sealing.clone() },
    ];
    for other in others {
        let k = other.digest();
        let r = sealing.scalar(&k);
        let u = G1Affine::from(G1Affine::generator() * r);
        assert!(!stage.opens(&sealing.seal_with(k, r, &u).bytes()));
    }
}

#[test]
fn a_rerandomised_message_is_refused() {
    let stage = Stage::new();
    for message in [stage.message(), stage.anonymous()] {
        let u = G1Affine::from_compressed(message[32..80].try_into().unwrap()).unwrap();
        let mauled = [
            G1Affine::from(G1Projective::from(u) + G1Affine::generator()),
            G1Affine::from(G1Projective::from(u).double()),
            -u,
            G1Affine::identity(),
            G1Affine::generator(),
            small_order(),
        ];
        for point in mauled {
            let mut copy = message.clone();
            copy[32..80].copy_from_slice(&point.to_compressed());
            stage.refuses(&copy, "mauled");
        }
    }
}

#[test]
fn what_is_no_point_in_the_place_of_u_is_refused() {
    let stage = Stage::new();
    let message = stage.anonymous();
    let off_curve = (0u8..)
        .map(|x| {
            let mut bytes = [0; 48];
            (bytes[0], bytes[47]) = (0x80, x);
            bytes
        })
        .find(|bytes| bool::from(G1Affine::from_compressed_unchecked(bytes).is_none()))
        .unwrap();
    for u in [off_curve, [0; 48], [0xff; 48]] {
        let mut copy = message.clone();
        copy[32..80].copy_from_slice(&u);
        stage.refuses(&copy, "no point");
    }
}

#[test]
fn payloads_that_do_not_parse_are_dropped() {
    let stage = Stage::new();
    let good = payload(None, 0, TEXT, 128);
    for (byte, value) in [(0, 7), (1, 9), (31, 0), (34, 1), (127, 1)] {
        let mut bad = good.clone();
        bad[byte] = value;
        assert!(!stage.opens(&stage.sealing(bad).seal().bytes()), "byte {byte}");
    }
    // No room for a header, not even for the kind.
    for len in [0, 1, 34] {
        assert!(!stage.opens(&stage.sealing(vec![0; len]).seal().bytes()), "{len}");
    }
    let mut sender = names(&stage.alice, SLOT);
    sender[35] = b'A';
    assert!(!stage.opens(&stage.sealing(sender).seal().bytes()), "not canonical");
}

#[test]
fn cover_opens_for_nobody_and_looks_like_a_message() {
    let stage = Stage::new();
    let mut rng = rng(5);
    let mut values = vec![[false; 256]; geometry().sealed_len()];
    for i in 0..200 {
        let mut cover = vec![0; geometry().sealed_len()];
        Cover::fill::<P>(&mut cover, &mut rng);
        let u = G1Affine::from_compressed(cover[32..80].try_into().unwrap());
        assert!(bool::from(u.is_some()), "a point of the group, like any message's");
        cover.iter().zip(&mut values).for_each(|(&b, v)| v[usize::from(b)] = true);
        if i < 20 {
            stage.refuses(&cover, "cover");
        }
    }
    for (i, values) in values.iter().enumerate() {
        // The first byte of a compressed point starts with two flags and has at most 52 values.
        let least = if i == 32 { 25 } else { 100 };
        assert!(values.iter().filter(|&&v| v).count() > least, "byte {i}");
    }
}

#[test]
fn no_byte_of_a_sealed_message_is_constant() {
    let stage = Stage::new();
    for sender in [None, Some(&stage.alice)] {
        let mut values = vec![[false; 256]; geometry().sealed_len()];
        for seed in 0..200 {
            // A sender seals once for a slot; here only to see what varies.
            let (slot, to) = (seed as u16, &stage.bob.identity);
            let message = seal(&stage.world, sender, slot, to, TEXT, geometry(), seed);
            message.iter().zip(&mut values).for_each(|(&b, v)| v[usize::from(b)] = true);
        }
        for (i, values) in values.iter().enumerate() {
            let least = if i == 32 { 25 } else { 100 };
            assert!(values.iter().filter(|&&v| v).count() > least, "byte {i}");
        }
    }
}

#[test]
fn the_same_message_twice_is_sealed_differently_even_if_the_generator_repeats() {
    let stage = Stage::new();
    let (mut hedge, mut messages) = (hedge(), vec![]);
    for _ in 0..2 {
        let mut message = vec![0; geometry().sealed_len()];
        message[SEAL_OVERHEAD..].copy_from_slice(&payload(None, 0, TEXT, 128));
        let to = &stage.bob.identity;
        let sealer = Sealer::new(&stage.world.context);
        sealer.seal(to, SenderTag::Anonymous, &mut message, &mut rng(1), &mut hedge);
        messages.push(message);
    }
    let same = messages[0].iter().zip(&messages[1]).filter(|(a, b)| a == b).count();
    assert!(same < 20, "{same} bytes in common");
}

thread_local! {
    static PAIRINGS: Cell<usize> = const { Cell::new(0) };
}

/// The portable backend, counting its pairings.
#[derive(Clone)]
struct Counting;

impl Pairing for Counting {
    type Scalar = <P as Pairing>::Scalar;
    type G1 = <P as Pairing>::G1;
    type G2 = <P as Pairing>::G2;
    type Prepared = <P as Pairing>::Prepared;

    fn prepare(q: &Self::G2) -> Self::Prepared {
        P::prepare(q)
    }

    fn pair(p: &Self::G1, q: &Self::Prepared) -> GtBytes {
        PAIRINGS.set(PAIRINGS.get() + 1);
        P::pair(p, q)
    }
}

/// How many pairings `work` takes.
fn pairings<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = PAIRINGS.get();
    let result = work();
    (PAIRINGS.get() - before, result)
}

#[test]
fn a_copied_tag_dies_before_any_pairing() {
    let world = WorldOf::<Counting>::new(1, 2, 5, 1);
    let (alice, bob) = (world.person("alice@example.org"), world.person("bob@example.org"));
    let carol = world.person("carol@example.org");
    let (own, from) = (bob.identity.address(), alice.identity.address());
    let (cost, key) = pairings(|| SenderKey::from(&alice.identity, own, &bob.key));
    assert_eq!(cost, 1, "a contact");
    let opener = Opener::new(&world.context, own, &bob.key);
    let (cost, message) =
        pairings(|| seal(&world, Some(&alice), SLOT, &bob.identity, TEXT, geometry(), 1));
    assert_eq!(cost, 2, "key and mask");

    let open_from = |message: &[u8]| {
        pairings(|| opener.open_from(from, &key, SLOT, &mut message.to_vec()).is_some())
    };
    assert_eq!(open_from(&message), (1, true));
    for other in [
        seal(&world, None, SLOT, &bob.identity, TEXT, geometry(), 2),
        seal(&world, Some(&carol), SLOT, &bob.identity, TEXT, geometry(), 3),
        vec![0; geometry().sealed_len()],
    ] {
        // Alice's tag, then tag and authenticator, on another body.
        for copied in [16, 32] {
            let forged = [&message[..copied], &other[copied..]].concat();
            assert_eq!(open_from(&forged), (0, false));
        }
    }
    for byte in [16, 32, 100, 130, 200] {
        let mut damaged = message.clone();
        damaged[byte] ^= 1;
        assert_eq!(open_from(&damaged), (0, false));
    }
    assert_eq!(open_from(&message[..100]), (0, false), "cut off");
}

#[test]
fn trial_decryption_costs_one_pairing_and_a_second_only_for_what_is_ours() {
    let world = WorldOf::<Counting>::new(1, 2, 5, 1);
    let (alice, bob) = (world.person("alice@example.org"), world.person("bob@example.org"));
    let open = |message: &[u8]| {
        let opener = Opener::new(&world.context, bob.identity.address(), &bob.key);
        pairings(|| opener.open(&mut message.to_vec()).is_some())
    };
    let message = |from, to| seal(&world, from, SLOT, to, TEXT, geometry(), 1);
    assert_eq!(open(&message(None, &alice.identity)), (1, false), "somebody else's");
    assert_eq!(open(&message(Some(&alice), &alice.identity)), (1, false), "somebody else's");
    assert_eq!(open(&message(None, &bob.identity)), (1, true), "anonymous");
    assert_eq!(open(&message(Some(&alice), &bob.identity)), (2, true), "from a stranger");
    let mut cover = vec![0; geometry().sealed_len()];
    Cover::fill::<P>(&mut cover, &mut rng(1));
    assert_eq!(open(&cover), (1, false), "cover");
    cover[32..80].fill(0);
    assert_eq!(open(&cover), (0, false), "no point");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]

    #[test]
    fn opening_survives_arbitrary_bytes(
        mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..500),
        on_curve: bool,
    ) {
        let stage = STAGE.with(|s| s.clone());
        if on_curve && bytes.len() >= 80 {
            bytes[32..80].copy_from_slice(&G1Affine::generator().to_compressed());
        }
        stage.refuses(&bytes, "arbitrary");
    }

    #[test]
    fn any_text_travels_in_any_payload_length(
        len in MIN_PAYLOAD..3000,
        share in 0.0..=1.0f64,
        named: bool,
        seed: u64,
    ) {
        let stage = STAGE.with(|s| s.clone());
        let geometry = Geometry::new(1, len).unwrap();
        let sender = named.then_some(&stage.alice);
        let capacity = Payload::capacity(len, sender.map(|s| s.identity.address()));
        let text = vec![0xab; (capacity as f64 * share) as usize];
        let mut message = seal(&stage.world, sender, 1, &stage.bob.identity, &text, geometry, seed);
        proptest::prop_assert_eq!(message.len(), geometry.sealed_len());
        let opened = stage.opener().open(&mut message).unwrap();
        proptest::prop_assert_eq!(opened.payload.body, &text[..]);
    }
}

thread_local! {
    static STAGE: std::rc::Rc<Stage> = std::rc::Rc::new(Stage::new());
}
