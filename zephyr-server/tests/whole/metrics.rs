//! What operators see: metrics over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use zephyr_core::Role;
use zephyr_server::{Node, ServerEvent};

use super::network::{Network, Plan};
use super::thief::Thief;

/// Sends `request` and returns the answer's status line and body; nothing if there is no answer.
fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        // The server may hang up in the middle: then there is no answer.
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_string(&mut answer);
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    (head.lines().next().unwrap_or_default().into(), body.into())
}

fn metrics(node: &Node) -> Metrics {
    Metrics::at(node.metrics_address().expect("it serves metrics"))
}

/// The samples by name and labels. Parsing checks what Prometheus would: each family has one HELP and TYPE, in this
/// order, and its samples behind them; no sample comes twice; values are numbers.
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    pub fn at(address: SocketAddr) -> Self {
        let (status, body) = ask(address, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(status, "HTTP/1.1 200 OK");
        Self::parse(&body)
    }

    fn parse(text: &str) -> Self {
        let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
        let (mut helped, mut family) = (String::new(), (String::new(), String::new()));
        let body = text.strip_suffix("# EOF\n").expect("it is whole");
        for line in body.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a text");
                assert!(help.ends_with('.'), "{line}");
                helped = name.into();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                assert!(["counter", "gauge"].contains(&kind), "{line}");
                assert_eq!(name, helped, "HELP comes first");
                assert!(name.starts_with("zephyr_") && !name.ends_with("_total"), "{line}");
                assert!(families.insert(name.to_owned()), "twice: {line}");
                family = (name.into(), kind.into());
            } else {
                let (sample, value) = line.rsplit_once(' ').expect("a value");
                let name = sample.split('{').next().expect("a name");
                let total = if family.1 == "counter" { "_total" } else { "" };
                assert_eq!(name, format!("{}{total}", family.0), "{line}");
                if let Some(labels) = sample.strip_prefix(name).and_then(|l| l.strip_prefix('{')) {
                    for label in labels.strip_suffix('}').expect("closed").split(',') {
                        let (_, value) = label.split_once('=').expect("a label");
                        assert!(value.len() > 2 && value.starts_with('"') && value.ends_with('"'));
                    }
                }
                let value: f64 = value.parse().expect("a number");
                assert!(samples.insert(sample.into(), value).is_none(), "twice: {line}");
            }
        }
        Self(samples)
    }

    pub fn get(&self, sample: &str) -> f64 {
        *self.0.get(sample).unwrap_or_else(|| panic!("{sample} in {:?}", self.0))
    }

    /// The values of the label `label` in all samples of `name` that are not 0.
    fn labels(&self, name: &str, label: &str) -> BTreeSet<String> {
        let label = format!("{label}=\"");
        let samples = self.0.iter().filter(|(_, value)| **value != 0.0);
        let labels =
            samples.filter_map(|(sample, _)| sample.strip_prefix(name)?.split_once(&label));
        labels.filter_map(|(_, rest)| Some(rest.split_once('"')?.0.to_owned())).collect()
    }

    fn sum(&self, name: &str) -> f64 {
        self.0
            .iter()
            .filter(|(sample, _)| sample.split('{').next() == Some(name))
            .map(|(_, v)| v)
            .sum()
    }
}

