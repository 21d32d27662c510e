//! Servers that are stopped in peace.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;
use zephyr_server::{Node, ServerEvent};

use super::network::{Network, Plan};

/// Waits for a directory of so many mixers.
async fn agreed(events: &mut Receiver<ServerEvent>, wanted: usize) {
    let agreed = async {
        loop {
            match events.recv().await {
                Ok(ServerEvent::Agreed { mixers, .. }) if mixers == wanted => return,
                _ => {}
            }
        }
    };
    timeout(Duration::from_secs(60), agreed).await.expect("a directory in time");
}

fn void(network: &Network) -> u64 {
    network.nodes.iter().map(|node| node.stats().rounds_void).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixer_that_is_stopped_in_peace_and_restarted_costs_no_round() {
    let plan = Plan { min_mixers: 2, round_ms: 4000, ..Plan::default() };
    let mut network = Network::start(plan).await;
    let mut events = network.nodes[0].events();
    agreed(&mut events, 3).await;

    let (config, mixer) = (network.configs[1].clone(), network.nodes.remove(1));
    assert!(mixer.drain().await.is_some(), "a round is under way");
    timeout(Duration::from_secs(60), mixer.wait_drained()).await.expect("it ends");
    assert_eq!(mixer.stats().rounds_void, 0);
    mixer.stop().await;
    agreed(&mut events, 2).await;
    network.nodes.insert(1, Node::start(config).await.unwrap());
    agreed(&mut events, 3).await;
    assert_eq!(void(&network), 0, "nothing was lost");
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_comes_to_an_end_when_it_is_to_finish() {
    let network = Network::start(Plan::default()).await;
    let mut events = network.nodes[0].events();
    agreed(&mut events, 3).await;
    for node in &network.nodes {
        node.drain().await;
    }
    for node in &network.nodes {
        let ended = timeout(Duration::from_secs(60), node.wait_drained()).await;
        assert!(ended.is_ok(), "{} {}", node.role(), node.index());
    }
    network.stop().await;
}
