//! A network goes to its next version while people write to each other: a mixer comes, another one goes.

use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use zephyr_client::{Client, Event, Message};
use zephyr_core::{
    Address, Dh, MAX_MANIFEST, MAX_SIGNED_MANIFEST, Manifest, ManifestSignature, Role, Round,
    ServerEntry, ServerId, Signature, Suite, encode_signed_manifest, server_keys, sign_manifest,
};
use zephyr_server::{Native, Node, NodeConfig, ServerEvent};
use zeroize::Zeroizing;

use super::join;
use super::network::{Network, Plan, free_port, now};

/// Everybody who has a key signs that from `from` on the mixer with the index `gone` is replaced by the one of
/// `config`.
fn replace_mixer(network: &Network, gone: usize, config: &NodeConfig, from: Round) -> Vec<u8> {
    let old = network.manifest.get();
    let (identity, link) = server_keys(&config.seed);
    let gone = old.server(Role::Mixer, gone).unwrap().id;
    let mut servers: Vec<_> = old.all().filter(|server| server.id != gone).collect();
    servers.push(ServerEntry {
        role: Role::Mixer,
        id: ServerId::from_bytes(<Native as Suite>::Signature::public(&identity)),
        link_key: <Native as Suite>::Dh::public(&link),
        name: "a new mixer",
        client_address: &config.client_listen,
        peer_address: &config.peer_listen,
    });
    let mut bytes = vec![0; MAX_MANIFEST];
    let servers = servers.into_iter();
    let len = Manifest::encode_next(&old, from, old.parameters(), servers, &mut bytes).unwrap();
    let manifest = Manifest::parse(&bytes[..len]).unwrap();
    let mut signatures: Vec<_> = network
        .configs
        .iter()
        .filter_map(|config| {
            let seed = server_keys(&config.seed).0;
            let id = ServerId::from_bytes(<Native as Suite>::Signature::public(&seed));
            let (role, index) = old.find(&id)?;
            let signs = matches!(role, Role::Mixer | Role::Pkg);
            let signature = sign_manifest::<Native>(&seed, &manifest);
            signs.then_some(ManifestSignature { role, index: index as u16, signature })
        })
        .collect();
    signatures.sort_by_key(|s| (s.role as u8, s.index));
    let mut signed = vec![0; MAX_SIGNED_MANIFEST];
    let len = encode_signed_manifest(&manifest, &signatures, &mut signed).unwrap();
    signed.truncate(len);
    signed
}

/// The rounds that a server has opened.
fn opened(events: &mut Receiver<ServerEvent>) -> Vec<Round> {
    let mut rounds = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let ServerEvent::Opened { round } = event {
            rounds.push(round);
        }
    }
    rounds
}

/// Takes messages until `count` have come.
async fn texts(mut events: Receiver<Event>, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(180);
    while texts.len() < count {
        let left = deadline.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, events.recv()).await {
            Ok(Ok(Event::Message(message))) => {
                texts.push(message.text().unwrap_or_default().to_owned());
            }
            Ok(_) => {}
            Err(_) => panic!("only these came in time: {texts:?}"),
        }
    }
    texts
}

/// Writes until the round `until` has opened; returns what was written.
async fn write(from: &Client, to: &Address, until: Round, network: &Network) -> Vec<String> {
    let opens = network.manifest.get().parameters().schedule(until).opens;
    let mut written = Vec::new();
    while now() < opens {
        let text = format!("message {}", written.len());
        from.send(to, Message::Text(text.clone())).await.unwrap();
        written.push(text);
        tokio::time::sleep(Duration::from_millis(900)).await;
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixer_comes_and_another_goes_and_every_message_arrives_once_and_in_order() {
    let mut network = Network::start(Plan::default()).await;
    let alice = join(&mut network, "alice@example.org").await;
    let bob = join(&mut network, "bob@example.org").await;
    let to_bob = "bob@example.org".parse().unwrap();
    // What contacts write is acknowledged, and handed on in its order.
    bob.add_contact(&"alice@example.org".parse().unwrap(), None).await.unwrap();

    let parameters = *network.manifest.get().parameters();
    let from = Round(parameters.opened_by(now()).unwrap().0 + 4);
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut seed[..]).unwrap();
    let config = NodeConfig {
        seed,
        client_listen: free_port(),
        peer_listen: free_port(),
        ..network.configs[0].clone()
    };
    let signed = replace_mixer(&network, 1, &config, from);
    assert_eq!(network.manifest.add::<Native>(&signed), Ok(true));
    let mut gone = network.nodes[1].events();
    let new = Node::start(config).await.unwrap();
    let mut come = new.events();

    let events = bob.events();
    let written = write(&alice, &to_bob, Round(from.0 + 3), &network).await;
    assert_eq!(texts(events, written.len()).await, written);
    // The servers that were in both versions went on, and so did the people.
    for client in [&alice, &bob] {
        assert_eq!(client.store().home().network().manifest().version(), 1);
    }
    let (gone, come) = (opened(&mut gone), opened(&mut come));
    assert!(gone.iter().all(|round| *round < from), "{gone:?}, from {from}");
    assert!(!come.is_empty() && come.iter().all(|round| *round >= from), "{come:?}, from {from}");
    assert!(new.stats().packets_mixed + new.stats().packets_in > 0, "{:?}", new.stats());
    assert_eq!(bob.inbox(false).await.unwrap().len(), written.len(), "and nothing twice");
    new.stop().await;
    network.stop().await;
}
