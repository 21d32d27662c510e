//! Links: published vectors, and everything an adversary between the two ends can do to the bytes.

use proptest::prelude::*;
use zephyr_core::hazmat::{NoiseChannel, NoiseHandshake, NoiseSecret};
use zephyr_core::*;

#[path = "common/vectors.rs"]
#[allow(dead_code)]
mod vectors;

type Handshake = NoiseHandshake<X25519>;

const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);
const SECRET: [u8; 32] = [3; 32];

fn client() -> Link {
    Link::initiator(&NETWORK, &X25519::public(&SECRET), [1; 32])
}

fn server() -> Link {
    Link::responder(&NETWORK, &LinkKey::new::<X25519>(&SECRET), [2; 32])
}

/// The next handshake message of `link`, without prefix.
fn handshake(link: &mut Link) -> Vec<u8> {
    let mut out = [0; 128];
    let len = link.write_handshake(&mut out).expect("the link's turn");
    assert_eq!(usize::from(u16::from_be_bytes([out[0], out[1]])), len - FRAME_PREFIX);
    out[FRAME_PREFIX..len].to_vec()
}

/// `message` sealed, without prefix.
fn seal(link: &mut Link, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; message.len() + FRAME_OVERHEAD];
    let len = link.seal(message, &mut out).expect("an open link");
    assert_eq!(len, out.len());
    out.split_off(FRAME_PREFIX)
}

fn open(link: &mut Link, frame: &[u8]) -> Result<Vec<u8>, LinkError> {
    link.open(&mut frame.to_vec()).map(|message| message.to_vec())
}

/// Two ends after the handshake.
fn linked() -> (Link, Link) {
    let (mut client, mut server) = (client(), server());
    server.read_handshake(&mut handshake(&mut client)).unwrap();
    client.read_handshake(&mut handshake(&mut server)).unwrap();
    server.read_handshake(&mut handshake(&mut client)).unwrap();
    assert!(client.is_open() && server.is_open());
    (client, server)
}

#[test]
fn noise_gives_the_published_bytes() {
    let vector = &vectors::load("noise/nk.txt")[0];
    let mut sides = [
        Handshake::initiator(
            &vector.hex("init_prologue"),
            &vector.array("init_remote_static"),
            NoiseSecret(vector.array("init_ephemeral")),
        ),
        Handshake::responder(
            &vector.hex("resp_prologue"),
            NoiseSecret(vector.array("resp_static")),
            &X25519::public(&vector.array("resp_static")),
            NoiseSecret(vector.array("resp_ephemeral")),
        ),
    ];
    let message =
        |i: usize| (vector.hex(&format!("payload_{i}")), vector.hex(&format!("ciphertext_{i}")));
    for i in 1..=2 {
        let (payload, ciphertext) = message(i);
        let (mut out, mut back) = (vec![0; ciphertext.len()], vec![0; payload.len()]);
        sides[(i - 1) % 2].write_payload(&payload, &mut out).unwrap();
        assert_eq!(out, ciphertext);
        sides[i % 2].read_payload(&out, &mut back).unwrap();
        assert_eq!(back, payload);
    }
    let mut sides = sides.map(|side| side.finish().ok().expect("two messages"));
    for side in &sides {
        assert_eq!(side.hash, vector.array("handshake_hash"));
    }
    for i in 3..=6 {
        let (payload, ciphertext) = message(i);
        let mut buffer = payload.clone();
        buffer.resize(payload.len() + 16, 0);
        sides[(i - 1) % 2].seal(&mut buffer).unwrap();
        assert_eq!(buffer, ciphertext);
        let len = sides[i % 2].open(&mut buffer).unwrap();
        assert_eq!(buffer[..len], payload);
    }
}

fn channels() -> [NoiseChannel; 2] {
    let key = X25519::public(&SECRET);
    let mut a = Handshake::initiator(b"", &key, NoiseSecret([1; 32]));
    let mut b = Handshake::responder(b"", NoiseSecret(SECRET), &key, NoiseSecret([2; 32]));
    let mut message = [0; HANDSHAKE_SIZE];
    a.write(&mut message).unwrap();
    b.read(&message).unwrap();
    b.write(&mut message).unwrap();
    a.read(&message).unwrap();
    [a, b].map(|side| side.finish().ok().expect("two messages"))
}

