//! Sealed messages.

use bls12_381::{G1Affine, G1Projective, Scalar};
use zephyr_core::{Content, Payload, PayloadHeader};

use super::{DIRECTORY, NETWORK, ROUND, off_curve, pkgs, scalar, share, small_order};
use crate::common::reference::{self, SealedParts, Sealing, g1, q1, q2, sender_key, tag};
use crate::common::vectors::{Block, store};
use crate::common::{address, header};

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const MALLORY: &str = "mallory@example.org";
const SLOT: u16 = 2;
const PAYLOAD_LEN: usize = 128;

pub fn write() {
    positive();
    flipped();
    misdirected();
    forged();
    by_the_tag_of_another();
    points();
    payloads();
}

/// The round's secret, which nobody has outside of this file.
fn secret() -> Scalar {
    pkgs().iter().map(|pkg| pkg.s).sum()
}

fn payload(header: PayloadHeader, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; PAYLOAD_LEN];
    Payload { header, body }.encode(&mut out).expect("a body that fits");
    out
}

fn named(sender: &str) -> Vec<u8> {
    payload(header(Some(&address(sender)), SLOT), b"Meet me at noon.")
}

fn anonymous() -> Vec<u8> {
    payload(header(None, 0), b"Guess who.")
}

/// The key of the direction from `sender` to `recipient`.
fn k_ab(sender: &str, recipient: &str) -> [u8; 32] {
    let d1 = G1Affine::from(q1(&NETWORK, sender) * secret());
    sender_key(&reference::pair(&d1, &q2(&NETWORK, recipient)), sender, recipient)
}

fn sealing(recipient: &str, payload: Vec<u8>) -> Sealing {
    Sealing {
        directory: DIRECTORY,
        round: ROUND,
        recipient: recipient.into(),
        p1: (G1Affine::generator() * secret()).into(),
        q2: q2(&NETWORK, recipient),
        tag: [0xa5; 16],
        salt: super::bytes("salt")[..16].try_into().expect("half of 32"),
        payload,
    }
}

/// What `sender` seals: with its tag and authenticator.
fn seal_from(sender: &str, recipient: &str, payload: Vec<u8>) -> SealedParts {
    let key = k_ab(sender, recipient);
    let sealing = Sealing { tag: tag(&key, &DIRECTORY, SLOT), ..sealing(recipient, payload) };
    sealing.seal().signed(&key, &DIRECTORY, SLOT)
}

/// What the recipient needs.
fn world(recipient: &str) -> Block {
    let block = Block::default().bytes("network", NETWORK).text("round", ROUND);
    let keys = pkgs().into_iter().enumerate();
    keys.fold(block, |b, (i, pkg)| b.bytes(&format!("key_{i}"), pkg.points()))
        .bytes("directory", DIRECTORY)
        .text("recipient", recipient)
        .bytes("recipient_key", share(secret(), &NETWORK, recipient))
}

fn from_alice(block: Block) -> Block {
    block.text("sender", ALICE).text("slot", SLOT)
}

/// All that comes up on the way to a good message.
fn intermediate(block: Block, sealing: &Sealing, sender: Option<&str>) -> Block {
    let mut parts = sealing.seal();
    let mut block = block
        .bytes("p1", g1(&sealing.p1))
        .bytes("q2", sealing.q2.to_compressed())
        .bytes("salt", sealing.salt)
        .bytes("payload", &sealing.payload)
        .bytes("k", parts.k)
        .bytes("r", zephyr_core::Scalar::to_bytes(&parts.r))
        .bytes("u", parts.u)
        .bytes("gt", reference::pair(&(sealing.p1 * parts.r).into(), &sealing.q2))
        .bytes("mask", parts.mask)
        .bytes("v", parts.v)
        .bytes("box_key", reference::kdf::<32>("SEAL-BOX", &parts.k, &[]))
        .bytes("nonce", [&sealing.tag[..], &ROUND.to_be_bytes()].concat())
        .bytes("box", &parts.boxed)
        .bytes("tag", parts.tag);
    if let Some(sender) = sender {
        let key = k_ab(sender, &sealing.recipient);
        parts = parts.signed(&key, &DIRECTORY, SLOT);
        let d1 = G1Affine::from(q1(&NETWORK, sender) * secret());
        block = block
            .bytes("sender_key", share(secret(), &NETWORK, sender))
            .bytes("gt_ab", reference::pair(&d1, &sealing.q2))
            .bytes("k_ab", key);
    }
    block.bytes("mac", parts.mac).text("opens", "yes").bytes("sealed", parts.bytes())
}

