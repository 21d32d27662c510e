//! A client's end of a link, however the bytes are cut, and whatever they are.

use proptest::prelude::*;
use zephyr_core::*;

const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);
const SECRET: [u8; 32] = [3; 32];

fn client(capacity: usize) -> Connection<Vec<u8>> {
    Connection::new(&NETWORK, &X25519::public(&SECRET), [1; 32], vec![0; capacity])
}

/// A server after the client's first bytes, and what it sends back.
fn server(first: &[u8]) -> (Link, Vec<u8>) {
    let mut link = Link::responder(&NETWORK, &LinkKey::new::<X25519>(&SECRET), [2; 32]);
    link.read_handshake(&mut first[FRAME_PREFIX..].to_vec()).unwrap();
    let mut reply = vec![0; FRAME_PREFIX + HANDSHAKE_SIZE];
    link.write_handshake(&mut reply).unwrap();
    (link, reply)
}

fn start(client: &mut Connection<Vec<u8>>) -> Vec<u8> {
    let mut out = vec![0; FRAME_PREFIX + HANDSHAKE_SIZE];
    assert_eq!(client.start(&mut out), Ok(out.len()));
    out
}

fn seal(client: &mut Connection<Vec<u8>>, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; message.len() + CONNECTION_OVERHEAD];
    let len = client.seal(message, &mut out).unwrap();
    out.truncate(len);
    out
}

/// The server's frame around `message`, with its prefix.
fn frame(server: &mut Link, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; message.len() + FRAME_OVERHEAD];
    server.seal(message, &mut out).unwrap();
    out
}

/// Takes the wire version that stands in front of the first message, and gives the rest.
fn take_version<'b>(server: &mut Link, bytes: &'b mut [u8]) -> &'b mut [u8] {
    let (version, rest) = bytes.split_at_mut(CONNECTION_HEADROOM - FRAME_PREFIX);
    server.read_handshake(&mut version[FRAME_PREFIX..]).unwrap();
    rest
}

/// What a connection gave, without borrowing from it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Opened([u8; 32]),
    Message(Vec<u8>),
    Error(LinkError),
}

/// Feeds `bytes` in pieces of the given sizes until they end or fail.
fn feed(client: &mut Connection<Vec<u8>>, mut bytes: &[u8], pieces: &[usize]) -> Vec<Given> {
    let mut given = Vec::new();
    let mut pieces = pieces.iter().copied().cycle();
    loop {
        let had = client.has_received();
        match client.receive() {
            Ok(Some(Received::Opened { handshake_hash })) => {
                given.push(Given::Opened(handshake_hash))
            }
            Ok(Some(Received::Message(message))) => given.push(Given::Message(message.to_vec())),
            Ok(None) => {
                assert!(!had);
                if bytes.is_empty() {
                    return given;
                }
                let space = client.space();
                assert!(!space.is_empty());
                let n = pieces.next().unwrap().min(space.len()).min(bytes.len());
                space[..n].copy_from_slice(&bytes[..n]);
                client.filled(n);
                bytes = &bytes[n..];
                continue;
            }
            Err(error) => {
                given.push(Given::Error(error));
                assert!(had && client.has_received());
                assert_eq!(client.receive(), Err(LinkError::Closed));
                return given;
            }
        }
        assert!(had);
    }
}

/// A connection that is open, and its server.
fn connected(capacity: usize) -> (Connection<Vec<u8>>, Link) {
    let mut client = client(capacity);
    let (server, reply) = server(&start(&mut client));
    let given = feed(&mut client, &reply, &[reply.len()]);
    assert_eq!(given, [Given::Opened(*server.handshake_hash().unwrap())]);
    (client, server)
}

#[test]
fn the_wire_version_goes_with_the_first_message() {
    let (mut client, mut server) = connected(128);
    let mut first = seal(&mut client, b"request");
    assert_eq!(first.len(), b"request".len() + CONNECTION_OVERHEAD);
    let rest = take_version(&mut server, &mut first);
    assert_eq!(server.open(&mut rest[FRAME_PREFIX..]).unwrap(), b"request");
    let mut second = seal(&mut client, b"another");
    assert_eq!(second.len(), b"another".len() + FRAME_OVERHEAD);
    assert_eq!(server.open(&mut second[FRAME_PREFIX..]).unwrap(), b"another");
    let reply = frame(&mut server, b"reply");
    assert_eq!(feed(&mut client, &reply, &[1]), [Given::Message(b"reply".to_vec())]);
}

#[test]
fn messages_sealed_in_place_are_the_same_bytes() {
    let (mut copied, _) = connected(64);
    let (mut in_place, _) = connected(64);
    for message in [&b"first"[..], b"", b"the third"] {
        let mut buffer = vec![0; message.len() + CONNECTION_OVERHEAD];
        buffer[CONNECTION_HEADROOM..][..message.len()].copy_from_slice(message);
        let sent = in_place.seal_in_place(&mut buffer, message.len()).unwrap();
        assert_eq!(sent, seal(&mut copied, message));
    }
}

