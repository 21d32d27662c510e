//! A network of separate processes, made as an operator would and from the sample configurations.

mod common;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use common::{Background, PATIENCE, run, stdout, succeeded, zephyr};
use zephyr_server::mail::{CaughtMail, MailCatcher};

const ROLES: [&str; 4] = ["mixer", "pkg", "info", "mailbox"];

/// Ports that are free for the moment.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("its address").port()).collect()
}

/// Keys, network file and configurations.
fn prepare(dir: &Path, smtp: SocketAddr) -> Vec<(&'static str, PathBuf)> {
    let ports = free_ports(2 * ROLES.len());
    let mut drafts = Vec::new();
    let mut configs = Vec::new();
    for (role, ports) in ROLES.into_iter().zip(ports.chunks(2)) {
        let (client, peer) = (ports[0], ports[1]);
        let key = dir.join(format!("{role}-1.key"));
        let entry = run(&format!(
            "keygen --role {role} --client 127.0.0.1:{client} --peer 127.0.0.1:{peer} --out {}",
            key.display()
        ));
        succeeded(&entry);
        let draft = dir.join(format!("draft-{role}.toml"));
        fs::write(&draft, stdout(&entry)).unwrap();
        drafts.push(draft.display().to_string());
        configs.push((role, config(dir, role, client, peer, smtp)));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let parameters = format!(
        "[parameters]\ngenesis_unix_ms = {now}\nround_ms = 2000\nopen_ms = 700\nsubmit_ms = 1300\nphase_ms = 300\ndeliver_ms = 400\ndownload_ms = 1500\nnoise_mu_thousandths = 2000\nnoise_b_thousandths = 500\n"
    );
    let file = dir.join("parameters.toml");
    fs::write(&file, parameters).unwrap();
    drafts.push(file.display().to_string());
    let network = dir.join("network.toml");
    succeeded(&run(&format!("network init --out {} {}", network.display(), drafts.join(" "))));
    configs
}

/// The sample with this machine's ports.
fn config(dir: &Path, role: &str, client: u16, peer: u16, smtp: SocketAddr) -> PathBuf {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/samples/{role}.toml"));
    let text = fs::read_to_string(sample)
        .unwrap()
        .replace("0.0.0.0:7100", &format!("127.0.0.1:{client}"))
        .replace("0.0.0.0:7200", &format!("127.0.0.1:{peer}"))
        .replace("port = 2525", &format!("port = {}", smtp.port()));
    let path = dir.join(format!("{role}.toml"));
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_make_a_network_that_registers_and_delivers() {
    let dir = tempfile::tempdir().unwrap();
    let (catcher, mut mails) = MailCatcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let configs = prepare(dir.path(), catcher.address());
    let servers: Vec<_> = configs
        .iter()
        .map(|(role, config)| {
            Background::start(zephyr(&format!("{role} --config {}", config.display())))
        })
        .collect();
    for (server, role) in servers.iter().zip(ROLES) {
        server.wait_for(&format!("ready: {role} {role}-1"));
    }

    let home = |name: &str| dir.path().join(name).display().to_string();
    let network = home("network.toml");
    for name in ["alice", "bob"] {
        let register =
            format!("--home {} register {name}@example.org --network {network}", home(name));
        common::failed(&run(&register), 4, "--code");
        let mail = tokio::time::timeout(PATIENCE, mails.recv()).await.unwrap().expect("a mail");
        let code = CaughtMail::code(&mail).expect("a code");
        succeeded(&run(&format!("{register} --code {code}")));
    }
    let mut recv = Background::start(zephyr(&format!(
        "--home {} recv --wait 60s --messages 1 --json",
        home("bob")
    )));
    succeeded(&run(&format!("--home {} send --to bob@example.org hello", home("alice"))));
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
