//! Keys from several PKGs, and PKGs that cheat.

#![allow(missing_docs)]

mod common;

use bls12_381::{G1Affine, G1Projective, G2Affine, G2Projective};
use common::*;
use zephyr_core::*;

const ROUND: Round = Round(5);
const PROOF: std::ops::Range<usize> = 144..208;

fn world() -> World {
    World::new(1, 3, ROUND.0, 1)
}

fn verify(key: &[u8; PKG_KEY_SIZE], pkg: usize) -> Result<PkgKey<P>, PkgKeyError> {
    PkgKey::verify(key, &NETWORK, ROUND, &pkg_id(pkg))
}

/// A key made of these points and a proof.
fn key(p1: G1Affine, p2: G2Affine, proof: &[u8]) -> [u8; PKG_KEY_SIZE] {
    [&p1.to_compressed()[..], &p2.to_compressed(), proof].concat().try_into().unwrap()
}

fn refused(key: &[u8; PKG_KEY_SIZE], pkg: usize, why: PkgKeyError) {
    assert_eq!(verify(key, pkg).err(), Some(why));
}

#[test]
fn honest_keys_are_taken() {
    let world = world();
    for (i, key) in world.keys.iter().enumerate() {
        assert!(verify(key, i).is_ok());
        assert!(PkgKey::<P>::decode(key).is_ok());
    }
}

#[test]
fn a_key_without_a_proof_is_refused() {
    let mut key = world().keys[0];
    key[PROOF].fill(0);
    refused(&key, 0, PkgKeyError::Proof);
}

#[test]
fn a_key_with_a_damaged_proof_is_refused() {
    let honest = world().keys[0];
    for byte in PROOF {
        let mut key = honest;
        key[byte] ^= 1;
        refused(&key, 0, PkgKeyError::Proof);
    }
}

#[test]
fn a_proof_with_a_scalar_beyond_the_group_order_is_refused() {
    let honest = world().keys[0];
    let q =
        hex::decode("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001").unwrap();
    for half in [144..176, 176..208] {
        let mut key = honest;
        key[half.clone()].fill(0xff);
        refused(&key, 0, PkgKeyError::Proof);
        // The same scalar, not reduced: z + q or c + q, where it fits into 32 bytes.
        let mut carry = 0;
        let mut sum = honest[half.clone()].to_vec();
        for (byte, add) in sum.iter_mut().zip(&q).rev() {
            let wide = u16::from(*byte) + u16::from(*add) + carry;
            (*byte, carry) = (wide as u8, wide >> 8);
        }
        if carry == 0 {
            key[half].copy_from_slice(&sum);
            refused(&key, 0, PkgKeyError::Proof);
        }
    }
}

#[test]
fn a_proof_borrowed_from_another_pkg_is_refused() {
    let world = world();
    // Somebody else's key as one's own.
    refused(&world.keys[0], 1, PkgKeyError::Proof);
    // Somebody else's proof under one's own key.
    let mut key = world.keys[0];
    key[PROOF].copy_from_slice(&world.keys[1][PROOF]);
    refused(&key, 0, PkgKeyError::Proof);
}

#[test]
fn a_proof_borrowed_from_another_round_or_network_is_refused() {
    let key = world().keys[0];
    let verify = |network, round| PkgKey::<P>::verify(&key, &network, round, &pkg_id(0)).err();
    assert_eq!(verify(NETWORK, ROUND), None);
    assert_eq!(verify(NETWORK, Round(6)), Some(PkgKeyError::Proof));
    let other = NetworkId::from_bytes([8; 32]);
    assert_eq!(verify(other, ROUND), Some(PkgKeyError::Proof));
}

