//! What attackers do to sealed messages.

#![allow(missing_docs)]

mod common;

use bls12_381::{G1Affine, G1Projective, G2Affine};
use common::reference::{Sealing, q2};
use common::stage::*;
use common::*;
use rand_chacha::rand_core::Rng;
use zephyr_core::*;

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