#[test]
fn steps_out_of_turn_and_short_buffers_change_nothing() {
    let mut client = client(128);
    assert_eq!(client.seal(b"x", &mut [0; 64]), Err(LinkError::OutOfTurn));
    assert_eq!(client.seal_in_place(&mut [0; 64], 1), Err(LinkError::OutOfTurn));
    assert_eq!(client.start(&mut [0; 49]), Err(LinkError::Buffer));
    let first = start(&mut client);
    assert_eq!(client.start(&mut [0; 64]), Err(LinkError::OutOfTurn));
    assert_eq!(client.seal(b"x", &mut [0; 64]), Err(LinkError::OutOfTurn));
    let (mut server, reply) = server(&first);
    feed(&mut client, &reply, &[7]);
    assert_eq!(client.start(&mut [0; 64]), Err(LinkError::OutOfTurn));
    let short = 5 + CONNECTION_OVERHEAD - 1;
    for len in [0, 18, short] {
        assert_eq!(client.seal(b"hello", &mut vec![0; len]), Err(LinkError::Buffer));
        assert_eq!(client.seal_in_place(&mut vec![0; len], 5), Err(LinkError::Buffer));
    }
    let long = MAX_FRAME_MESSAGE + 1;
    assert_eq!(client.seal(&vec![0; long], &mut vec![0; long + 99]), Err(LinkError::Buffer));
    assert_eq!(client.seal_in_place(&mut vec![0; long + 99], long), Err(LinkError::Buffer));
    assert_eq!(client.seal_in_place(&mut [0; 64], usize::MAX), Err(LinkError::Buffer));
    let mut sent = seal(&mut client, b"hello");
    let rest = take_version(&mut server, &mut sent);
    assert_eq!(server.open(&mut rest[FRAME_PREFIX..]).unwrap(), b"hello");
}

#[test]
fn a_server_that_speaks_first_or_unasked_is_refused() {
    let mut waiting = client(128);
    let mut other = client(128);
    let (_, reply) = server(&start(&mut other));
    assert_eq!(feed(&mut waiting, &reply, &[50]), [Given::Error(LinkError::OutOfTurn)]);
    assert_eq!(waiting.start(&mut [0; 64]), Err(LinkError::Closed));

    let (mut client, _) = connected(128);
    let unasked = [&[0, 20][..], &[0; 20]].concat();
    assert_eq!(feed(&mut client, &unasked, &[9]), [Given::Error(LinkError::OutOfTurn)]);
    assert_eq!(client.seal(b"x", &mut [0; 64]), Err(LinkError::Closed));
    assert_eq!(client.handshake_hash(), None);
}

#[test]
fn a_frame_longer_than_the_memory_is_refused_by_its_length() {
    let (mut client, mut server) = connected(64);
    take_version(&mut server, &mut seal(&mut client, b""));
    let long = frame(&mut server, &[1; 64 - FRAME_OVERHEAD + 1]);
    let refused = LinkError::Frame(FrameError { length: 63 });
    assert_eq!(feed(&mut client, &long[..2], &[1]), [Given::Error(refused)]);
    assert_eq!(client.seal(b"x", &mut [0; 64]), Err(LinkError::Closed));
}

#[test]
fn memory_too_small_for_the_handshake_is_an_error() {
    for capacity in [0, 1, 2, 49] {
        let mut client = client(capacity);
        let (_, reply) = server(&start(&mut client));
        let given = feed(&mut client, &reply, &[50]);
        assert!(matches!(given[..], [Given::Error(LinkError::Frame(_))]), "{given:?}");
    }
}

#[test]
fn debug_shows_nothing_of_what_was_received() {
    let (client, _) = connected(64);
    let shown = format!("{client:?}");
    assert_eq!(shown, r#"Connection { link: Link { initiator: true, state: "Version" }, .. }"#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_the_stream_gives_the_same_messages(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..6),
        pieces in proptest::collection::vec(1..300usize, 1..8),
        slack in 0..64usize,
    ) {
        let mut client = client(200 + FRAME_OVERHEAD + slack);
        let (mut server, reply) = server(&start(&mut client));
        let hash = *server.handshake_hash().unwrap();
        prop_assert_eq!(feed(&mut client, &reply, &pieces), [Given::Opened(hash)]);
        take_version(&mut server, &mut seal(&mut client, b"request"));
        let stream: Vec<u8> = messages.iter().flat_map(|m| frame(&mut server, m)).collect();
        let expected: Vec<_> = messages.into_iter().map(Given::Message).collect();
        prop_assert_eq!(feed(&mut client, &stream, &pieces), expected);
    }

    #[test]
    fn garbage_is_an_error_and_no_message(
        garbage in proptest::collection::vec(any::<u8>(), 0..300),
        pieces in proptest::collection::vec(1..100usize, 1..8),
        step in 0..3usize,
        capacity in 50..256usize,
    ) {
        let mut client = client(capacity);
        if step > 0 {
            let (_, reply) = server(&start(&mut client));
            if step > 1 {
                feed(&mut client, &reply, &pieces);
                seal(&mut client, b"request");
            }
        }
        let given = feed(&mut client, &garbage, &pieces);
        prop_assert!(given.iter().all(|g| matches!(g, Given::Error(_))), "{given:?}");
    }

    #[test]
    fn a_changed_byte_is_an_error_where_it_stands(
        at in 0..300usize, change in 1..=255u8, pieces in proptest::collection::vec(1..99usize, 1..8),
    ) {
        let mut client = client(256);
        let (mut server, reply) = server(&start(&mut client));
        let mut bytes = reply.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= change;
            let given = feed(&mut client, &bytes, &pieces);
            // A longer frame may not have come as a whole, and what comes next is not looked at.
            prop_assert!(matches!(given[..], [Given::Error(_)]), "{given:?}");
            return Ok(());
        }
        feed(&mut client, &reply, &pieces);
        take_version(&mut server, &mut seal(&mut client, b"request"));
        let mut stream: Vec<u8> = [b"one", b"two"].iter().flat_map(|m| frame(&mut server, *m)).collect();
        let at = (at - reply.len()) % stream.len();
        stream[at] ^= change;
        let given = feed(&mut client, &stream, &pieces);
        let whole = at / (3 + FRAME_OVERHEAD);
        let messages = given.iter().filter(|g| matches!(g, Given::Message(_))).count();
        prop_assert_eq!(messages, whole, "{:?}", given);
    }
}