#[test]
fn a_rogue_key_that_cancels_the_others_has_no_proof() {
    // The last PKG announces its own key less those of the others, so that it alone knows the sum's secret.
    let world = world();
    let point1 =
        |i: usize| G1Affine::from_compressed(world.keys[i][..48].try_into().unwrap()).unwrap();
    let point2 =
        |i: usize| G2Affine::from_compressed(world.keys[i][48..144].try_into().unwrap()).unwrap();
    let p1 = G1Projective::from(point1(2)) - point1(0) - point1(1);
    let p2 = G2Projective::from(point2(2)) - point2(0) - point2(1);
    for proof in [&world.keys[2][PROOF], &world.keys[0][PROOF], &[0; 64]] {
        refused(&key(p1.into(), p2.into(), proof), 2, PkgKeyError::Proof);
    }
}

#[test]
fn points_with_different_secrets_are_refused() {
    let world = world();
    let mut mixed = world.keys[0];
    mixed[48..144].copy_from_slice(&world.keys[1][48..144]);
    refused(&mixed, 0, PkgKeyError::Proof);

    // A proof of the first point's secret alone, with commitments to match.
    let mut rng = rng(3);
    let mut scalar = || {
        let mut wide = [0; 64];
        rand_core::Rng::fill_bytes(&mut rng, &mut wide);
        <bls12_381::Scalar as Scalar>::from_wide(&wide)
    };
    let (a, b, k) = (scalar(), scalar(), scalar());
    let p1 = G1Affine::from(G1Affine::generator() * a);
    let p2 = G2Affine::from(G2Affine::generator() * b);
    let t1 = G1Affine::from(G1Affine::generator() * k);
    let t2 = G2Affine::from(G2Affine::generator() * k);
    let wide: [u8; 64] = reference::kdf(
        "PKG-PROOF",
        &[],
        &[
            NETWORK.as_bytes(),
            &ROUND.0.to_be_bytes(),
            pkg_id(0).as_bytes(),
            &p1.to_compressed(),
            &p2.to_compressed(),
            &t1.to_compressed(),
            &t2.to_compressed(),
        ],
    );
    let c = <bls12_381::Scalar as Scalar>::from_wide(&wide);
    for secret in [a, b] {
        let proof = [Scalar::to_bytes(&c), Scalar::to_bytes(&(k + c * secret))].concat();
        refused(&key(p1, p2, &proof), 0, PkgKeyError::Proof);
    }
}

#[test]
fn infinity_is_refused() {
    let honest = world().keys[0];
    let mut p1 = honest;
    p1[..48].copy_from_slice(&G1Affine::identity().to_compressed());
    let mut p2 = honest;
    p2[48..144].copy_from_slice(&G2Affine::identity().to_compressed());
    let both = key(G1Affine::identity(), G2Affine::identity(), &honest[PROOF]);
    for key in [p1, p2, both] {
        refused(&key, 0, PkgKeyError::Point);
        assert!(PkgKey::<P>::decode(&key).is_err());
    }
}

#[test]
fn what_is_no_point_of_the_groups_is_refused() {
    let honest = world().keys[0];
    for range in [0..48, 48..144] {
        let mut undecodable = honest;
        undecodable[range.clone()].fill(0xff);
        let mut zeros = honest;
        zeros[range.clone()].fill(0);
        let mut uncompressed = honest;
        uncompressed[range.start] &= 0x7f;
        for key in [undecodable, zeros, uncompressed] {
            refused(&key, 0, PkgKeyError::Point);
        }
    }
    let mut outside = honest;
    outside[..48].copy_from_slice(&outside_of_g1().to_compressed());
    refused(&outside, 0, PkgKeyError::Point);
}

/// A point of the curve that is not in the subgroup.
fn outside_of_g1() -> G1Affine {
    (0u8..)
        .find_map(|x| {
            let mut bytes = [0; 48];
            (bytes[0], bytes[47]) = (0x80, x);
            Option::from(G1Affine::from_compressed_unchecked(&bytes))
                .filter(|p: &G1Affine| !bool::from(p.is_torsion_free()))
        })
        .unwrap()
}

