//! A whole network in this process, on loopback sockets.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use zephyr_core::{
    Dh, Geometry, Manifest, Parameters, Role, RouteMode, ServerEntry, ServerId, Signature, Suite,
    UnixMs, server_keys,
};
use zephyr_machine::SharedManifest;
use zephyr_machine::pkg::{PkgRules, Quota};
use zephyr_server::listen::Limits;
use zephyr_server::mail::{CaughtMail, MailCatcher, SmtpConfig};
use zephyr_server::{Native, Node, NodeConfig, PkgConfig};
use zeroize::Zeroizing;

/// How many servers of each role, and how rounds go.
#[derive(Clone, Copy)]
pub struct Plan {
    pub mixers: usize,
    /// How many of them are enough; 0 for all.
    pub min_mixers: usize,
    pub pkgs: usize,
    pub infos: usize,
    pub mailboxes: usize,
    pub routes: RouteMode,
    pub round_ms: u32,
    /// Whether clients come over WebSocket.
    pub websocket: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            mixers: 3,
            min_mixers: 0,
            pkgs: 2,
            infos: 2,
            mailboxes: 2,
            routes: RouteMode::Round,
            round_ms: 2000,
            websocket: false,
        }
    }
}

pub struct Network {
    pub manifest: SharedManifest,
    pub nodes: Vec<Node>,
    pub mails: mpsc::Receiver<CaughtMail>,
    pub configs: Vec<NodeConfig>,
    _catcher: MailCatcher,
}

struct Server {
    role: Role,
    seed: [u8; 32],
    name: String,
    client: String,
    peer: String,
}

/// A port that is free now, below those that systems give to outgoing connections: one of these might be taken
/// before the server starts.
pub fn free_port() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut ports = std::iter::repeat_with(|| {
        let number = u64::from(std::process::id()) * 131 + NEXT.fetch_add(1, Ordering::Relaxed);
        format!("127.0.0.1:{}", 20_000 + number % 12_000)
    });
    ports.find(|address| TcpListener::bind(address).is_ok()).expect("there are 12,000 of them")
}

pub fn now() -> UnixMs {
    UnixMs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

impl Network {
    pub async fn start(plan: Plan) -> Self {
        let servers = servers(&plan);
        let manifest = manifest(&plan, &servers);
        let (catcher, mails) = MailCatcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let many = Quota { burst: 1000, window_ms: 1000 };
        let rules = PkgRules { peer: many, ..PkgRules::default() };
        let smtp = SmtpConfig::local(catcher.address(), "Zephyr <pkg@example.org>");
        let configs: Vec<_> = servers
            .iter()
            .map(|server| NodeConfig {
                manifest: manifest.clone(),
                seed: Zeroizing::new(server.seed),
                client_listen: server.client.clone(),
                peer_listen: server.peer.clone(),
                state: None,
                pkg: Some(PkgConfig { smtp: smtp.clone(), rules: rules.clone(), database: None }),
                mailbox_database: None,
                metrics_listen: Some("127.0.0.1:0".into()),
                limits: Limits::default(),
            })
            .collect();
        let mut nodes = Vec::new();
        for config in &configs {
            nodes.push(Node::start(config.clone()).await.unwrap());
        }
        Self { manifest, nodes, mails, configs, _catcher: catcher }
    }

    pub fn of(&self, role: Role) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.role() == role)
    }

    pub async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

fn servers(plan: &Plan) -> Vec<Server> {
    let counts = [
        (Role::Mixer, plan.mixers),
        (Role::Pkg, plan.pkgs),
        (Role::Info, plan.infos),
        (Role::Mailbox, plan.mailboxes),
    ];
    let mut servers = Vec::new();
    for (role, count) in counts {
        for i in 0..count {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).unwrap();
            let name = format!("{role}{i}");
            servers.push(Server { role, seed, name, client: free_port(), peer: free_port() });
        }
    }
    servers
}

fn manifest(plan: &Plan, servers: &[Server]) -> SharedManifest {
    let round_ms = plan.round_ms;
    let parameters = Parameters {
        geometry: Geometry::new(plan.mixers.min(16), 1024).unwrap(),
        routes: plan.routes,
        min_mixers: if plan.min_mixers == 0 { plan.mixers } else { plan.min_mixers } as u8,
        packets_per_round: 4,
        mailboxes: 3,
        replicas: plan.mailboxes.min(2) as u8,
        genesis: now(),
        round_ms,
        open_ms: round_ms,
        submit_ms: round_ms,
        phase_ms: round_ms / 2,
        deliver_ms: round_ms / 2,
        download_ms: round_ms,
        noise_mu: 1000,
        noise_b: 300,
        min_batch: 4,
    };
    let scheme =
        |port: &String| if plan.websocket { format!("ws://{port}/") } else { port.clone() };
    let addresses: Vec<_> = servers.iter().map(|server| scheme(&server.client)).collect();
    let entries = servers.iter().zip(&addresses).map(|(server, client_address)| {
        let (identity, link) = server_keys(&server.seed);
        ServerEntry {
            role: server.role,
            id: ServerId::from_bytes(<Native as Suite>::Signature::public(&identity)),
            link_key: <Native as Suite>::Dh::public(&link),
            name: &server.name,
            client_address,
            peer_address: &server.peer,
        }
    });
    let mut bytes = vec![0; 64 * 1024];
    let len = Manifest::encode(&parameters, entries, &mut bytes).unwrap();
    SharedManifest::new(&bytes[..len]).unwrap()
}
