//! A server's part of a link's handshake, next to the X25519 in it.

use std::hint::black_box;

use zephyr_blst::FastX25519;
use zephyr_core::*;

use super::{NETWORK, TURNS, rows};

const SECRET: [u8; 32] = [3; 32];
const EPHEMERALS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

type Frame = [u8; FRAME_PREFIX + HANDSHAKE_SIZE];

/// Takes the first frame of a client; what `server` answers.
fn answered<D: Dh>(server: &mut Link<D>, hello: &Frame) -> Frame {
    let (mut frame, mut answer) = (*hello, [0; FRAME_PREFIX + HANDSHAKE_SIZE]);
    server.read_handshake(&mut frame[FRAME_PREFIX..]).expect("an honest client");
    server.write_handshake(&mut answer).expect("the server's turn");
    answer
}

fn responder<D: Dh>(key: &LinkKey) -> Link<D> {
    Link::responder(&NETWORK, key, EPHEMERALS[1])
}

fn compare<D: Dh>(name: &str, limit: f64) {
    let key = LinkKey::new::<D>(&SECRET);
    let mut client = Link::<D>::initiator(&NETWORK, key.public(), EPHEMERALS[0]);
    let mut hello = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
    client.write_handshake(&mut hello).expect("a good key");
    let mut answer = answered(&mut responder::<D>(&key), &hello);
    client.read_handshake(&mut answer[FRAME_PREFIX..]).expect("an honest server");
    let mut version = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
    let len = client.write_handshake(&mut version).expect("the client's turn");
    rows::compare(
        &format!("a server's part of a link's handshake, {name}"),
        "three bare X25519 of the same kind",
        Some(limit),
        TURNS,
        || {
            let (mut server, mut version) = (responder::<D>(&key), version);
            black_box(answered(&mut server, &hello));
            server.read_handshake(&mut version[FRAME_PREFIX..len]).expect("an honest client");
        },
        || {
            black_box(D::public(black_box(&SECRET)));
            for secret in &EPHEMERALS {
                black_box(D::shared(black_box(secret), key.public()));
            }
        },
    );
}

/// As hosts compute it, and as others do.
pub fn against_bare() {
    compare::<FastX25519>("graviola", 1.25);
    compare::<X25519>("x25519-dalek", 1.20);
}