#[test]
fn the_last_nonce_is_never_used() {
    let [a, b] = channels();
    let (mut a, mut b) = (a.skip(u64::MAX - 1, 0), b.skip(0, u64::MAX - 1));
    let mut frame = [0; 17];
    a.seal(&mut frame).unwrap();
    assert_eq!(b.open(&mut frame), Ok(1));
    assert_eq!(a.seal(&mut frame), Err(LinkError::Closed));
    assert_eq!(b.open(&mut frame), Err(LinkError::Closed));
}

#[test]
fn messages_pass_both_ways_and_both_ends_know_the_same_hash() {
    let (mut client, mut server) = linked();
    assert_eq!(client.handshake_hash(), server.handshake_hash());
    assert!(client.handshake_hash().is_some());
    for i in 0..200u8 {
        let message = vec![i; usize::from(i) * 7];
        assert_eq!(open(&mut server, &seal(&mut client, &message)), Ok(message.clone()));
        assert_eq!(open(&mut client, &seal(&mut server, &message)), Ok(message));
    }
    let longest = vec![1; MAX_FRAME_MESSAGE];
    assert_eq!(open(&mut server, &seal(&mut client, &longest)), Ok(longest));
}

#[test]
fn the_first_bytes_are_these() {
    let mut client = client();
    let first = handshake(&mut client);
    assert_eq!(first.len(), HANDSHAKE_SIZE);
    assert_eq!(first[..32], X25519::public(&[1; 32]));
    assert_eq!(client.lengths(), 48..=48);
    let mut server = server();
    server.read_handshake(&mut first.clone()).unwrap();
    assert_eq!(handshake(&mut server).len(), HANDSHAKE_SIZE);
    assert_eq!(server.lengths(), 17..=17);
}

#[test]
fn a_flipped_bit_in_any_handshake_message_closes_the_link() {
    for bit in 0..HANDSHAKE_SIZE * 8 {
        let mut server = server();
        let mut frame = handshake(&mut client());
        frame[bit / 8] ^= 1 << (bit % 8);
        // X25519 ignores the top bit of a key, but the hash doesn't.
        assert_eq!(server.read_handshake(&mut frame), Err(LinkError::Authentication), "{bit}");
        assert_eq!(server.write_handshake(&mut [0; 64]), Err(LinkError::Closed));
    }
    for bit in 0..HANDSHAKE_SIZE * 8 {
        let (mut client, mut server) = (client(), server());
        server.read_handshake(&mut handshake(&mut client)).unwrap();
        let mut frame = handshake(&mut server);
        frame[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(client.read_handshake(&mut frame), Err(LinkError::Authentication), "{bit}");
        assert_eq!(client.handshake_hash(), None);
    }
    for bit in 0..17 * 8 {
        let (mut client, mut server) = (client(), server());
        server.read_handshake(&mut handshake(&mut client)).unwrap();
        client.read_handshake(&mut handshake(&mut server)).unwrap();
        let mut frame = handshake(&mut client);
        frame[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(server.read_handshake(&mut frame), Err(LinkError::Authentication), "{bit}");
        assert!(!server.is_open());
    }
}

#[test]
fn a_flipped_bit_in_a_message_closes_the_link() {
    for bit in 0..(5 + 16) * 8 {
        let (mut client, mut server) = linked();
        let good = seal(&mut client, b"hello");
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&mut server, &bad), Err(LinkError::Authentication));
        assert_eq!(open(&mut server, &good), Err(LinkError::Closed));
        assert_eq!(server.seal(b"x", &mut [0; 64]), Err(LinkError::Closed));
    }
}

#[test]
fn a_server_with_another_key_is_refused() {
    let mut client = client();
    let other = LinkKey::new::<X25519>(&[4; 32]);
    let mut server: Link = Link::responder(&NETWORK, &other, [2; 32]);
    let result = server.read_handshake(&mut handshake(&mut client));
    assert_eq!(result, Err(LinkError::Authentication));
}

