//! Links over real sockets: a client and a server that get on, and peers that don't.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zephyr_client::{ConnectError, Connection, ConnectionError, Timeouts};
use zephyr_core::{Dh, Link, NetworkId, X25519};
use zephyr_server::listen::{Close, Handler, Limits, Listener, PeerInfo, Replies, serve};

const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);
const SECRET: [u8; 32] = [3; 32];
/// Long enough for a busy machine, short enough to end a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says back what it hears, and obeys a few words.
struct Echo {
    peers: mpsc::UnboundedSender<PeerInfo>,
}

impl Handler for Echo {
    async fn handle(
        &self,
        peer: &PeerInfo,
        request: &[u8],
        reply: &mut Replies<'_>,
    ) -> Result<(), Close> {
        let _ = self.peers.send(*peer);
        match request {
            b"refuse" => Err(Close::Refused),
            b"panic" => panic!("as asked"),
            b"hang" => pending().await,
            b"stream" => {
                for i in 0..5000u32 {
                    reply.send(&i.to_be_bytes()).await?;
                }
                Ok(())
            }
            b"flood" => loop {
                reply.send(&[0; 60_000]).await?;
            },
            _ => reply.send(request).await,
        }
    }
}

struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    peers: mpsc::UnboundedReceiver<PeerInfo>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let (send, peers) = mpsc::unbounded_channel();
        let echo = Echo { peers: send };
        let task = tokio::spawn(serve(listener, NETWORK, SECRET, limits, echo, stopped));
        Self { address, stop, peers, task }
    }

    async fn connect(&self, scheme: &str) -> Result<Connection, ConnectError> {
        let address = match scheme {
            "ws" => format!("ws://{}/zephyr", self.address),
            _ => self.address.to_string(),
        };
        Connection::connect(&address, &X25519::public(&SECRET), &NETWORK, timeouts()).await
    }

    async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn is_fine(&self) {
        let mut connection = self.connect("tcp").await.unwrap();
        assert_eq!(ask(&mut connection, b"fine?").await.unwrap(), b"fine?");
    }

    async fn stop(self) {
        self.stop.send(true).unwrap();
        timeout(PATIENCE, self.task).await.expect("a server that stops").unwrap();
    }
}

fn timeouts() -> Timeouts {
    Timeouts { connect: PATIENCE, send: PATIENCE, receive: PATIENCE }
}

/// Limits in which nothing ends by itself during a test.
fn patient() -> Limits {
    Limits { handshake: PATIENCE, idle: PATIENCE, write: PATIENCE, ..Limits::default() }
}

async fn ask(connection: &mut Connection, request: &[u8]) -> Result<Vec<u8>, ConnectionError> {
    connection.send(request).await?;
    Ok(connection.recv().await?.to_vec())
}

/// Waits until the server has closed the connection, whatever it sent before.
async fn is_closed(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("a closed connection");
}

fn was_closed<T: std::fmt::Debug>(result: Result<T, ConnectionError>) {
    match result {
        Err(ConnectionError::Closed | ConnectionError::Io(_)) => {}
        other => panic!("not closed: {other:?}"),
    }
}

/// A client of the wire, for what the real one doesn't do: the handshake's first frame.
fn first_frame() -> Vec<u8> {
    let mut link: Link = Link::initiator(&NETWORK, &X25519::public(&SECRET), [1; 32]);
    let mut out = vec![0; 50];
    assert_eq!(link.write_handshake(&mut out), Ok(50));
    out
}

#[tokio::test]
async fn thousands_of_messages_pass_over_tcp_and_websocket() {
    let mut server = Server::start(patient()).await;
    for scheme in ["tcp", "ws"] {
        let mut connection = server.connect(scheme).await.unwrap();
        let mut moved = 0;
        for i in 0..1000usize {
            let message = vec![i as u8; i * 7 % 4000];
            moved += message.len() as u64;
            assert_eq!(ask(&mut connection, &message).await.unwrap(), message);
        }
        let longest = vec![1; patient().max_request];
        assert_eq!(ask(&mut connection, &longest).await.unwrap(), longest);
        moved += longest.len() as u64;
        for bytes in [connection.bytes_in(), connection.bytes_out()] {
            assert!(bytes > moved + 1000 * 18 && bytes < moved + 1000 * 30 + 1000, "{bytes}");
        }
        let peer = server.peers.recv().await.unwrap();
        assert_eq!(peer.handshake_hash, *connection.handshake_hash());
        assert_eq!(peer.ip, server.address.ip());
        while server.peers.try_recv().is_ok() {}
    }
    server.stop().await;
}