#[test]
fn a_sum_that_is_infinity_is_no_round_key() {
    let world = world();
    let honest = PkgKey::<P>::decode(&world.keys[0]).unwrap();
    let p1 = -G1Affine::from_compressed(world.keys[0][..48].try_into().unwrap()).unwrap();
    let p2 = -G2Affine::from_compressed(world.keys[0][48..144].try_into().unwrap()).unwrap();
    let negative = PkgKey::<P>::decode(&key(p1, p2, &[0; 64])).unwrap();
    assert_eq!(RoundKey::sum([honest, negative]).err(), Some(PkgKeyError::Point));
    assert_eq!(RoundKey::<P>::sum([]).err(), Some(PkgKeyError::Point));
}

/// Alice's shares from all PKGs.
fn shares(world: &World, alice: &Address) -> Vec<KeyShare<P>> {
    world.masters.iter().map(|m| m.extract(&NETWORK, alice)).collect()
}

fn sum(shares: &[KeyShare<P>]) -> KeyShare<P> {
    let zero = KeyShare::from_bytes(
        &[&G1Affine::identity().to_compressed()[..], &G2Affine::identity().to_compressed()]
            .concat()
            .try_into()
            .unwrap(),
    );
    shares.iter().fold(zero.unwrap(), |a, b| a.add(b))
}

#[test]
fn a_wrong_share_is_noticed_and_its_issuer_named() {
    let world = world();
    let alice = Identity::<P>::new(&NETWORK, address("alice@example.org"));
    let honest = shares(&world, alice.address());
    let other = MasterSecret::<P>::generate(&mut rng(77), &mut hedge());
    let wrong: [(&str, KeyShare<P>); 4] = [
        ("another secret", other.extract(&NETWORK, alice.address())),
        ("another address", world.masters[1].extract(&NETWORK, &address("bob@example.org"))),
        (
            "another network",
            world.masters[1].extract(&NetworkId::from_bytes([8; 32]), alice.address()),
        ),
        ("nothing", sum(&[])),
    ];
    for (what, share) in wrong {
        let given = [sum(&honest[..1]), share, sum(&honest[2..])];
        let result = PrivateKey::from_sum(sum(&given), &alice, world.context.key());
        assert_eq!(result.err(), Some(ExtractError), "{what}");
        for (i, share) in given.iter().enumerate() {
            let issued = PkgKey::<P>::decode(&world.keys[i]).unwrap().issued(share, &alice);
            assert_eq!(issued, i != 1, "{what}, PKG {i}");
        }
    }
}

#[test]
fn a_share_that_is_wrong_in_one_group_only_is_noticed() {
    let world = world();
    let alice = Identity::<P>::new(&NETWORK, address("alice@example.org"));
    let honest = *sum(&shares(&world, alice.address())).to_bytes();
    let bob = *sum(&shares(&world, &address("bob@example.org"))).to_bytes();
    for range in [0..48, 48..144] {
        let mut bytes = honest;
        bytes[range.clone()].copy_from_slice(&bob[range]);
        let share = KeyShare::from_bytes(&bytes).unwrap();
        assert!(PrivateKey::from_sum(share, &alice, world.context.key()).is_err());
    }
    let share = KeyShare::from_bytes(&honest).unwrap();
    assert!(PrivateKey::from_sum(share, &alice, world.context.key()).is_ok());
}

#[test]
fn shares_that_are_no_points_are_refused() {
    let world = world();
    let alice = address("alice@example.org");
    let honest = *world.masters[0].extract(&NETWORK, &alice).to_bytes();
    assert!(KeyShare::<P>::from_bytes(&honest).is_some());
    let mut outside = honest;
    outside[..48].copy_from_slice(&outside_of_g1().to_compressed());
    assert!(KeyShare::<P>::from_bytes(&outside).is_none());
    for byte in [0, 48] {
        let mut flags = honest;
        flags[byte] &= 0x7f;
        assert!(KeyShare::<P>::from_bytes(&flags).is_none());
    }
}

