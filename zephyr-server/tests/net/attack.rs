//! What listed servers that lie, strangers, and garbage can do: nothing.

use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::swarm::{Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream::Control;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;
use zephyr_server::net::{BatchError, BatchReader, CallError, Incoming, Peer};

use crate::node::{
    LONG, Node, SHORT, assert_alive, config, id, introduce, network, network_of, seed, start,
    stop_all,
};

const CALL: StreamProtocol = StreamProtocol::new("/zephyr/call/1");
const BATCH: StreamProtocol = StreamProtocol::new("/zephyr/batch/1");

/// A server that speaks libp2p, and otherwise whatever it likes.
struct Liar {
    control: Control,
    task: JoinHandle<()>,
}

fn keypair(n: u8) -> Keypair {
    Keypair::ed25519_from_bytes(seed(n)).unwrap()
}

fn liar_swarm(n: u8) -> Swarm<libp2p_stream::Behaviour> {
    SwarmBuilder::with_existing_identity(keypair(n))
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(LONG))
        .build()
}

impl Liar {
    /// Connects as server `n` to a node.
    async fn connect(n: u8, node: &Node) -> Self {
        let mut swarm = liar_swarm(n);
        let control = swarm.behaviour().new_control();
        let address: Multiaddr =
            format!("/ip4/127.0.0.1/tcp/{}", node.address.port()).parse().unwrap();
        swarm.dial(address).unwrap();
        while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {}
        let task = tokio::spawn(async move { swarm.for_each(|_| async {}).await });
        Self { control, task }
    }

    async fn open(&mut self, node: u8, protocol: StreamProtocol) -> Stream {
        self.control
            .open_stream(peer_id(node), protocol)
            .await
            .expect("listed servers may open streams")
    }