#[test]
fn another_network_is_refused() {
    let (network, key) = (NetworkId::from_bytes([8; 32]), LinkKey::new::<X25519>(&SECRET));
    let mut server: Link = Link::responder(&network, &key, [2; 32]);
    let result = server.read_handshake(&mut handshake(&mut client()));
    assert_eq!(result, Err(LinkError::Authentication));
}

#[test]
fn keys_of_low_order_are_refused() {
    let mut to_nobody: Link = Link::initiator(&NETWORK, &[0; 32], [1; 32]);
    assert_eq!(to_nobody.write_handshake(&mut [0; 64]), Err(LinkError::Authentication));
    for low in [0, 1] {
        let mut frame = [0; HANDSHAKE_SIZE];
        frame[0] = low;
        assert_eq!(server().read_handshake(&mut frame), Err(LinkError::Authentication));
    }
}

#[test]
fn truncated_and_lengthened_messages_are_refused() {
    for len in 0..HANDSHAKE_SIZE {
        let mut frame = handshake(&mut client());
        assert!(server().read_handshake(&mut frame[..len]).is_err());
    }
    let mut long = handshake(&mut client());
    long.push(0);
    assert!(server().read_handshake(&mut long).is_err());
    for len in 0..21 {
        let (mut client, mut server) = linked();
        let frame = seal(&mut client, b"hello");
        assert_eq!(open(&mut server, &frame[..len]), Err(LinkError::Authentication));
    }
}

#[test]
fn reordered_repeated_and_reflected_messages_are_refused() {
    let (mut client, mut server) = linked();
    let (_first, second) = (seal(&mut client, b"1"), seal(&mut client, b"2"));
    assert_eq!(open(&mut server, &second), Err(LinkError::Authentication));

    let (mut client, mut server) = linked();
    let first = seal(&mut client, b"1");
    assert!(open(&mut server, &first).is_ok());
    assert_eq!(open(&mut server, &first), Err(LinkError::Authentication));

    let (mut client, _) = linked();
    let own = seal(&mut client, b"1");
    assert_eq!(open(&mut client, &own), Err(LinkError::Authentication));
}

#[test]
fn another_wire_version_is_refused() {
    // An initiator of the future, from the same handshake with the prologue of this network.
    let mut prologue = b"ZEPHYR-V1-LINK".to_vec();
    prologue.extend_from_slice(NETWORK.as_bytes());
    for version in [0u8, 2, 255] {
        let key = X25519::public(&SECRET);
        let mut client = Handshake::initiator(&prologue, &key, NoiseSecret([1; 32]));
        let mut server = server();
        let mut message = [0; HANDSHAKE_SIZE];
        client.write(&mut message).unwrap();
        server.read_handshake(&mut message).unwrap();
        client.read(&handshake(&mut server)).unwrap();
        let mut frame = [0; 17];
        frame[0] = version;
        client.finish().ok().expect("two messages").seal(&mut frame).unwrap();
        assert_eq!(server.read_handshake(&mut frame), Err(LinkError::Version));
        assert_eq!(server.open(&mut frame), Err(LinkError::Closed));
    }
}

#[test]
fn steps_out_of_turn_and_short_buffers_change_nothing() {
    let (mut client, mut server) = (client(), server());
    assert_eq!(server.write_handshake(&mut [0; 64]), Err(LinkError::OutOfTurn));
    assert_eq!(client.read_handshake(&mut [0; 48]), Err(LinkError::OutOfTurn));
    assert_eq!(client.seal(b"x", &mut [0; 64]), Err(LinkError::OutOfTurn));
    assert_eq!(client.open(&mut [0; 64]), Err(LinkError::OutOfTurn));
    assert_eq!(client.write_handshake(&mut [0; 49]), Err(LinkError::Buffer));
    server.read_handshake(&mut handshake(&mut client)).unwrap();
    client.read_handshake(&mut handshake(&mut server)).unwrap();
    assert_eq!(client.seal(b"x", &mut [0; 64]), Err(LinkError::OutOfTurn));
    server.read_handshake(&mut handshake(&mut client)).unwrap();
    assert_eq!(client.seal(b"hello", &mut [0; 22]), Err(LinkError::Buffer));
    assert_eq!(client.seal(&[0; 65520], &mut [0; 70000]), Err(LinkError::Buffer));
    assert_eq!(client.write_handshake(&mut [0; 64]), Err(LinkError::OutOfTurn));
    assert_eq!(server.read_handshake(&mut [0; 48]), Err(LinkError::OutOfTurn));
    assert_eq!(open(&mut server, &seal(&mut client, b"hello")), Ok(b"hello".to_vec()));
}

