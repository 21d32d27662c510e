//! Keys of PKGs, their sums, and shares.

use bls12_381::{G1Affine, G2Affine, Scalar};

use super::{DIRECTORY, NETWORK, Pkg, ROUND, off_curve, outside_of_g1, pkgs, scalar, share};
use crate::common::reference::g1;
use crate::common::vectors::{Block, store};

const ALICE: &str = "alice@example.org";

pub fn write() {
    keys();
    proofs();
    points();
    sums();
    shares();
}

fn key(pkg: &Pkg, key: Vec<u8>) -> Block {
    Block::default()
        .text("check", "key")
        .bytes("network", NETWORK)
        .text("round", ROUND)
        .bytes("pkg", pkg.id)
        .bytes("key", key)
}

fn keys() {
    let blocks: Vec<_> = pkgs()
        .iter()
        .map(|pkg| {
            key(pkg, pkg.key())
                .bytes("secret", zephyr_core::Scalar::to_bytes(&pkg.s))
                .bytes("commitment_secret", zephyr_core::Scalar::to_bytes(&pkg.k))
        })
        .collect();
    store(
        "ibe/keys.txt",
        "Round keys of PKGs, P1 48 || P2 96 || c 32 || z 32, and the secrets s and k behind them.",
        &blocks,
    );
}

fn bad(name: &str, comment: &str, error: &str, blocks: &[Block]) {
    let blocks: Vec<_> = blocks.iter().map(|b| b.clone().text("error", error)).collect();
    store(&format!("ibe/{name}.txt"), comment, &blocks);
}

fn proofs() {
    let [a, b] = pkgs();
    let with = |proof: &[u8]| key(&a, [&a.points()[..], proof].concat());
    let proof = a.proof(&NETWORK, ROUND, &a.points());
    let flipped = |byte: usize| {
        let mut proof = proof.clone();
        proof[byte] ^= 1;
        with(&proof)
    };
    bad("missing-proof", "The proof is zeros.", "Proof", &[with(&[0; 64])]);
    bad("flipped-challenge", "A bit of c is flipped.", "Proof", &[flipped(0), flipped(31)]);
    bad("flipped-response", "A bit of z is flipped.", "Proof", &[flipped(32), flipped(63)]);
    bad(
        "scalar-not-reduced",
        "c or z is not below the group order.",
        "Proof",
        &[with(&[&[0xff; 32], &proof[32..]].concat()), with(&[&proof[..32], &[0xff; 32]].concat())],
    );
    bad(
        "borrowed-proof",
        "The proof of another PKG, and another PKG's whole key.",
        "Proof",
        &[with(&b.proof(&NETWORK, ROUND, &b.points())), key(&a, b.key())],
    );
    let other_round = a.proof(&NETWORK, ROUND - 1, &a.points());
    bad(
        "proof-of-another-round",
        "Yesterday's proof for the same secret.",
        "Proof",
        &[with(&other_round)],
    );
    let other_network = a.proof(&DIRECTORY, ROUND, &a.points());
    bad(
        "proof-of-another-network",
        "The proof is for another network.",
        "Proof",
        &[with(&other_network)],
    );

    let mixed = [&g1(&a.p1())[..], &b.p2().to_compressed()].concat();
    let by = |pkg: &Pkg| {
        let signed = Pkg { id: a.id, ..pkg.clone() };
        key(&a, [&mixed[..], &signed.proof(&NETWORK, ROUND, &mixed)].concat())
    };
    bad(
        "points-with-different-secrets",
        "P1 and P2 have different secrets, each proven.",
        "Proof",
        &[by(&a), by(&b)],
    );

    let rogue1 = G1Affine::from(b.p1() - bls12_381::G1Projective::from(a.p1()));
    let rogue2 = G2Affine::from(b.p2() - bls12_381::G2Projective::from(a.p2()));
    let rogue = [&g1(&rogue1)[..], &rogue2.to_compressed()].concat();
    let proof = b.proof(&NETWORK, ROUND, &rogue);
    bad(
        "rogue-key",
        "b's key less a's: their sum would have a secret that b knows alone.",
        "Proof",
        &[key(&b, [&rogue[..], &proof].concat())],
    );
}

