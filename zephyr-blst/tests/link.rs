//! Links whose ends compute X25519 each in its own way.

#![allow(missing_docs)]

use zephyr_blst::FastX25519;
use zephyr_core::{
    Dh, FRAME_OVERHEAD, FRAME_PREFIX, HANDSHAKE_SIZE, Link, LinkError, LinkKey, NetworkId, X25519,
};

const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);
const SECRET: [u8; 32] = [3; 32];

fn client<D: Dh>() -> Link<D> {
    Link::initiator(&NETWORK, &D::public(&SECRET), [1; 32])
}

fn server<D: Dh>() -> Link<D> {
    Link::responder(&NETWORK, &LinkKey::new::<D>(&SECRET), [2; 32])
}

/// Carries the next handshake frame over, and returns it.
fn handshake<A: Dh, B: Dh>(from: &mut Link<A>, to: &mut Link<B>) -> Vec<u8> {
    let mut frame = [0; FRAME_PREFIX + HANDSHAKE_SIZE];
    let len = from.write_handshake(&mut frame).expect("its turn");
    let sent = frame[..len].to_vec();
    to.read_handshake(&mut frame[FRAME_PREFIX..len]).expect("an honest end");
    sent
}

fn send<A: Dh, B: Dh>(from: &mut Link<A>, to: &mut Link<B>) {
    let mut frame = [0; 5 + FRAME_OVERHEAD];
    let len = from.seal(b"hello", &mut frame).expect("an open link");
    assert_eq!(to.open(&mut frame[FRAME_PREFIX..len]).expect("the other's"), b"hello");
}

/// All frames of the handshake, and its hash.
fn talk<C: Dh, S: Dh>() -> (Vec<Vec<u8>>, [u8; 32]) {
    let (mut client, mut server) = (client::<C>(), server::<S>());
    let frames = vec![
        handshake(&mut client, &mut server),
        handshake(&mut server, &mut client),
        handshake(&mut client, &mut server),
    ];
    assert_eq!(client.handshake_hash(), server.handshake_hash());
    send(&mut client, &mut server);
    send(&mut server, &mut client);
    (frames, *client.handshake_hash().expect("it is open"))
}

#[test]
fn ends_that_compute_differently_understand_each_other() {
    let alike = talk::<X25519, X25519>();
    assert_eq!(talk::<FastX25519, X25519>(), alike);
    assert_eq!(talk::<X25519, FastX25519>(), alike);
    assert_eq!(talk::<FastX25519, FastX25519>(), alike);
}

#[test]
fn keys_of_low_order_are_refused() {
    let mut to_nobody = Link::<FastX25519>::initiator(&NETWORK, &[0; 32], [1; 32]);
    assert_eq!(to_nobody.write_handshake(&mut [0; 64]), Err(LinkError::Authentication));
    for low in [0, 1] {
        let mut frame = [0; HANDSHAKE_SIZE];
        frame[0] = low;
        let mut server = server::<FastX25519>();
        assert_eq!(server.read_handshake(&mut frame), Err(LinkError::Authentication));
        assert_eq!(server.write_handshake(&mut [0; 64]), Err(LinkError::Closed));
    }
}