/// Waits until `node` has found its loop packets of a round.
async fn looped(node: &Node) {
    let mut events = node.events();
    let looped = async { while !matches!(events.recv().await, Ok(ServerEvent::Looped { .. })) {} };
    timeout(Duration::from_secs(180), looped).await.expect("loop packets in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_tells_what_it_does_and_an_honest_network_loses_nothing() {
    let network = Network::start(Plan { round_ms: 3000, ..Plan::default() }).await;
    for mixer in network.of(Role::Mixer) {
        looped(mixer).await;
    }
    for node in &network.nodes {
        let role = node.role();
        let found = metrics(node);
        let own = format!("server=\"{role}{}\",role=\"{role}\"", node.index());
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(found.get(&format!("zephyr_server{{{own},version=\"{version}\"}}")), 1.0);
        assert_eq!(found.sum("zephyr_connected"), (network.nodes.len() - 1) as f64);
        assert_eq!(found.get("zephyr_manifest_version"), 0.0);
        assert!(found.get("zephyr_rounds_agreed_total") >= 1.0);
        assert!(found.get("zephyr_round") >= 1.0);
        assert_eq!(found.get("zephyr_directory_mixers"), 3.0);
        let text = format!("{:?}", found.0);
        assert!(!text.contains('@') && !text.contains("127.0.0.1"), "{text}");
        if role == Role::Mixer {
            assert!(found.sum("zephyr_loop_packets_total") >= 1.0);
            assert!(found.sum("zephyr_link_loop_packets_total") >= 1.0);
            assert!(found.get("zephyr_last_delivery_timestamp_seconds") > 1e9);
            assert!(found.0.contains_key("zephyr_ready_mixers{phase=\"0\"}"));
        }
        for bad in [
            "loop_packets_lost_total",
            "link_loop_packets_lost_total",
            "loop_packets_doubled_total",
            "suspected",
            "bad_packets_total",
            "other_batches_total",
            "mailboxes_altered_total",
        ] {
            assert_eq!(found.sum(&format!("zephyr_{bad}")), 0.0, "{bad}");
        }
    }
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_metrics_in_a_strange_way_disturbs_nobody() {
    let plan = Plan { mixers: 1, pkgs: 1, infos: 1, mailboxes: 1, ..Plan::default() };
    let network = Network::start(plan).await;
    let node = &network.nodes[0];
    let address = node.metrics_address().unwrap();
    let asked = |request: &str| ask(address, request).0;
    assert_eq!(asked("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 404 Not Found");
    let post = "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    assert_eq!(asked(post), "HTTP/1.1 405 Method Not Allowed");
    let long = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(100_000));
    assert!(!asked(&long).contains("200"));
    assert!(!asked("\u{16}\u{3}\u{1}garbage\r\n\r\n").contains("200"));

    // More than are let in, and none of them says anything, or comes to an end.
    let start = Instant::now();
    let hold = |i: usize| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&b"GET /metrics HTTP/1.1\r\nA"[..i % 20]).unwrap();
        stream
    };
    let held: Vec<_> = (0..40).map(hold).collect();
    let good = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    while asked(good) != "HTTP/1.1 200 OK" {
        assert!(start.elapsed() < Duration::from_secs(20), "it answers again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Metrics::parse(&ask(address, good).1);
    drop(held);
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixer_that_drops_packets_is_named_by_the_others_and_nobody_else_is() {
    let mut network = Network::start(Plan { round_ms: 3000, ..Plan::default() }).await;
    network.nodes.remove(2).stop().await;
    let thief = Thief::start(&network.configs[2]).await;
    let culprit = BTreeSet::from(["mixer2".to_owned()]);
    let (start, mut named) = (Instant::now(), false);
    // A round shows the culprit alone to one of the two others with probability 1/3.
    while !named {
        assert!(start.elapsed() < Duration::from_secs(400), "named in time");
        tokio::time::sleep(Duration::from_secs(1)).await;
        for mixer in network.of(Role::Mixer) {
            let found = metrics(mixer);
            let suspected = found.labels("zephyr_suspected", "mixer");
            assert!(suspected.is_empty() || suspected.is_superset(&culprit), "{suspected:?}");
            named |= suspected == culprit;
            let lost = |mixer| format!("zephyr_loop_packets_lost_total{{mixer=\"mixer{mixer}\"}}");
            let lost = |mixer| found.0.get(&lost(mixer)).copied().unwrap_or(0.0);
            assert!(lost(2) >= lost(0).max(lost(1)), "{:?}", found.0);
        }
    }
    thief.stop().await;
    network.stop().await;
}