fn points() {
    let a = &pkgs()[0];
    let with = |p1: &[u8], p2: &[u8]| {
        key(a, [p1, p2, &a.proof(&NETWORK, ROUND, &[p1, p2].concat())].concat())
    };
    let (p1, p2) = (g1(&a.p1()), a.p2().to_compressed());
    let infinity1 = G1Affine::identity().to_compressed();
    let infinity2 = G2Affine::identity().to_compressed();
    bad(
        "infinity",
        "P1, P2, or both are infinity.",
        "Point",
        &[with(&infinity1, &p2), with(&p1, &infinity2), with(&infinity1, &infinity2)],
    );
    let outside = outside_of_g1().to_compressed();
    bad(
        "p1-outside-of-the-subgroup",
        "P1 is on the curve, but not in G1.",
        "Point",
        &[with(&outside, &p2)],
    );
    bad("p1-off-the-curve", "P1's x has no y.", "Point", &[with(&off_curve(), &p2)]);
    let flags = |mut p1: [u8; 48], byte: u8| {
        p1[0] = byte;
        with(&p1, &p2)
    };
    bad(
        "bad-flags",
        "Not the compressed form; infinity with an x.",
        "Point",
        &[flags(p1, p1[0] & 0x7f), flags(p1, 0xc0), flags([0; 48], 0xe0)],
    );
}

fn sums() {
    let [a, b] = pkgs();
    let block = |keys: &[&Pkg]| {
        let block = Block::default().text("check", "sum");
        keys.iter().enumerate().fold(block, |x, (i, k)| x.bytes(&format!("key_{i}"), k.points()))
    };
    let minus = Pkg { s: -a.s, ..a.clone() };
    let p1 = G1Affine::from(G1Affine::generator() * (a.s + b.s));
    let p2 = G2Affine::from(G2Affine::generator() * (a.s + b.s));
    let good = block(&[&a, &b]).bytes("p1", g1(&p1)).bytes("p2", p2.to_compressed());
    store("ibe/sum.txt", "A round's key P1, P2 from its PKGs' keys.", &[good]);
    bad("sum-is-infinity", "Two keys that cancel each other.", "Point", &[block(&[&a, &minus])]);
    bad("no-keys", "The sum of nothing.", "Point", &[block(&[])]);
}

fn shares() {
    let [a, b] = pkgs();
    let block = |sum: Vec<u8>| {
        Block::default()
            .text("check", "private")
            .bytes("network", NETWORK)
            .bytes("key_0", a.points())
            .bytes("key_1", b.points())
            .text("address", ALICE)
            .bytes("sum", sum)
    };
    let good = block(share(a.s + b.s, &NETWORK, ALICE))
        .bytes("share_0", a.share(&NETWORK, ALICE))
        .bytes("share_1", b.share(&NETWORK, ALICE));
    store(
        "ibe/private-key.txt",
        "An address's private key d1 48 || d2 96, the sum of its shares.",
        &[good],
    );

    let wrong = |name: &str, comment: &str, s: Scalar, network: &[u8; 32], address: &str| {
        bad(name, comment, "ExtractError", &[block(share(s, network, address))]);
    };
    let all = a.s + b.s;
    wrong("share-missing", "Only one PKG's share.", a.s, &NETWORK, ALICE);
    wrong(
        "share-of-another-secret",
        "One PKG used another secret.",
        a.s + scalar("wrong"),
        &NETWORK,
        ALICE,
    );
    wrong("share-of-another-address", "Somebody else's key.", all, &NETWORK, "bob@example.org");
    wrong(
        "share-of-another-network",
        "The same address in another network.",
        all,
        &DIRECTORY,
        ALICE,
    );
    let right = share(all, &NETWORK, ALICE);
    let bob = share(all, &NETWORK, "bob@example.org");
    bad(
        "share-right-in-one-group",
        "d1 right, d2 wrong, and the other way round.",
        "ExtractError",
        &[block([&right[..48], &bob[48..]].concat()), block([&bob[..48], &right[48..]].concat())],
    );
    let infinity =
        [&G1Affine::identity().to_compressed()[..], &G2Affine::identity().to_compressed()];
    bad(
        "share-is-infinity",
        "d1 and d2 are infinity.",
        "ExtractError",
        &[block(infinity.concat())],
    );
    bad(
        "share-outside-of-the-subgroup",
        "d1 is no point of G1: the share is not even decoded.",
        "Share",
        &[
            block([&outside_of_g1().to_compressed()[..], &right[48..]].concat()),
            block([&off_curve()[..], &right[48..]].concat()),
        ],
    );
}
