//! One Noise NK session between a client and a server: handshake, and a message each way.

use rand_core::Rng;
use zephyr_core::{
    DH_SIZE, Dh, FRAME_OVERHEAD, FRAME_PREFIX, HANDSHAKE_SIZE, Link, LinkKey, NetworkId, X25519,
};

use crate::{report::Report, rng::TestRng};

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
/// As long as a packet of the network in `message.rs`, about.
const MESSAGE: usize = 600;
const FRAME: usize = MESSAGE + FRAME_OVERHEAD;

/// Opens a link, and sends a message each way.
#[inline(never)]
pub fn talk(report: &mut Report, rng: &mut TestRng) {
    let mut random = || {
        let mut bytes = [0; DH_SIZE];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let secret = random();
    let ephemerals = [random(), random(), random()];
    let server_key = X25519::public(&secret);

    let mut client = Link::initiator(&NETWORK, &server_key, ephemerals[0]);
    let mut server = Link::responder(&NETWORK, &LinkKey::new::<X25519>(&secret), ephemerals[1]);
    let mut stranger = Link::responder(&NETWORK, &LinkKey::new::<X25519>(&random()), ephemerals[2]);
    handshake(report, &mut client, &mut server, &mut stranger);
    exchange(report, &mut client, &mut server);
}

#[inline(never)]
fn handshake(report: &mut Report, client: &mut Link, server: &mut Link, stranger: &mut Link) {
    let mut frame = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
    let written = report.step("Noise NK: client writes message 1", || {
        client.write_handshake(&mut frame).expect("it is the client's turn")
    });
    let mut copy = frame;
    assert!(
        stranger.read_handshake(&mut copy[FRAME_PREFIX..written]).is_err(),
        "a server with another key took the handshake"
    );
    let written = report.step("Noise NK: server reads 1, writes 2", || {
        server.read_handshake(&mut frame[FRAME_PREFIX..written]).expect("message 1 is right");
        server.write_handshake(&mut frame).expect("it is the server's turn")
    });
    let written = report.step("Noise NK: client reads 2, seals version", || {
        client.read_handshake(&mut frame[FRAME_PREFIX..written]).expect("message 2 is right");
        client.write_handshake(&mut frame).expect("it is the client's turn")
    });
    report.step("Noise NK: server opens version", || {
        server.read_handshake(&mut frame[FRAME_PREFIX..written]).expect("the version is right");
    });
    assert!(client.is_open() && server.is_open(), "the link is not open");
    assert_eq!(client.handshake_hash(), server.handshake_hash(), "the ends differ");
}

#[inline(never)]
fn exchange(report: &mut Report, client: &mut Link, server: &mut Link) {
    let request = [0x42; MESSAGE];
    let mut frame = [0; FRAME];
    send(
        report,
        ["client seals 600 bytes", "server opens them"],
        (client, server),
        &request,
        &mut frame,
    );
    let reply = [0x24; MESSAGE];
    send(
        report,
        ["server seals 600 bytes", "client opens them"],
        (server, client),
        &reply,
        &mut frame,
    );

    let length = client.seal(&request, &mut frame).expect("the frame fits");
    frame[length - 1] ^= 1;
    assert!(server.open(&mut frame[FRAME_PREFIX..length]).is_err(), "a damaged frame was taken");
}

fn send(
    report: &mut Report,
    names: [&str; 2],
    (from, to): (&mut Link, &mut Link),
    message: &[u8; MESSAGE],
    frame: &mut [u8; FRAME],
) {
    let length = report.step(names[0], || from.seal(message, frame).expect("the frame fits"));
    assert_ne!(frame[FRAME_PREFIX..][..MESSAGE], message[..], "sent in the clear");
    let opened = report.step(names[1], || {
        to.open(&mut frame[FRAME_PREFIX..length]).expect("the frame is right") == message
    });
    assert!(opened, "another message came out");
}
