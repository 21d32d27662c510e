//! A network of separate processes, made as an operator would and from the sample configurations.

mod common;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::Receiver;

use common::{Background, PATIENCE, run, stdout, succeeded, zephyr};
use zephyr_server::mail::{CaughtMail, MailCatcher};

const SERVERS: [&str; 4] = ["mixer-1", "pkg-1", "info-1", "mailbox-1"];

fn role(name: &str) -> &str {
    name.split('-').next().expect("a role")
}

/// Ports that are free now, below those that systems give to outgoing connections: one of these might be taken
/// before the server starts.
fn free_ports(count: usize) -> Vec<u16> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let ports = std::iter::repeat_with(|| {
        let number = u64::from(std::process::id()) * 131 + NEXT.fetch_add(1, Ordering::Relaxed);
        20_000 + (number % 12_000) as u16
    });
    ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).take(count).collect()
}

/// Keys, drafts and configurations of servers; returns the drafts.
fn equip(dir: &Path, names: &[&str], smtp: SocketAddr) -> Vec<String> {
    let ports = free_ports(2 * names.len());
    let draft = |(name, ports): (&&str, &[u16])| {
        let (role, client, peer) = (role(name), ports[0], ports[1]);
        let key = dir.join(format!("{name}.key"));
        let entry = run(&format!(
            "keygen --role {role} --client 127.0.0.1:{client} --peer 127.0.0.1:{peer} --out {}",
            key.display()
        ));
        succeeded(&entry);
        let draft = dir.join(format!("draft-{name}.toml"));
        fs::write(&draft, stdout(&entry)).unwrap();
        config(dir, name, client, peer, smtp);
        draft.display().to_string()
    };
    names.iter().zip(ports.chunks(2)).map(draft).collect()
}

/// Their network file, too.
fn prepare(dir: &Path, names: &[&str], smtp: SocketAddr) {
    let mut drafts = equip(dir, names, smtp);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let parameters = format!(
        "[parameters]\ngenesis_unix_ms = {now}\nround_ms = 2000\nopen_ms = 700\nsubmit_ms = 1300\nphase_ms = 500\ndeliver_ms = 1000\ndownload_ms = 1500\nnoise_mu_thousandths = 2000\nnoise_b_thousandths = 500\n"
    );
    let file = dir.join("parameters.toml");
    fs::write(&file, parameters).unwrap();
    drafts.push(file.display().to_string());
    let network = dir.join("network.toml");
    succeeded(&run(&format!("network init --out {} {}", network.display(), drafts.join(" "))));
}

/// Starts a server and waits until it is ready.
fn start(dir: &Path, name: &str) -> Background {
    let role = role(name);
    let config = dir.join(format!("{name}.toml"));
    let server = Background::start(zephyr(&format!("{role} --config {}", config.display())));
    server.wait_for(&format!("ready: {role} {name}"));
    server
}

/// Makes a home in which `name` is registered.
async fn register(dir: &Path, name: &str, mails: &mut Receiver<CaughtMail>) -> String {
    let home = dir.join(name).display().to_string();
    let network = dir.join("network.toml");
    let register =
        format!("--home {home} register {name}@example.org --network {}", network.display());
    common::failed(&run(&register), 4, "--code");
    let mail = tokio::time::timeout(PATIENCE, mails.recv()).await.unwrap().expect("a mail");
    let code = CaughtMail::code(&mail).expect("a code");
    succeeded(&run(&format!("{register} --code {code}")));
    home
}

/// The sample with this machine's ports.
fn config(dir: &Path, name: &str, client: u16, peer: u16, smtp: SocketAddr) {
    let role = role(name);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/samples/{role}.toml"));
    let text = fs::read_to_string(sample)
        .unwrap()
        .replace("0.0.0.0:7100", &format!("127.0.0.1:{client}"))
        .replace("0.0.0.0:7200", &format!("127.0.0.1:{peer}"))
        .replace("port = 2525", &format!("port = {}", smtp.port()))
        .replace("127.0.0.1:9100", "127.0.0.1:0")
        .replace(&format!("{role}-1"), name);
    fs::write(dir.join(format!("{name}.toml")), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_make_a_network_that_registers_and_delivers() {
    let dir = tempfile::tempdir().unwrap();
    let (catcher, mut mails) = MailCatcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    prepare(dir.path(), &SERVERS, catcher.address());
    let servers = SERVERS.map(|name| start(dir.path(), name));
    let alice = register(dir.path(), "alice", &mut mails).await;
    let bob = register(dir.path(), "bob", &mut mails).await;
    let mut recv =
        Background::start(zephyr(&format!("--home {bob} recv --wait 60s --messages 1 --json")));
    succeeded(&run(&format!("--home {alice} send --to bob@example.org hello")));
    let line = recv.output().remove(0);
    let message: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&message["from"], &message["text"]),
        (&"alice@example.org".into(), &"hello".into())
    );

    for server in servers {
        assert!(server.stop().success(), "SIGTERM ends a server in peace");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_exchange_a_mixer_while_the_others_run_and_people_write() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (catcher, mut mails) = MailCatcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let stay = ["mixer-2", "pkg-1", "info-1", "mailbox-1"];
    prepare(dir, &[&["mixer-1"], &stay[..]].concat(), catcher.address());
    let goes = start(dir, "mixer-1");
    let servers = stay.map(|name| start(dir, name));
    let alice = register(dir, "alice", &mut mails).await;
    let bob = register(dir, "bob", &mut mails).await;
    // What contacts write is handed on in its order.
    succeeded(&run(&format!("--home {bob} contacts add alice@example.org")));
    let recv = Background::start(zephyr(&format!("--home {bob} recv --wait 10m --json")));
    let mut sent = 0;
    let mut send = || {
        succeeded(&run(&format!("--home {alice} send --to bob@example.org message-{sent}")));
        sent += 1;
    };
    send();

    let draft = equip(dir, &["mixer-3"], catcher.address()).remove(0);
    let (network, next) = (dir.join("network.toml"), dir.join("next.toml"));
    let changes = format!("--in 8s --remove mixer-1 --add {draft}");
    let (from, to) = (network.display(), next.display());
    succeeded(&run(&format!("network next {from} --out {to} {changes}")));
    for name in ["mixer-2", "pkg-1"] {
        let key = dir.join(format!("{name}.key"));
        succeeded(&run(&format!("network sign {to} --key {}", key.display())));
    }
    fs::rename(&next, &network).unwrap();
    let comes = start(dir, "mixer-3");
    // Until the last round with the old mixer has closed.
    let over = Instant::now() + Duration::from_secs(18);
    while Instant::now() < over {
        send();
    }
    assert!(goes.stop().success());
    send();
    for number in 0..sent {
        let message: serde_json::Value = serde_json::from_str(&recv.wait_for("{")).unwrap();
        assert_eq!(message["text"], format!("message-{number}"));
    }
    assert!(recv.stop().success());
    for server in servers.into_iter().chain([comes]) {
        assert!(server.stop().success());
    }
}
