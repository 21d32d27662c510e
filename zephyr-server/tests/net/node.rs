//! Nodes to test with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zephyr_server::net::{Incoming, Net, NetConfig, NetHandle, NodeId, Peer};

/// Long enough for anything that is to succeed on a busy machine.
pub const LONG: Duration = Duration::from_secs(20);
/// For what is to fail.
pub const SHORT: Duration = Duration::from_millis(600);

pub struct Node {
    pub handle: NetHandle,
    pub incoming: mpsc::Receiver<Incoming>,
    pub task: JoinHandle<()>,
    pub address: SocketAddr,
}

pub fn seed(n: u8) -> [u8; 32] {
    [n; 32]
}

pub fn id(n: u8) -> NodeId {
    NodeId::from_seed(&seed(n))
}

pub fn peer(identity: NodeId, address: SocketAddr) -> Peer {
    Peer { identity, address: address.to_string() }
}

/// Accepts records whose value does not begin with «bad».
pub fn config(n: u8, listen: &str) -> NetConfig {
    let own = Peer { identity: id(n), address: "127.0.0.1:1".into() };
    let check = Arc::new(|_: &[u8], value: &[u8]| !value.starts_with(b"bad"));
    NetConfig { open_timeout: LONG, ..NetConfig::new(seed(n), listen, vec![own], check) }
}

pub async fn start(config: NetConfig) -> Node {
    let (net, handle, incoming) = Net::bind(config).await.expect("it starts");
    let address = net.listen_address();
    Node { handle, incoming, task: tokio::spawn(net.run()), address }
}

impl Node {
    pub fn id(&self) -> NodeId {
        self.handle.own()
    }

    pub fn peer(&self) -> Peer {
        peer(self.id(), self.address)
    }

    pub async fn stop(self) {
        self.handle.shutdown().await;
        self.task.await.expect("it stops without a panic");
    }

    /// The next incoming call is answered with the caller's first identity byte and the request, reversed.
    pub async fn answer_one(&mut self) {
        match self.incoming.recv().await {
            Some(Incoming::Call { from, mut request, reply }) => {
                request.reverse();
                request.insert(0, from.as_bytes()[0]);
                reply.send(request);
            }
            other => panic!("expected a call, got {other:?}"),
        }
    }
}

/// Nodes 1 to n, connected with each other.
pub async fn network(n: u8) -> Vec<Node> {
    network_of((1..=n).map(|n| config(n, "127.0.0.1:0")).collect()).await
}

pub async fn network_of(configs: Vec<NetConfig>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for config in configs {
        nodes.push(start(config).await);
    }
    introduce(&nodes, &[]).await;
    nodes
}

/// Makes the nodes know each other, and some more peers, and waits until the nodes are connected.
pub async fn introduce(nodes: &[Node], more: &[Peer]) {
    let peers: Vec<_> = nodes.iter().map(Node::peer).chain(more.iter().cloned()).collect();
    for node in nodes {
        node.handle.set_peers(peers.clone()).await.expect("the list is sound");
    }
    for node in nodes {
        let others: Vec<_> = nodes.iter().map(Node::id).filter(|id| *id != node.id()).collect();
        let connected = tokio::time::timeout(LONG, node.handle.wait_connected(&others)).await;
        assert!(connected.expect("they connect in time"));
    }
}

pub async fn stop_all(nodes: Vec<Node>) {
    for node in nodes {
        node.stop().await;
    }
}

/// Node `to` still answers node `from`.
pub async fn assert_alive(nodes: &mut [Node], from: usize, to: usize) {
    let (handle, target) = (nodes[from].handle.clone(), nodes[to].id());
    let call = handle.call(target, vec![1, 2, 3], LONG);
    let (answer, ()) = tokio::join!(call, nodes[to].answer_one());
    assert_eq!(answer.expect("it answers")[1..], [3, 2, 1]);
}
