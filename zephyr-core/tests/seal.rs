//! Sealed messages: whom they open for, what they look like, what they cost.

#![allow(missing_docs)]

mod common;

use std::cell::Cell;

use bls12_381::G1Affine;
use common::reference::Sealing;
use common::stage::*;
use common::*;
use zephyr_core::*;

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

    fn point(q: &Self::Prepared) -> &Self::G2 {
        P::point(q)
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
