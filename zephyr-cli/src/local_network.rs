//! All servers of a network in this process, on loopback sockets.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use futures::future::{join_all, try_join_all};
use tokio::sync::mpsc;
use zephyr_client::Network;
use zephyr_core::{Parameters, Role, ServerEntry, ServerId};
use zephyr_machine::SharedManifest;
use zephyr_machine::pkg::{PkgRules, Quota};
use zephyr_server::listen::Limits;
use zephyr_server::mail::{CaughtMail, MailCatcher, SmtpConfig};
use zephyr_server::store::Database;
use zephyr_server::{Node, NodeConfig, PkgConfig};

use crate::exit::{Failure, Outcome};
use crate::files::{self, Seed};
use crate::server_config::{shared_manifest, sqlite_url};

/// How many servers of each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub mixers: usize,
    pub pkgs: usize,
    pub infos: usize,
    pub mailbox_servers: usize,
}

impl Counts {
    /// How many servers of the role `role`.
    pub fn of(&self, role: Role) -> usize {
        match role {
            Role::Mixer => self.mixers,
            Role::Pkg => self.pkgs,
            Role::Info => self.infos,
            _ => self.mailbox_servers,
        }
    }
}

/// A server of the network.
pub struct Member {
    pub role: Role,
    pub name: String,
    pub seed: Seed,
}

/// New servers with new keys.
///
/// # Errors
/// If the operating system gives no random numbers.
pub fn new_members(counts: &Counts) -> Outcome<Vec<Member>> {
    let mut members = Vec::new();
    for role in Role::ALL {
        for number in 1..=counts.of(role) {
            members.push(Member {
                role,
                name: format!("{role}-{number}"),
                seed: files::new_seed()?,
            });
        }
    }
    Ok(members)
}

/// A new network of these servers, at ports of the loopback interface that are free now.
///
/// # Errors
/// If no port is free, or the parameters make no network.
pub fn new_network<'m>(
    members: impl IntoIterator<Item = &'m Member>,
    parameters: &Parameters,
) -> Outcome<Network> {
    let mut ports = FreePorts::new()?;
    let mut servers = Vec::new();
    for member in members {
        let address = |port| format!("127.0.0.1:{port}");
        servers.push((member, address(ports.next()?), address(ports.next()?)));
    }
    let entries: Vec<_> = servers
        .iter()
        .map(|(member, client_address, peer_address)| {
            let (id, link_key) = files::public_keys(&member.seed);
            ServerEntry {
                role: member.role,
                id,
                link_key,
                name: &member.name,
                client_address,
                peer_address,
            }
        })
        .collect();
    Ok(Network::new(parameters, &entries)?)
}

/// Ports that nobody listens on, below those that systems give to outgoing connections: one of these might be
/// taken again before the server starts.
struct FreePorts {
    next: u16,
    left: u32,
}

const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

impl FreePorts {
    fn new() -> Outcome<Self> {
        let random = u16::from_be_bytes(files::new_seed()?[..2].try_into().expect("two bytes"));
        Ok(Self { next: random % PORTS, left: PORTS.into() })
    }

    fn next(&mut self) -> Outcome<u16> {
        while self.left > 0 {
            let port = FIRST_PORT + self.next;
            self.next = (self.next + 1) % PORTS;
            self.left -= 1;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return Ok(port);
            }
        }
        Err(Failure::failed("no port of 127.0.0.1 is free: stop other programs and try again"))
    }
}

/// What the servers of a network need besides it.
pub struct Settings {
    /// Where the PKGs send their mails.
    pub smtp: SocketAddr,
    /// The folder for what must survive a restart; without it everything is in memory.
    pub folder: Option<PathBuf>,
    /// How long a new key waits before it replaces another, in milliseconds.
    pub replacement_wait_ms: u64,
}

/// Starts a network whose servers keep everything in memory, and catches the mails of its PKGs.
///
/// # Errors
/// Names what doesn't start.
pub async fn start_in_memory(
    network: &Network,
    members: &[Member],
) -> Outcome<(LocalNetwork, MailCatcher, mpsc::Receiver<CaughtMail>)> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (catcher, mails) = MailCatcher::start(any)
        .await
        .map_err(|error| Failure::failed(format!("the mail catcher can't listen: {error}")))?;
    let settings = Settings { smtp: catcher.address(), folder: None, replacement_wait_ms: 60_000 };
    Ok((LocalNetwork::start(network, members, &settings).await?, catcher, mails))
}

/// A network that runs.
pub struct LocalNetwork {
    /// The servers, in the manifest's order.
    pub servers: Vec<LocalServer>,
}

/// One of its servers, which can be ended and started again.
pub struct LocalServer {
    pub role: Role,
    pub name: String,
    config: NodeConfig,
    node: Option<Node>,
}

