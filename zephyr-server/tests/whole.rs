//! Whole networks on real sockets: servers, registration by mailed code, messages through the mixers.

#![allow(missing_docs)]

#[path = "whole/graceful.rs"]
mod graceful;
#[path = "whole/many.rs"]
mod many;
#[path = "whole/metrics.rs"]
mod metrics;
#[path = "whole/network.rs"]
mod network;
#[path = "whole/offline.rs"]
mod offline;
#[path = "../src/testing/postgres.rs"]
mod postgres;
#[path = "whole/thief.rs"]
mod thief;
#[path = "whole/versions.rs"]
mod versions;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use network::{Network, Plan, free_port};
use tokio::time::timeout;
use zephyr_client::{Client, Event, Message, Options, Registrar, Store};
use zephyr_core::{Address, Role, RouteMode};
use zephyr_server::{Node, NodeConfig, ServerEvent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_learns_of_the_same_directory() {
    let network = Network::start(Plan::default()).await;
    let mut rounds = Vec::new();
    for node in &network.nodes {
        let mut events = node.events();
        let agreed = async {
            loop {
                if let Ok(ServerEvent::Agreed { round, mixers }) = events.recv().await {
                    return (round, mixers);
                }
            }
        };
        rounds.push(timeout(Duration::from_secs(40), agreed).await.expect("a directory in time"));
    }
    assert!(rounds.iter().all(|(_, mixers)| *mixers == 3));
    network.stop().await;
}

/// Registers `name` with all PKGs by the codes that they mail, and runs its client.
async fn join(network: &mut Network, name: &str) -> Client {
    let client = register(network, name).await;
    let running = client.clone();
    tokio::spawn(async move { running.run(std::future::pending()).await });
    client
}

/// Registers `name` with all PKGs by the codes that they mail.
async fn register(network: &mut Network, name: &str) -> Client {
    let address = Address::parse(name).unwrap();
    let own = zephyr_client::Network::from_manifest(network.manifest.get().as_bytes()).unwrap();
    let store = Store::in_memory(&address, &own).await.unwrap();
    let registrar = Registrar::new(store.clone());
    registrar.register().await;
    let mut codes = BTreeMap::new();
    while codes.len() < registrar.pkgs().len() {
        let mail = timeout(Duration::from_secs(20), network.mails.recv()).await.unwrap().unwrap();
        let pkg = registrar.pkgs().iter().position(|p| mail.text.contains(&p.name)).unwrap();
        codes.insert(pkg, mail.code().expect("a code in the mail"));
    }
    for (pkg, code) in codes {
        registrar.confirm(pkg, &code).await.unwrap();
    }
    Client::new(store, Options::default())
}

async fn message(client: &Client, within: Duration) -> (Option<Address>, String) {
    let mut events = client.events();
    let got = async {
        loop {
            if let Ok(Event::Message(message)) = events.recv().await {
                let text = message.text().unwrap_or_default().to_owned();
                return (message.from.clone(), text);
            }
        }
    };
    timeout(within, got).await.expect("a message in time")
}

async fn messages_arrive(plan: Plan) {
    let mut network = Network::start(plan).await;
    let alice = join(&mut network, "alice@example.org").await;
    let bob = join(&mut network, "bob@example.org").await;
    let (to_alice, to_bob) =
        ("alice@example.org".parse().unwrap(), "bob@example.org".parse().unwrap());
    let wait = Duration::from_secs(60);
    let (at_bob, at_alice) = (message(&bob, wait), message(&alice, wait));
    alice.send(&to_bob, Message::Text("hello Bob".into())).await.unwrap();
    bob.send(&to_alice, Message::Text("hello Alice".into())).await.unwrap();
    let (bobs, alices) = tokio::join!(at_bob, at_alice);
    assert_eq!(bobs, (Some(to_alice), "hello Bob".to_owned()));
    assert_eq!(alices, (Some(to_bob), "hello Alice".to_owned()));
    assert!(network.of(Role::Mixer).all(|mixer| mixer.stats().packets_dropped == 0));
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_both_ways_through_one_permutation() {
    messages_arrive(Plan::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_both_ways_through_rotations() {
    messages_arrive(Plan { routes: RouteMode::Rotations, ..Plan::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_both_ways_on_free_routes() {
    messages_arrive(Plan { routes: RouteMode::Free, ..Plan::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_both_ways_over_websocket() {
    messages_arrive(Plan { websocket: true, ..Plan::default() }).await;
}

/// Opens connections to every port and sends what no client or server would; keeps them open.
fn disturb(network: &Network) -> Vec<TcpStream> {
    let hostile: [&[u8]; 5] = [
        b"",
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00\x30half of a handshake",
        &[0xa5; 4096],
    ];
    let ports = network.nodes.iter().flat_map(|n| [n.client_address(), n.peer_address()]);
    ports
        .flat_map(|port| hostile.map(|bytes| (port, bytes)))
        .filter_map(|(port, bytes)| {
            let mut stream = TcpStream::connect(port).ok()?;
            // The server may have hung up in the middle: that is its right.
            let _ = stream.write_all(bytes);
            Some(stream)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_half_open_connections_to_every_port_disturb_nobody() {
    let mut network = Network::start(Plan::default()).await;
    let alice = join(&mut network, "alice@example.org").await;
    let bob = join(&mut network, "bob@example.org").await;
    let open = disturb(&network);
    assert!(open.len() >= network.nodes.len() * 5, "the ports take connections");
    let at_bob = message(&bob, Duration::from_secs(60));
    let to_bob = "bob@example.org".parse().unwrap();
    alice.send(&to_bob, Message::Text("through the noise".into())).await.unwrap();
    assert_eq!(at_bob.await.1, "through the noise");
    drop(open);
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixer_that_restarts_costs_a_round_and_no_message() {
    let mut network = Network::start(Plan::default()).await;
    let alice = join(&mut network, "alice@example.org").await;
    let bob = join(&mut network, "bob@example.org").await;
    let at_bob = message(&bob, Duration::from_secs(120));
    let to_bob = "bob@example.org".parse().unwrap();
    // Wait until a round is being mixed, then take one of its mixers away for good measure.
    let mut events = network.nodes[1].events();
    while !matches!(events.recv().await, Ok(ServerEvent::Agreed { .. })) {}
    let (config, node) = (network.configs[1].clone(), network.nodes.remove(1));
    node.stop().await;
    alice.send(&to_bob, Message::Text("still here".into())).await.unwrap();
    network.nodes.insert(1, Node::start(config).await.unwrap());
    assert_eq!(at_bob.await.1, "still here");
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixer_that_comes_back_at_another_address_is_found_by_the_others() {
    let mut network = Network::start(Plan::default()).await;
    let alice = join(&mut network, "alice@example.org").await;
    let bob = join(&mut network, "bob@example.org").await;
    let at_bob = message(&bob, Duration::from_secs(120));
    let to_bob = "bob@example.org".parse().unwrap();
    let (config, node) = (network.configs[1].clone(), network.nodes.remove(1));
    let old = node.peer_address();
    node.stop().await;
    alice.send(&to_bob, Message::Text("you moved".into())).await.unwrap();
    let config = NodeConfig { peer_listen: free_port(), ..config };
    network.nodes.insert(1, Node::start(config).await.unwrap());
    assert_ne!(network.nodes[1].peer_address(), old);
    assert_eq!(at_bob.await.1, "you moved", "no round can do without this mixer");
    network.stop().await;
}
