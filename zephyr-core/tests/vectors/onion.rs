//! Packets, layer by layer, and the order of mixers.

use x25519_dalek::x25519;

use super::{DIRECTORY, bytes};
use crate::common::reference::{self, Layer};
use crate::common::vectors::{Block, store};

const PAYLOAD_LEN: usize = 128;
const SEALED_LEN: usize = PAYLOAD_LEN + 144;
const MAILBOX: u32 = 0x0102_0304;

pub fn write() {
    travels("one-hop", "One mixer.", 1, 0);
    travels("three-hops", "Three mixers.", 3, 0);
    travels("sixteen-hops", "Sixteen mixers.", 16, 0);
    travels(
        "noise-from-the-second-mixer",
        "Wrapped by the second of four mixers, for the two behind it.",
        4,
        2,
    );
    altered();
    misplaced();
    low_order();
    routing();
    order();
}

fn mixer_secret(i: usize) -> [u8; 32] {
    bytes(&format!("mixer {i}"))
}

fn sealed() -> Vec<u8> {
    (0..SEALED_LEN).map(|i| (i * 7 % 251) as u8).collect()
}

/// The layers from `first` on; mixer `i` stands at position `i` and has the index `10 i`.
fn layers(hops: usize, first: usize) -> Vec<Layer> {
    (first..hops)
        .map(|i| Layer {
            secret: bytes(&format!("ephemeral {i}")),
            mixer_key: x25519(mixer_secret(i), x25519_dalek::X25519_BASEPOINT_BYTES),
            position: i as u8,
            routing: if i + 1 < hops {
                (10 * (i as u16 + 1)).to_be_bytes().to_vec()
            } else {
                [&MAILBOX.to_be_bytes()[..], &[0; 46]].concat()
            },
        })
        .collect()
}

fn junk(first: usize) -> Vec<u8> {
    (0..first * 50).map(|i| 255 - i as u8).collect()
}

fn peel(hops: usize, position: usize, packet: &[u8]) -> Block {
    Block::default()
        .text("check", "peel")
        .text("hops", hops)
        .text("payload_len", PAYLOAD_LEN)
        .bytes("directory", DIRECTORY)
        .text("position", position)
        .bytes("mixer_secret", mixer_secret(position))
        .bytes("packet", packet)
}

/// The next packet, by the book.
fn peeled(layer: &Layer, packet: &[u8]) -> Vec<u8> {
    let mut body = packet[48..].to_vec();
    body.extend([0; 50]);
    reference::xsalsa20(&layer.keys(&DIRECTORY).0, &[0; 24], &mut body);
    body.split_off(2)
}

fn travels(name: &str, comment: &str, hops: usize, first: usize) {
    let layers = layers(hops, first);
    let mut packet = reference::wrap(&layers, &DIRECTORY, &sealed(), &junk(first));
    let mut blocks = vec![];
    for (i, layer) in layers.iter().enumerate() {
        let (encryption, mac) = layer.keys(&DIRECTORY);
        let mut block = peel(hops, first + i, &packet)
            .bytes("mixer_key", layer.mixer_key)
            .bytes("ephemeral_secret", layer.secret)
            .bytes("shared", x25519(layer.secret, layer.mixer_key))
            .bytes("k_enc", encryption)
            .bytes("k_mac", mac);
        if i == 0 && first > 0 {
            block = block.bytes("junk", junk(first));
        }
        if i + 1 < layers.len() {
            packet = peeled(layer, &packet);
            block = block.text("next", format!("mixer {}", 10 * (first + i + 1)));
            block = block.bytes("next_packet", &packet);
        } else {
            block = block.text("next", format!("mailbox {MAILBOX}")).bytes("sealed", sealed());
        }
        blocks.push(block);
    }
    store(&format!("onion/{name}.txt"), comment, &blocks);
}

fn bad(name: &str, comment: &str, error: &str, blocks: Vec<Block>) {
    let blocks: Vec<_> = blocks.into_iter().map(|b| b.text("error", error)).collect();
    store(&format!("onion/{name}.txt"), comment, &blocks);
}

/// The packet of three hops as it comes to each of them.
fn packets() -> Vec<Vec<u8>> {
    let layers = layers(3, 0);
    let mut packets = vec![reference::wrap(&layers, &DIRECTORY, &sealed(), &[])];
    for layer in &layers[..2] {
        packets.push(peeled(layer, packets.last().expect("never empty")));
    }
    packets
}