fn positive() {
    let good = |name: &str, comment: &str, sender: Option<&str>, to: &str, payload: Vec<u8>| {
        let mut sealing = sealing(to, payload);
        let mut block = world(to);
        if let Some(sender) = sender {
            sealing.tag = tag(&k_ab(sender, to), &DIRECTORY, SLOT);
            block = block.text("sender", sender).text("slot", SLOT);
        }
        store(&format!("seal/{name}.txt"), comment, &[intermediate(block, &sealing, sender)]);
    };
    good("named", "Alice writes to Bob in slot 2.", Some(ALICE), BOB, named(ALICE));
    good("anonymous", "Somebody writes to Bob.", None, BOB, anonymous());
    good("to-oneself", "Alice writes to herself.", Some(ALICE), ALICE, named(ALICE));
    let ack = PayloadHeader { content: Content::Empty, ..header(Some(&address(ALICE)), SLOT) };
    good(
        "acknowledgement",
        "Alice acknowledges, without a body.",
        Some(ALICE),
        BOB,
        payload(ack, b""),
    );
    let full = vec![0xff; Payload::capacity(PAYLOAD_LEN, None)];
    good("full-payload", "No padding.", None, BOB, payload(header(None, 0), &full));
}

fn bad(name: &str, comment: &str, world: Block, messages: &[Vec<u8>]) {
    let block = |m: &Vec<u8>| world.clone().text("opens", "no").bytes("sealed", m);
    let blocks: Vec<_> = messages.iter().map(block).collect();
    store(&format!("seal/{name}.txt"), comment, &blocks);
}

fn flipped() {
    let named = seal_from(ALICE, BOB, named(ALICE)).bytes();
    let anonymous = sealing(BOB, anonymous()).seal().bytes();
    for (field, first, last) in [
        ("tag", 0, 15),
        ("mac", 16, 31),
        ("u", 32, 79),
        ("v", 80, 111),
        ("box-tag", 112, 127),
        ("salt", 128, 143),
        ("payload", 144, 144 + PAYLOAD_LEN - 1),
    ] {
        let flip = |message: &[u8], byte: usize, bit: u8| {
            let mut message = message.to_vec();
            message[byte] ^= bit;
            message
        };
        let messages = [
            flip(&named, first, 0x80),
            flip(&named, last, 1),
            flip(&anonymous, first, 0x20),
            flip(&anonymous, last, 1),
        ];
        let comment = format!("A bit of the {field} is flipped.");
        bad(&format!("flipped-{field}"), &comment, from_alice(world(BOB)), &messages);
    }
    bad(
        "cut-off",
        "Bytes are missing at the end.",
        from_alice(world(BOB)),
        &[named[..named.len() - 1].to_vec(), named[..144].to_vec(), named[..143].to_vec(), vec![]],
    );
    bad(
        "too-long",
        "A byte more at the end.",
        from_alice(world(BOB)),
        &[[&named[..], &[0]].concat(), [&anonymous[..], &[0]].concat()],
    );
}