#[tokio::test]
async fn one_request_can_have_thousands_of_replies() {
    let server = Server::start(patient()).await;
    for scheme in ["tcp", "ws"] {
        let mut connection = server.connect(scheme).await.unwrap();
        connection.send(b"stream").await.unwrap();
        for i in 0..5000u32 {
            assert_eq!(connection.recv().await.unwrap(), i.to_be_bytes());
        }
        assert_eq!(ask(&mut connection, b"and on").await.unwrap(), b"and on");
    }
    server.stop().await;
}

#[tokio::test]
async fn many_clients_are_served_at_once() {
    let server = Server::start(patient()).await;
    let mut clients = Vec::new();
    for i in 0..20u8 {
        let scheme = if i % 2 == 0 { "tcp" } else { "ws" };
        clients.push(server.connect(scheme).await.unwrap());
    }
    for round in 0..5u8 {
        for (i, client) in clients.iter_mut().enumerate() {
            client.send(&[round, i as u8]).await.unwrap();
        }
        for (i, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.recv().await.unwrap(), [round, i as u8]);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_with_another_key_or_network_is_not_talked_to() {
    let server = Server::start(patient()).await;
    let (key, other) = (X25519::public(&SECRET), X25519::public(&[4; 32]));
    for address in [server.address.to_string(), format!("ws://{}", server.address)] {
        for (key, network) in [(&other, NETWORK), (&key, NetworkId::from_bytes([8; 32]))] {
            match Connection::connect(&address, key, &network, timeouts()).await {
                Err(ConnectError::Handshake(error)) => was_closed::<()>(Err(error)),
                other => panic!("connected: {other:?}"),
            }
        }
    }
    server.is_fine().await;
    server.stop().await;
}

#[tokio::test]
async fn garbage_is_dropped_at_once() {
    let server = Server::start(patient()).await;
    let huge: &[u8] = b"\xff\xff\xff\xff";
    for bytes in [
        huge,
        b"\x00\x00",
        b"\x00\x31",
        b"\x00\x30________________________________________________",
        b"SSH-2.0-x\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GIT",
        b"G\x00\x00\x00\r\n\r\n",
    ] {
        let mut stream = server.dial().await;
        stream.write_all(bytes).await.unwrap();
        if bytes == b"GIT" {
            stream.shutdown().await.unwrap(); // it could still have become HTTP
        }
        is_closed(&mut stream).await;
    }
    server.is_fine().await;
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_or_only_half_is_dropped_in_time() {
    let handshake = Duration::from_millis(200);
    let server = Server::start(Limits { handshake, ..patient() }).await;
    let frame = first_frame();
    for bytes in [&b""[..], b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", &frame[..1], &frame[..49]] {
        let mut stream = server.dial().await;
        stream.write_all(bytes).await.unwrap();
        is_closed(&mut stream).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn dripping_bytes_does_not_keep_a_connection_open() {
    let limits = Limits { handshake: Duration::from_millis(300), ..patient() };
    let server = Server::start(limits).await;
    let mut stream = server.dial().await;
    let mut bytes = b"GET / HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'a'));
    let drip = async {
        while stream.write_all(&[*bytes.next().expect("endless")]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, drip).await.expect("a closed connection");
    server.stop().await;
}

#[tokio::test]
async fn an_idle_client_is_dropped_in_time() {
    let idle = Duration::from_millis(200);
    let server = Server::start(Limits { idle, ..patient() }).await;
    for scheme in ["tcp", "ws"] {
        let mut silent = server.connect(scheme).await.unwrap();
        was_closed(silent.recv().await);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_in_time() {
    let write = Duration::from_millis(200);
    let limits = Limits { write, connections_per_prefix: 1, ..patient() };
    let server = Server::start(limits).await;
    for scheme in ["tcp", "ws"] {
        let mut lazy = server.connect(scheme).await.unwrap();
        lazy.send(b"flood").await.unwrap();
        // The only place is free again when the server has given up on it.
        let next = async { while server.connect("tcp").await.is_err() {} };
        timeout(PATIENCE, next).await.expect("a free place");
        drop(lazy);
        let free = async { while server.connect("tcp").await.is_err() {} };
        timeout(PATIENCE, free).await.expect("a free place");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_too_long_ends_the_connection() {
    let server = Server::start(Limits { max_request: 1000, ..patient() }).await;
    for scheme in ["tcp", "ws"] {
        let mut connection = server.connect(scheme).await.unwrap();
        assert_eq!(ask(&mut connection, &[1; 1000]).await.unwrap(), [1; 1000]);
        was_closed(ask(&mut connection, &[1; 1001]).await);
    }
    let mut connection = server.connect("tcp").await.unwrap();
    let too_long = connection.send(&[0; 65_520]).await;
    assert!(matches!(too_long, Err(ConnectionError::TooLong(65_520))));
    assert_eq!(ask(&mut connection, b"still here").await.unwrap(), b"still here");
    server.stop().await;
}

#[tokio::test]
async fn too_many_connections_are_refused_until_one_ends() {
    for limits in
        [Limits { connections: 3, ..patient() }, Limits { connections_per_prefix: 3, ..patient() }]
    {
        let server = Server::start(limits).await;
        let mut inside = Vec::new();
        for _ in 0..3 {
            inside.push(server.connect("tcp").await.unwrap());
        }
        assert!(server.connect("tcp").await.is_err());
        assert!(server.connect("ws").await.is_err());
        inside.pop().expect("three").close().await.unwrap();
        let free = async { while server.connect("tcp").await.is_err() {} };
        timeout(PATIENCE, free).await.expect("a free place");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_handler_that_refuses_or_panics_ends_only_its_connection() {
    let server = Server::start(patient()).await;
    let mut bystander = server.connect("ws").await.unwrap();
    for word in [&b"refuse"[..], b"panic"] {
        let mut connection = server.connect("tcp").await.unwrap();
        was_closed(ask(&mut connection, word).await);
        assert_eq!(ask(&mut bystander, b"and you?").await.unwrap(), b"and you?");
    }
    server.stop().await;
}

#[tokio::test]
async fn shutdown_closes_every_connection() {
    let grace = Duration::from_millis(100);
    let mut server = Server::start(Limits { grace, ..patient() }).await;
    let mut fresh = server.dial().await;
    let mut tcp = server.connect("tcp").await.unwrap();
    let mut ws = server.connect("ws").await.unwrap();
    assert_eq!(ask(&mut ws, b"hello").await.unwrap(), b"hello");
    let mut busy = server.connect("tcp").await.unwrap();
    busy.send(b"hang").await.unwrap();
    let heard = async { (server.peers.recv().await, server.peers.recv().await) };
    timeout(PATIENCE, heard).await.expect("both requests");
    let address = server.address;
    server.stop().await;
    is_closed(&mut fresh).await;
    for connection in [&mut tcp, &mut ws, &mut busy] {
        was_closed(connection.recv().await);
    }
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_receive_that_times_out_can_be_tried_again() {
    let server = Server::start(patient()).await;
    for address in [server.address.to_string(), format!("ws://{}/", server.address)] {
        let receive = Duration::from_millis(50);
        let timeouts = Timeouts { receive, ..timeouts() };
        let key = X25519::public(&SECRET);
        let mut connection = Connection::connect(&address, &key, &NETWORK, timeouts).await.unwrap();
        assert!(matches!(connection.recv().await, Err(ConnectionError::Timeout)));
        connection.send(b"late").await.unwrap();
        let answer = loop {
            match connection.recv().await {
                Err(ConnectionError::Timeout) => {}
                other => break other.map(<[u8]>::to_vec),
            }
        };
        assert_eq!(answer.unwrap(), b"late");
    }
    server.stop().await;
}

#[tokio::test]
async fn where_nothing_listens_nothing_connects() {
    let deaf = tokio::net::TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap(); // without listening
    let address = deaf.local_addr().unwrap().to_string();
    let result = Connection::connect(&address, &[9; 32], &NETWORK, timeouts()).await;
    assert!(matches!(result, Err(ConnectError::Unreachable(_))));
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let timeouts = Timeouts { connect: Duration::from_millis(100), ..timeouts() };
    let result = Connection::connect(&address, &[9; 32], &NETWORK, timeouts).await;
    assert!(matches!(result, Err(ConnectError::Timeout)));
}