#[test]
fn with_one_share_missing_there_is_no_key() {
    let world = world();
    let alice = Identity::<P>::new(&NETWORK, address("alice@example.org"));
    let shares = shares(&world, alice.address());
    for missing in 0..3 {
        let rest: Vec<_> = (0..3).filter(|&i| i != missing).map(|i| sum(&shares[i..=i])).collect();
        assert!(PrivateKey::from_sum(sum(&rest), &alice, world.context.key()).is_err());
    }
    assert!(PrivateKey::from_sum(sum(&shares), &alice, world.context.key()).is_ok());
}

#[test]
fn all_pkgs_but_one_together_open_nothing() {
    let world = world();
    let bob = world.person("bob@example.org");
    let geometry = Geometry::new(1, 128).unwrap();
    let message = seal(&world, None, 0, &bob.identity, b"hi", geometry, 1);
    // The colluders make Bob's key of the round as if theirs were all PKGs, and know everything else.
    for missing in 0..3 {
        let others = (0..3).filter(|&i| i != missing);
        let keys = others.clone().map(|i| PkgKey::decode(&world.keys[i]).unwrap());
        let round_key = RoundKey::<P>::sum(keys).unwrap();
        let all = shares(&world, bob.identity.address());
        let some: Vec<_> = others.map(|i| sum(&all[i..=i])).collect();
        let key = PrivateKey::from_sum(sum(&some), &bob.identity, &round_key).unwrap();
        let opener = Opener::new(&world.context, bob.identity.address(), &key);
        assert!(opener.open(&mut message.clone()).is_none());
    }
    let opener = Opener::new(&world.context, bob.identity.address(), &bob.key);
    assert!(opener.open(&mut message.clone()).is_some());
}

#[test]
fn keys_of_one_round_open_nothing_of_another() {
    let (a, b) = (world(), World::new(2, 3, ROUND.0 + 1, 2));
    let geometry = Geometry::new(1, 128).unwrap();
    let (bob_a, bob_b) = (a.person("bob@example.org"), b.person("bob@example.org"));
    let message = seal(&a, None, 0, &bob_a.identity, b"hi", geometry, 1);
    let opens = |context: &RoundContext<P>, key: &PrivateKey<P>| {
        let opener = Opener::new(context, bob_a.identity.address(), key);
        opener.open(&mut message.clone()).is_some()
    };
    assert!(opens(&a.context, &bob_a.key));
    assert!(!opens(&a.context, &bob_b.key));
    assert!(!opens(&b.context, &bob_a.key));
    assert!(!opens(&b.context, &bob_b.key));
}

#[test]
fn secrets_show_nothing_in_debug() {
    let world = world();
    let alice = world.person("alice@example.org");
    let share = world.masters[0].extract(&NETWORK, alice.identity.address());
    assert_eq!(format!("{:?}", world.masters[0]), "MasterSecret(…)");
    assert_eq!(format!("{share:?}"), "KeyShare(…)");
    assert_eq!(format!("{:?}", alice.key), "PrivateKey(…)");
    let mixer = MixerKey::from_bytes([0xab; 32]);
    assert_eq!(format!("{mixer:?}"), "MixerKey(…)");
    let geometry = Geometry::new(1, 128).unwrap();
    let mixer = Mixer::<S>::new(geometry, DirectoryHash::from_bytes([1; 32]), mixer);
    assert!(!format!("{mixer:?}").contains("171") && !format!("{mixer:?}").contains("abab"));
}

#[test]
fn the_same_generator_state_never_gives_the_same_secret_twice() {
    // A broken generator that repeats itself: the hedge's counter keeps the draws apart.
    let mut hedge = hedge();
    let a = MasterSecret::<P>::generate(&mut rng(1), &mut hedge);
    let b = MasterSecret::<P>::generate(&mut rng(1), &mut hedge);
    let alice = address("alice@example.org");
    assert_ne!(*a.extract(&NETWORK, &alice).to_bytes(), *b.extract(&NETWORK, &alice).to_bytes());
}