fn misdirected() {
    let messages =
        [seal_from(ALICE, BOB, named(ALICE)).bytes(), sealing(BOB, anonymous()).seal().bytes()];
    bad(
        "other-recipient",
        "Sealed for Bob, opened by Mallory.",
        from_alice(world(MALLORY)),
        &messages,
    );
    let other = from_alice(world(BOB)).with_text("round", ROUND + 1);
    bad("other-round", "The round has another number.", other, &messages);
    let other = from_alice(world(BOB)).with("directory", [0xd2; 32]);
    bad("other-directory", "The round has another directory.", other, &messages);
    let other = [0x4f; 32];
    let there = from_alice(world(BOB))
        .with("network", other)
        .with("recipient_key", share(secret(), &other, BOB));
    bad("other-network", "Another network with the same PKG secrets.", there, &messages);

    let cover = |i: u64| {
        let mut message = super::bytes(&format!("cover {i}")).repeat(9)[..272].to_vec();
        let u = G1Affine::from(G1Affine::generator() * scalar(&format!("cover {i}")));
        message[32..80].copy_from_slice(&g1(&u));
        message
    };
    bad(
        "cover",
        "Cover: everything random, U a point of the group.",
        from_alice(world(BOB)),
        &[cover(0), cover(1)],
    );
}

fn forged() {
    let all = from_alice(world(BOB));
    let claims =
        sealing(BOB, payload(header(Some(&address(ALICE)), SLOT), b"Meet me at midnight."));
    let mut random = claims.seal();
    random.mac = [0x33; 16];
    bad(
        "forged-sender",
        "Mallory names Alice; tag and authenticator are random.",
        all.clone(),
        &[random.bytes()],
    );
    bad(
        "forged-sender-with-anonymous-mac",
        "Mallory names Alice; the authenticator is an anonymous message's.",
        all.clone(),
        &[claims.seal().bytes()],
    );
    let own = k_ab(MALLORY, BOB);
    let with_tag = |tag| Sealing { tag, ..claims.clone() }.seal();
    let by_mallory = with_tag(tag(&own, &DIRECTORY, SLOT)).signed(&own, &DIRECTORY, SLOT);
    bad(
        "forged-sender-with-own-key",
        "Mallory names Alice; tag and authenticator are Mallory's own.",
        all.clone(),
        &[by_mallory.bytes()],
    );
    let honest = seal_from(ALICE, BOB, named(ALICE));
    let copied = with_tag(honest.tag);
    let mut both = copied.clone();
    both.mac = honest.mac;
    bad(
        "copied-tag",
        "Mallory names Alice under Alice's tag, with her own authenticator, and with Alice's.",
        all.clone(),
        &[copied.signed(&own, &DIRECTORY, SLOT).bytes(), both.bytes()],
    );
    let random_mac = |mac| {
        let mut message = sealing(BOB, anonymous()).seal();
        message.mac = mac;
        message.bytes()
    };
    bad(
        "anonymous-with-random-mac",
        "An anonymous message whose authenticator does not follow from its digest.",
        all,
        &[random_mac([0; 16]), random_mac([0x77; 16])],
    );
    // Bob's view is Alice's here: she gets her own message back as if it were his.
    let reflected = world(ALICE).text("sender", BOB).text("slot", SLOT);
    bad(
        "reflected",
        "Alice's message to Bob, sent back to her as Bob's.",
        reflected,
        &[honest.bytes()],
    );
}

fn by_the_tag_of_another() {
    let key = k_ab(ALICE, BOB);
    let with = |payload: Vec<u8>, tag: [u8; 16], slot: u16| {
        Sealing { tag, ..sealing(BOB, payload) }.seal().signed(&key, &DIRECTORY, slot).bytes()
    };
    let right = tag(&key, &DIRECTORY, SLOT);
    let other_slot = payload(header(Some(&address(ALICE)), SLOT + 1), b"Meet me at noon.");
    let all = from_alice(world(BOB));
    bad(
        "slot-of-another-tag",
        "The payload names another slot than tag and authenticator.",
        all.clone(),
        &[with(other_slot, right, SLOT)],
    );
    bad(
        "mac-of-another-slot",
        "The authenticator is another slot's.",
        all.clone(),
        &[with(named(ALICE), right, SLOT + 1)],
    );
    bad(
        "tag-not-of-the-sender",
        "The authenticator is right, the tag is not.",
        all.clone(),
        &[with(named(ALICE), [0xa5; 16], SLOT + 1)],
    );
    bad(
        "sender-of-another-tag",
        "Alice's tag and authenticator on a payload that names somebody else, or nobody.",
        all,
        &[with(named(MALLORY), right, SLOT), with(anonymous(), right, SLOT)],
    );
}

