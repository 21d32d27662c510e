use std::time::Duration;

use tempfile::TempDir;
use zephyr_core::{
    Dh, Ed25519, Geometry, Parameters, Role, RouteMode, ServerEntry, ServerId, Signature, UnixMs,
    X25519, server_keys,
};

use super::*;
use crate::listeners::Signal;
use crate::types::{Delivery, PkgOutcome, RegistrationState};

const PATIENCE: Duration = Duration::from_secs(30);

/// At whose servers' addresses nobody listens.
fn network() -> String {
    let parameters = Parameters {
        geometry: Geometry::new(3, 1_024).unwrap(),
        routes: RouteMode::Round,
        min_mixers: 3,
        packets_per_round: 4,
        mailboxes: 1,
        replicas: 1,
        genesis: UnixMs(1_767_225_600_000),
        round_ms: 2_000,
        open_ms: 500,
        submit_ms: 1_000,
        phase_ms: 300,
        deliver_ms: 300,
        download_ms: 800,
        noise_mu: 0,
        noise_b: 0,
        min_batch: 0,
    };
    let roles = [(Role::Mixer, 3), (Role::Pkg, 2), (Role::Info, 1), (Role::Mailbox, 1)];
    let names: Vec<_> = roles
        .into_iter()
        .flat_map(|(role, n)| (1..=n).map(move |i| (role, format!("{role}-{i}"))))
        .collect();
    let servers: Vec<_> = names
        .iter()
        .zip(1u8..)
        .map(|((role, name), seed)| {
            let (identity, link) = server_keys(&[seed; 32]);
            ServerEntry {
                role: *role,
                id: ServerId::from_bytes(Ed25519::public(&identity)),
                link_key: X25519::public(&link),
                name,
                client_address: "127.0.0.1:9",
                peer_address: "127.0.0.1:9",
            }
        })
        .collect();
    Network::new(&parameters, &servers).unwrap().to_toml().unwrap()
}

async fn alice(directory: &TempDir) -> Arc<ZephyrClient> {
    let directory = directory.path().display().to_string();
    ZephyrClient::create(directory, "alice@example.org".into(), network()).await.unwrap()
}

/// The tests in Kotlin and Swift read it.
#[test]
fn the_network_file_for_tests_is_this_one() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../bindings/network.toml");
    if std::env::var_os("ZEPHYR_WRITE_VECTORS").is_some() {
        std::fs::write(file, network()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), network());
}

#[tokio::test]
async fn a_home_is_used_by_one_client_and_can_be_opened_after_it_is_closed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().display().to_string();
    let missing = ZephyrClient::open(path.clone()).await.err().unwrap();
    assert_eq!(missing, ZephyrError::NoHome { directory: path.clone() });
    let client = alice(&directory).await;
    assert_eq!(client.network().unwrap().pkgs, ["pkg-1", "pkg-2"]);
    let second = ZephyrClient::open(path.clone()).await.err().unwrap();
    assert_eq!(second, ZephyrError::InUse { directory: path.clone() });
    client.start().unwrap();
    client.close().await;
    client.close().await;
    assert!(!client.is_running());
    assert_eq!(client.start(), Err(ZephyrError::Closed));
    assert_eq!(client.contacts().await, Err(ZephyrError::Closed));
    ZephyrClient::open(path).await.unwrap().close().await;
}

#[tokio::test]
async fn a_client_that_is_dropped_by_any_thread_while_it_runs_closes_its_home() {
    let directory = TempDir::new().unwrap();
    let client = alice(&directory).await;
    client.start().unwrap();
    std::thread::spawn(move || drop(client)).join().unwrap();
    let opened = async {
        loop {
            if let Ok(again) = ZephyrClient::open(directory.path().display().to_string()).await {
                return again;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.unwrap().close().await;
}

#[tokio::test]
async fn a_client_is_stopped_and_started_again_without_a_pause() {
    let directory = TempDir::new().unwrap();
    let client = alice(&directory).await;
    let (failures, failed) = std::sync::mpsc::channel();
    let _subscription = client.state.subscribe(move |signal| {
        if let Signal::Stopped(failure) = signal {
            failures.send(failure.clone()).unwrap();
        }
        Ok(())
    });
    for _ in 0..3 {
        client.start().unwrap();
        let stopping = tokio::spawn({
            let client = client.clone();
            async move { client.stop().await }
        });
        while client.is_running() {
            tokio::task::yield_now().await;
        }
        client.start().unwrap();
        stopping.await.unwrap();
        client.stop().await;
    }
    client.close().await;
    assert_eq!(failed.iter().collect::<Vec<_>>(), vec![None; 6]);
    ZephyrClient::open(directory.path().display().to_string()).await.unwrap().close().await;
}

#[tokio::test]
async fn closing_makes_a_call_that_waits_fail() {
    let directory = TempDir::new().unwrap();
    let client = alice(&directory).await;
    let sent = client.send_text("bob@example.org".into(), "hello".into()).await.unwrap();
    assert_eq!(client.delivery(sent.id).await.unwrap(), Delivery::Queued);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.wait_delivered(sent.id).await }
    });
    tokio::task::yield_now().await;
    client.close().await;
    let waited = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(waited, Err(ZephyrError::Closed));
}

#[tokio::test]
async fn pkgs_that_cannot_be_reached_answer_for_themselves() {
    let directory = TempDir::new().unwrap();
    let client = alice(&directory).await;
    for answer in client.register().await.unwrap() {
        let PkgOutcome::Failed { error } = answer.outcome else { panic!("{answer:?}") };
        assert!(matches!(error, ZephyrError::Unreachable { .. }), "{error}");
    }
    for registration in client.registration().await.unwrap() {
        assert_eq!(registration.state, RegistrationState::NotRegistered);
    }
    client.close().await;
}