impl LocalNetwork {
    /// Starts all servers and waits until each is connected to all others.
    ///
    /// # Errors
    /// Names the server that doesn't start.
    pub async fn start(
        network: &Network,
        members: &[Member],
        settings: &Settings,
    ) -> Outcome<Self> {
        check_open_files(members.len(), 0)?;
        let manifest = shared_manifest(network)?;
        let server = |member: &Member| LocalServer::new(&manifest, member, settings);
        let mut servers = members.iter().map(server).collect::<Outcome<Vec<_>>>()?;
        try_join_all(servers.iter_mut().map(LocalServer::start)).await?;
        let ids: Vec<ServerId> = network.manifest().all().map(|server| server.id).collect();
        let nodes = servers.iter().filter_map(LocalServer::node);
        join_all(nodes.map(|node| node.wait_connected(&ids))).await;
        Ok(Self { servers })
    }

    /// The servers that run, of this role.
    pub fn nodes(&self, role: Role) -> impl Iterator<Item = (&str, &Node)> {
        let of_role = self.servers.iter().filter(move |server| server.role == role);
        of_role.filter_map(|server| Some((server.name.as_str(), server.node()?)))
    }

    /// The mixer with this number, from 0.
    pub fn mixer(&mut self, number: usize) -> &mut LocalServer {
        let mut mixers = self.servers.iter_mut().filter(|server| server.role == Role::Mixer);
        mixers.nth(number).expect("there are so many mixers")
    }

    /// Stops all servers; when it returns, their ports are free.
    pub async fn stop(mut self) {
        join_all(self.servers.iter_mut().map(LocalServer::stop)).await;
    }
}

impl LocalServer {
    fn new(manifest: &SharedManifest, member: &Member, settings: &Settings) -> Outcome<Self> {
        let id = files::public_keys(&member.seed).0;
        let (_, _, entry) = manifest
            .find(&id)
            .ok_or_else(|| Failure::failed("it is not in the network file").of(&member.name))?;
        let config = NodeConfig {
            manifest: manifest.clone(),
            seed: member.seed.clone(),
            client_listen: entry.client_address.to_owned(),
            peer_listen: entry.peer_address.to_owned(),
            state: settings.state(member)?,
            pkg: settings.pkg(member),
            mailbox_database: settings.database(member, Role::Mailbox),
            metrics_listen: None,
            limits: limits(),
        };
        Ok(Self { role: member.role, name: member.name.clone(), config, node: None })
    }

    /// The server, if it runs.
    pub fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// Starts it, with the same keys and at the same ports each time.
    ///
    /// # Errors
    /// Says why it doesn't start.
    pub async fn start(&mut self) -> Outcome {
        let started = Node::start(self.config.clone()).await;
        self.node = Some(started.map_err(|error| Failure::from(error).of(&self.name))?);
        Ok(())
    }

    /// Stops it; when it returns, its ports are free.
    pub async fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop().await;
        }
    }

    /// Ends it as if its process had been killed.
    pub async fn kill(&mut self) {
        if let Some(node) = self.node.take() {
            node.kill().await;
        }
    }
}

/// Whether this process may have enough files open. Each server has a connection to each other one, each client to
/// some of them, and both ends are here; the rest is for a few more clients and for files.
///
/// # Errors
/// Says how to raise the limit.
pub fn check_open_files(servers: usize, clients: usize) -> Outcome {
    let needed = servers * servers + 16 * clients + 300;
    match open_files_limit() {
        Some(limit) if limit < needed => Err(Failure::failed(format!(
            "{servers} servers in one process need about {needed} open files, the limit is {limit}: raise it with `ulimit -n {needed}`, or start less"
        ))),
        _ => Ok(()),
    }
}

/// How many files this process may have open; `None` where the system doesn't tell.
fn open_files_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Settings {
    fn state(&self, member: &Member) -> Outcome<Option<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let state = folder.join(&member.name);
        files::private_dir(&state)?;
        Ok(Some(state))
    }

    fn database(&self, member: &Member, role: Role) -> Option<Database> {
        let folder = self.folder.as_deref().filter(|_| member.role == role)?;
        let file = folder.join(&member.name).join(format!("{role}.db"));
        Some(Database::new(sqlite_url(&absolute(&file))))
    }

    fn pkg(&self, member: &Member) -> Option<PkgConfig> {
        (member.role == Role::Pkg).then(|| PkgConfig {
            smtp: SmtpConfig::local(self.smtp, "Zephyr <pkg@zephyr.example>"),
            rules: rules(self.replacement_wait_ms),
            database: self.database(member, Role::Pkg),
        })
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// All clients come from one address here.
fn limits() -> Limits {
    let limits = Limits::default();
    Limits { connections_per_prefix: limits.connections, ..limits }
}

/// And all ask for codes from one.
fn rules(replacement_wait_ms: u64) -> PkgRules {
    let many = Quota { burst: 10_000, window_ms: 60_000 };
    PkgRules { peer: many, replacement_wait_ms, ..PkgRules::default() }
}