fn points() {
    let sealing = sealing(BOB, anonymous());
    let k = sealing.digest();
    let r = sealing.scalar(&k);
    let honest = sealing.seal();
    let u = G1Affine::from_compressed(&honest.u).expect("our own U");
    let with = |k, r, u: &G1Affine| sealing.seal_with(k, r, u).bytes();
    let infinity = G1Affine::identity();
    bad(
        "u-infinity",
        "U is infinity and the mask fits: the box opens.",
        world(BOB),
        &[with(k, Scalar::zero(), &infinity)],
    );
    let torsion = G1Affine::from(G1Projective::from(u) + small_order());
    bad(
        "u-outside-of-the-subgroup",
        "U has a part of small order, which the pairing does not see: the box opens.",
        world(BOB),
        &[with(k, r, &torsion)],
    );
    let five = Scalar::from(5u64);
    let u5 = G1Affine::from(G1Affine::generator() * five);
    bad(
        "u-not-of-the-digest",
        "U = 5 G1 throughout: the box opens.",
        world(BOB),
        &[with(k, five, &u5)],
    );

    let mut other = sealing.clone();
    other.salt[0] ^= 1;
    let k2 = other.digest();
    let r2 = sealing.scalar(&k2);
    let u2 = G1Affine::from(G1Affine::generator() * r2);
    bad(
        "digest-of-another-salt",
        "K is another salt's digest, r fits to K: the box opens.",
        world(BOB),
        &[with(k2, r2, &u2)],
    );

    let replaced = |bytes: [u8; 48]| {
        let mut message = honest.bytes();
        message[32..80].copy_from_slice(&bytes);
        message
    };
    let plus_one = G1Affine::from(G1Projective::from(u) + G1Affine::generator());
    bad(
        "rerandomised",
        "U + G1, -U, and the generator in the place of U.",
        world(BOB),
        &[replaced(g1(&plus_one)), replaced(g1(&-u)), replaced(g1(&G1Affine::generator()))],
    );
    let mut uncompressed = honest.u;
    uncompressed[0] &= 0x7f;
    bad(
        "u-no-point",
        "U's x has no y, U is zeros or ones, U lacks the flag of the compressed form.",
        world(BOB),
        &[replaced(off_curve()), replaced([0; 48]), replaced([0xff; 48]), replaced(uncompressed)],
    );
}

fn payloads() {
    let edited = |name: &str, comment: &str, edits: &[&[(usize, u8)]]| {
        let messages: Vec<_> = edits
            .iter()
            .map(|edits| {
                let mut payload = anonymous();
                edits.iter().for_each(|&(byte, value)| payload[byte] = value);
                sealing(BOB, payload).seal().bytes()
            })
            .collect();
        bad(&format!("payload-{name}"), comment, world(BOB), &messages);
    };
    edited("unknown-kind", "The kind is neither 0 nor 1.", &[&[(0, 2)], &[(0, 255)]]);
    edited("unknown-content", "The content is neither 0, 1 nor 2.", &[&[(1, 3)], &[(1, 255)]]);
    edited("empty-with-body", "Content 2 has a body.", &[&[(1, 2)]]);
    edited("padding-not-zero", "A byte of the padding is not zero.", &[&[(127, 1)], &[(45, 1)]]);
    edited("body-too-long", "The body is longer than what is left.", &[&[(33, 94)], &[(32, 255)]]);
    edited(
        "fragment-beyond-its-message",
        "Fragment 1 of 1, fragment 0 of 0.",
        &[&[(29, 1)], &[(31, 0)]],
    );
    edited("anonymous-with-sender", "Kind 0 has a sender.", &[&[(34, 1)]]);
    edited("sender-missing", "Kind 1 has no sender.", &[&[(0, 1)]]);

    let mut upper = named(ALICE);
    upper[35] = b'A';
    let message = seal_from(ALICE, BOB, upper).bytes();
    bad(
        "payload-sender-not-canonical",
        "The sender's address has an upper-case letter; all else is right.",
        from_alice(world(BOB)),
        &[message],
    );
}