#[test]
fn secrets_are_not_in_debug() {
    assert_eq!(format!("{:?}", client()), r#"Link { initiator: true, state: "Keys" }"#);
    assert_eq!(format!("{:?}", LinkKey::new::<X25519>(&SECRET)), "LinkKey { .. }");
}

#[test]
fn a_hostile_length_is_refused_before_anything_is_buffered() {
    let mut frames = FrameBuffer::new([0; 128]);
    frames.space()[..4].copy_from_slice(&[0xff; 4]);
    frames.filled(2);
    let error = FrameError { length: 0xffff };
    assert_eq!(frames.next_frame(server().lengths()), Err(error));
    assert_eq!(frames.next_frame(server().lengths()), Err(error));
    for (length, fits) in [(0, false), (15, false), (16, true), (126, true), (127, false)] {
        let mut frames = FrameBuffer::new([0; 128]);
        frames.space()[..2].copy_from_slice(&u16::to_be_bytes(length));
        frames.filled(2);
        assert_eq!(frames.next_frame(16..=65535).is_ok(), fits, "{length}");
    }
    assert!(FrameBuffer::new([0; 1]).next_frame(0..=65535).is_err());
    assert!(FrameBuffer::new([0; 2]).next_frame(0..=65535).unwrap().is_none());
}

/// Feeds `stream` in pieces of the given sizes, and returns the frames and whether a length was refused.
fn cut(stream: &[u8], pieces: &[usize], capacity: usize) -> (Vec<Vec<u8>>, bool) {
    let mut frames = FrameBuffer::new(vec![0; capacity]);
    let (mut rest, mut out) = (stream, Vec::new());
    for piece in pieces.iter().copied().cycle() {
        loop {
            match frames.next_frame(1..=65535) {
                Ok(Some(frame)) => out.push(frame.to_vec()),
                Ok(None) => break,
                Err(_) => return (out, true),
            }
        }
        if rest.is_empty() {
            break;
        }
        let space = frames.space();
        assert!(!space.is_empty());
        let n = piece.min(space.len()).min(rest.len());
        space[..n].copy_from_slice(&rest[..n]);
        frames.filled(n);
        rest = &rest[n..];
    }
    (out, false)
}

proptest! {
    #[test]
    fn any_chunking_of_any_stream_gives_the_same_frames(
        stream in prop::collection::vec(prop_oneof![3 => Just(0u8), 2 => 0u8..9, 1 => any::<u8>()], 0..400),
        pieces in prop::collection::vec(1usize..40, 1..20),
        capacity in 3usize..100,
    ) {
        prop_assert_eq!(cut(&stream, &pieces, capacity), cut(&stream, &[usize::MAX], capacity));
    }

    #[test]
    fn whole_frames_come_out_as_they_went_in(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..98), 0..20),
        pieces in prop::collection::vec(1usize..200, 1..20),
    ) {
        let stream: Vec<u8> = bodies
            .iter()
            .flat_map(|b| (b.len() as u16).to_be_bytes().into_iter().chain(b.iter().copied()))
            .collect();
        prop_assert_eq!(cut(&stream, &pieces, 100), (bodies, false));
    }

    #[test]
    fn garbage_never_panics_and_never_opens(mut garbage in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(server().read_handshake(&mut garbage.clone()).is_err());
        let (mut client, mut server) = linked();
        prop_assert!(client.open(&mut garbage.clone()).is_err());
        prop_assert!(server.open(&mut garbage).is_err());
    }
}