fn altered() {
    let packets = packets();
    let last = packets[0].len() - 1;
    for (name, byte, bit) in [
        ("flipped-ephemeral-key", 0, 1),
        ("flipped-top-bit-of-ephemeral-key", 31, 0x80),
        ("flipped-mac", 32, 0x80),
        ("flipped-routing", 48, 1),
        ("flipped-message", 48 + 150 + 100, 0x10),
        ("flipped-last-byte", last, 1),
    ] {
        let flip = |(position, packet): (usize, &Vec<u8>)| {
            let mut packet = packet.clone();
            packet[byte] ^= bit;
            peel(3, position, &packet)
        };
        let blocks = packets.iter().enumerate().map(flip).collect();
        bad(name, "A bit is flipped on the way, before each hop.", "NotAuthentic", blocks);
    }
    bad(
        "other-length",
        "A byte less, a byte more, and nothing.",
        "Length",
        vec![
            peel(3, 0, &packets[0][..last]),
            peel(3, 0, &[&packets[0][..], &[0]].concat()),
            peel(3, 0, &[]),
        ],
    );
    bad("zeros", "All zeros.", "NotAuthentic", vec![peel(3, 0, &vec![0; last + 1])]);
}

fn misplaced() {
    let packets = packets();
    let held = [(0, 1), (0, 2), (1, 2), (1, 0), (2, 0)];
    let blocks = held.map(|(position, wrong)| {
        peel(3, position, &packets[position]).with_text("position", wrong)
    });
    bad(
        "other-position",
        "Held back to a later phase, or brought forward.",
        "NotAuthentic",
        blocks.into(),
    );
    bad(
        "position-beyond-the-route",
        "There is no position 3.",
        "Length",
        vec![peel(3, 2, &packets[2]).with_text("position", 3)],
    );
    let all = || packets.iter().enumerate();
    let blocks = all().map(|(i, p)| peel(3, i, p).with("directory", [0xd2; 32])).collect();
    bad("other-directory", "The same keys in another round.", "NotAuthentic", blocks);
    let blocks =
        all().map(|(i, p)| peel(3, i, p).with("mixer_secret", mixer_secret(i + 1))).collect();
    bad("other-mixer", "For another mixer.", "NotAuthentic", blocks);
}

fn low_order() {
    let blocks = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ]
    .into_iter()
    .map(|text| {
        let epk = hex::decode(text).expect("hex");
        let mixer_key = x25519(mixer_secret(0), x25519_dalek::X25519_BASEPOINT_BYTES);
        let okm: [u8; 64] =
            reference::kdf("ONION-HOP", &[0; 32], &[&epk, &mixer_key, &DIRECTORY, &[0]]);
        let (encryption, mac) = okm.split_at(32);
        let mut body = [&MAILBOX.to_be_bytes()[..], &[0; 46], &sealed()].concat();
        reference::xsalsa20(encryption.try_into().expect("half"), &[0; 24], &mut body);
        let mac = reference::poly1305(mac.try_into().expect("half"), &body);
        peel(1, 0, &[&epk[..], &mac, &body].concat())
    })
    .collect();
    bad(
        "low-order-key",
        "The ephemeral key is of low order, so the shared secret is zeros and the mac right.",
        "NotAuthentic",
        blocks,
    );
}

fn routing() {
    let with = |byte: usize, value: u8| {
        let mut layers = layers(3, 0);
        layers[2].routing[byte] = value;
        let mut packet = reference::wrap(&layers, &DIRECTORY, &sealed(), &[]);
        layers[..2].iter().for_each(|layer| packet = peeled(layer, &packet));
        peel(3, 2, &packet)
    };
    bad(
        "mailbox-with-more-behind-it",
        "The sender wrote something behind the mailbox in the last routing block.",
        "Routing",
        vec![with(4, 1), with(17, 0x80), with(49, 1)],
    );
}

fn order() {
    let block = |directory: [u8; 32], hops: usize, mixers: &[u16]| {
        let mut order = mixers.to_vec();
        let mut stream = vec![0; 4096];
        reference::xsalsa20(&reference::hash("ROUTE", &[&directory]), &[0; 24], &mut stream);
        let mut draws = stream.chunks(4).map(|b| u32::from_be_bytes(b.try_into().expect("four")));
        for i in (1..order.len()).rev() {
            let bound = i as u64 + 1;
            let usable = (1u64 << 32) / bound * bound;
            let draw = draws.find(|&d| u64::from(d) < usable).expect("enough draws");
            order.swap(i, (u64::from(draw) % bound) as usize);
        }
        order.truncate(hops);
        let list = |m: &[u16]| m.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
        Block::default()
            .text("check", "order")
            .bytes("directory", directory)
            .text("hops", hops)
            .text("mixers", list(mixers))
            .text("route", list(&order))
    };
    let many: Vec<u16> = (0..64).collect();
    let blocks = [
        block(DIRECTORY, 3, &[0, 1, 2]),
        block([0xd2; 32], 3, &[0, 1, 2]),
        block(DIRECTORY, 3, &[7]),
        block(DIRECTORY, 3, &[1, 4]),
        block(DIRECTORY, 3, &[0, 1, 3, 5, 8, 9, 12]),
        block(DIRECTORY, 16, &many),
    ];
    store("onion/order.txt", "The round's route (mode round) over a directory's mixers.", &blocks);
}