    async fn stop(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

fn peer_id(n: u8) -> PeerId {
    keypair(n).public().to_peer_id()
}

fn liar_peer(n: u8) -> Peer {
    Peer { identity: id(n), address: "127.0.0.1:9".into() }
}

/// Two honest nodes, 1 and 2, and a liar 9 that is listed and connected to node 1.
async fn with_liar() -> (Vec<Node>, Liar) {
    let mut first = config(1, "127.0.0.1:0");
    first.stall_timeout = SHORT;
    let nodes = network_of(vec![first, config(2, "127.0.0.1:0")]).await;
    introduce(&nodes, &[liar_peer(9)]).await;
    let liar = Liar::connect(9, &nodes[0]).await;
    (nodes, liar)
}

fn opening(header_len: u32, item_len: u32, header: &[u8]) -> Vec<u8> {
    [&header_len.to_be_bytes()[..], &item_len.to_be_bytes(), header].concat()
}

/// Sends the opening and then `rest`, and leaves the stream as it is.
async fn lie(liar: &mut Liar, node: &mut Node, rest: &[u8]) -> (Stream, BatchReader) {
    let mut stream = liar.open(1, BATCH).await;
    stream.write_all(&opening(1, 2, b"h")).await.unwrap();
    let mut go = [0];
    stream.read_exact(&mut go).await.unwrap();
    stream.write_all(rest).await.unwrap();
    stream.flush().await.unwrap();
    let Some(Incoming::Batch { from, reader, .. }) = node.incoming.recv().await else {
        panic!("a batch")
    };
    assert_eq!(from, id(9));
    (stream, reader)
}

async fn read_to_end(reader: &mut BatchReader) -> Result<usize, BatchError> {
    let mut count = 0;
    while let items @ 1.. = reader.announced().await? {
        reader.read(&mut vec![0; 2 * items]).await?;
        count += items;
    }
    Ok(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_cut_short_is_refused() {
    let (mut nodes, mut liar) = with_liar().await;
    let whole = *b"\0\x02abcd\0\x01ef\0\0";

    let (stream, mut reader) = lie(&mut liar, &mut nodes[0], &whole).await;
    assert_eq!(read_to_end(&mut reader).await.unwrap(), 3);
    assert_eq!(read_to_end(&mut reader).await.unwrap(), 0, "the end is the end");
    reader.acknowledge(b"").await.unwrap();
    drop(stream);

    for len in 0..whole.len() {
        let (mut stream, mut reader) = lie(&mut liar, &mut nodes[0], &whole[..len]).await;
        stream.close().await.unwrap();
        let read = read_to_end(&mut reader).await;
        assert!(matches!(read, Err(BatchError::Lost(_))), "{len} bytes: {read:?}");
        assert!(matches!(reader.acknowledge(b"").await, Err(BatchError::Unfinished)), "{len}");
    }
    assert_alive(&mut nodes, 1, 0).await;
    liar.stop().await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_read_in_whole_items_that_were_announced() {
    let (mut nodes, mut liar) = with_liar().await;
    let (_stream, mut reader) = lie(&mut liar, &mut nodes[0], b"\0\x02abcd\0\0").await;
    assert!(matches!(reader.read(&mut [0; 2]).await, Err(BatchError::Form)), "none is announced");
    assert_eq!(reader.announced().await.unwrap(), 2);
    assert!(matches!(reader.read(&mut [0; 3]).await, Err(BatchError::Form)), "one and a half");
    assert!(matches!(reader.read(&mut [0; 6]).await, Err(BatchError::Form)), "three");
    let mut item = [0; 2];
    for expected in [b"ab", b"cd"] {
        reader.read(&mut item).await.unwrap();
        assert_eq!(item, *expected);
    }
    assert_eq!(reader.announced().await.unwrap(), 0);
    liar.stop().await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_batch_is_given_up() {
    let (mut nodes, mut liar) = with_liar().await;
    let (_stream, mut reader) = lie(&mut liar, &mut nodes[0], b"\0\x02abc").await;
    let read = read_to_end(&mut reader).await;
    assert!(matches!(read, Err(BatchError::Stalled)), "{read:?}");
    liar.stop().await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_out_of_form_never_begins() {
    let (mut nodes, mut liar) = with_liar().await;
    for (header_len, item_len) in [(u32::MAX, 1), (4097, 1), (0, 0), (0, 65_537), (0, u32::MAX)] {
        let mut stream = liar.open(1, BATCH).await;
        stream.write_all(&opening(header_len, item_len, &[])).await.unwrap();
        let read =
            tokio::time::timeout(LONG, stream.read(&mut [0])).await.expect("it is refused at once");
        assert!(matches!(read, Ok(0) | Err(_)), "{header_len} {item_len}: {read:?}");
    }
    assert_alive(&mut nodes, 1, 0).await;
    liar.stop().await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_call_over_the_limit_is_refused() {
    let (mut nodes, mut liar) = with_liar().await;
    for len in [u32::MAX, 256 * 1024 + 1] {
        let mut stream = liar.open(1, CALL).await;
        stream.write_all(&len.to_be_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let read =
            tokio::time::timeout(LONG, stream.read(&mut [0])).await.expect("it is refused at once");
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
    assert!(nodes[0].incoming.try_recv().is_err());
    assert_alive(&mut nodes, 1, 0).await;
    liar.stop().await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_answer_is_refused() {
    let (nodes, mut liar) = with_liar().await;
    let mut calls = liar.control.accept(CALL).unwrap();
    let answers: [&[u8]; 4] =
        [&[0, 255, 255, 255, 255], &[3, 0, 0, 0, 0], &[1, 0, 0, 0, 1, 7], &[0, 0, 0, 0, 9, 1]];
    for answer in answers {
        let call = nodes[0].handle.call(id(9), vec![1], LONG);
        let (answered, ()) = tokio::join!(call, async {
            if let Ok(Some((_, mut stream))) = tokio::time::timeout(SHORT, calls.next()).await {
                stream.write_all(answer).await.unwrap();
                stream.close().await.unwrap();
            }
        });
        assert_eq!(answered, Err(CallError::Lost), "{answer:?}");
    }
    liar.stop().await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_let_in() {
    let mut nodes = network(2).await;
    let mut stranger = start(config(66, "127.0.0.1:0")).await;
    let peers = vec![nodes[0].peer(), stranger.peer()];
    stranger.handle.set_peers(peers).await.unwrap();

    assert!(stranger.handle.call(id(1), vec![1], SHORT).await.is_err());
    let opened = tokio::time::timeout(SHORT, stranger.handle.open_batch(id(1), vec![], 1)).await;
    assert!(!matches!(opened, Ok(Ok(_))));
    stranger.handle.put_record(b"stranger".to_vec(), vec![1]).await.unwrap();
    nodes[0].handle.put_record(b"ours".to_vec(), vec![2]).await.unwrap();
    assert_eq!(stranger.handle.get_record(b"ours".to_vec()).await, None);
    for node in &mut nodes {
        assert_eq!(node.handle.get_record(b"stranger".to_vec()).await, None);
        assert_eq!(node.handle.get_record(b"ours".to_vec()).await, Some(vec![2]));
        assert!(!node.handle.connected().contains(&id(66)));
        assert!(node.incoming.try_recv().is_err());
    }
    assert!(stranger.incoming.try_recv().is_err());
    assert_alive(&mut nodes, 0, 1).await;
    stop_all(nodes).await;
    stranger.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_check_refuses_is_nowhere() {
    let mut lax = config(3, "127.0.0.1:0");
    lax.check = Arc::new(|_, _| true);
    let nodes = network_of(vec![config(1, "127.0.0.1:0"), config(2, "127.0.0.1:0"), lax]).await;
    nodes[2].handle.put_record(b"key".to_vec(), b"bad value".to_vec()).await.unwrap();
    nodes[2].handle.put_record(b"other".to_vec(), b"good value".to_vec()).await.unwrap();
    for node in &nodes[..2] {
        // The good one was put later: when it has come, the bad one has been seen.
        while node.handle.get_record(b"other".to_vec()).await.is_none() {}
        assert_eq!(node.handle.get_record(b"key".to_vec()).await, None);
        assert!(node.handle.get_records(b"key".to_vec()).await.is_empty());
    }
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_half_open_connections_do_no_harm() {
    let mut nodes = network(2).await;
    let address = nodes[0].address;
    let mut open = Vec::new();
    for n in 0..200u32 {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let garbage = Sha256::digest(n.to_be_bytes()).repeat(n as usize);
        match n % 4 {
            0 => {}
            // Writing may fail: the node hangs up on what it cannot read.
            1 => drop(socket.write_all(&garbage).await),
            2 => drop(socket.write_all(b"\x13/multistream/1.0.0\n").await),
            _ => drop(socket.write_all(&[255; 64]).await),
        }
        open.push(socket);
    }
    assert_alive(&mut nodes, 1, 0).await;
    assert_alive(&mut nodes, 0, 1).await;
    let late = start(config(3, "127.0.0.1:0")).await;
    nodes.push(late);
    introduce(&nodes, &[]).await;
    tokio::time::timeout(LONG, assert_alive(&mut nodes, 2, 0)).await.unwrap();
    drop(open);
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_server_cannot_speak_for_another() {
    // Node 2 dials the address listed for server 3, where the liar 9 listens: the connection is not taken for 3's.
    let mut swarm = liar_swarm(9);
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    let port = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address.to_string().rsplit('/').next().unwrap().to_owned();
        }
    };
    let task = tokio::spawn(async move { swarm.for_each(|_| async {}).await });
    let node = start(config(2, "127.0.0.1:0")).await;
    let posed = Peer { identity: id(3), address: format!("127.0.0.1:{port}") };
    node.handle.set_peers(vec![node.peer(), posed]).await.unwrap();
    assert_eq!(
        node.handle.call(id(3), vec![1], Duration::from_secs(1)).await,
        Err(CallError::Unreachable)
    );
    assert!(node.handle.connected().is_empty());
    task.abort();
    node.stop().await;
}
