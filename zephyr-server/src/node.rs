//! One server: its keys, its links to clients, its place among the other servers, and its role.

mod config;
pub(crate) mod context;
pub(crate) mod drain;
mod neighbours;
mod shared_board;
pub(crate) mod stats;

use std::net::SocketAddr;
use std::sync::Arc;

use rand_core::UnwrapErr;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use zephyr_core::{
    Label, Role, ServerId, Signature, Suite, UnixMs, kdf, registration, server_keys,
};

use crate::listen::{self, Handler, Listener};
use crate::metrics::{self, Metrics, Observed};
use crate::net::{Incoming, Net, NetConfig, NodeId};
use crate::roles;
use crate::store::Database;
use zephyr_machine::event::ServerEvent;

pub use config::{NodeConfig, NodeError, PkgConfig};
pub(crate) use context::Context;
use drain::{Drain, Left};
pub(crate) use shared_board::SharedBoard;
pub use stats::{NodeStats, Stats};

/// The cryptography of hosts.
pub type Native = zephyr_blst::Native;

/// The system's random numbers.
pub(crate) type SystemRng = UnwrapErr<getrandom::SysRng>;

/// A server that runs. It goes on until [`Node::stop`]; dropped without that it ends at once.
pub struct Node {
    role: Role,
    index: usize,
    client_address: SocketAddr,
    peer_address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stats: Arc<Stats>,
    events: broadcast::Sender<ServerEvent>,
    stop: watch::Sender<bool>,
    drain: Drain,
    tasks: Vec<JoinHandle<()>>,
    net: crate::net::NetHandle,
}

impl Node {
    /// Starts the server whose seed the configuration has; what it is, the manifest says.
    ///
    /// # Errors
    /// If the manifest does not list it, or a port, file or database cannot be used.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let (identity_seed, link_secret) = server_keys(&config.seed);
        let id = ServerId::from_bytes(<Native as Suite>::Signature::public(&identity_seed));
        let (role, index, _) = config.manifest.find(&id).ok_or(NodeError::NotListed)?;

        let board = SharedBoard::new(config.manifest.clone());
        let peers = neighbours::peers(&config.manifest, &id);
        let net_config =
            NetConfig::new(*identity_seed, config.peer_listen.clone(), peers, board.record_check());
        let listener = Listener::bind(&config.client_listen)
            .await
            .map_err(|error| NodeError::Listen(config.client_listen.clone(), error))?;
        let client_address = listener
            .local_addr()
            .map_err(|error| NodeError::Listen(config.client_listen.clone(), error))?;
        let metrics_listener = metrics::bind(config.metrics_listen.as_deref()).await?;
        let metrics_address = metrics_listener.as_ref().and_then(|port| port.local_addr().ok());
        let (net, handle, incoming) = Net::bind(net_config).await?;
        let peer_address = net.listen_address();

        let (stop, stopped) = watch::channel(false);
        let (drain, draining) = drain::drain();
        let (events, _) = broadcast::channel(256);
        let hedge_secret = kdf(Label::HEDGE, config.seed.as_ref(), &[b"server"]);
        let context = Context {
            manifest: config.manifest.clone(),
            id,
            identity_seed,
            hedge_secret,
            net: handle.clone(),
            board,
            stats: Default::default(),
            observed: Arc::new(Observed::new(config.manifest.clone(), id)),
            events: events.clone(),
            stop: stopped,
            draining,
        };
        let mut node = Self {
            role,
            index,
            client_address,
            peer_address,
            metrics_address,
            stats: context.stats.clone(),
            events,
            stop,
            drain,
            tasks: vec![tokio::spawn(net.run())],
            net: handle,
        };
        if let Some(metrics_listener) = metrics_listener {
            let metrics = Metrics::new(role, &context, listener.connections());
            node.spawn(metrics::serve(metrics_listener, metrics, context.stop.clone()));
        }
        let door = Door { listener, secret: *link_secret, limits: config.limits };
        let neighbours =
            neighbours::keep(config.manifest.clone(), id, node.net.clone(), context.stop.clone());
        node.spawn(neighbours);
        node.start_role(config, context, door, incoming).await?;
        Ok(node)
    }

    async fn start_role(
        &mut self,
        config: NodeConfig,
        context: Context,
        door: Door,
        incoming: mpsc::Receiver<Incoming>,
    ) -> Result<(), NodeError> {
        let network = context.manifest.network();
        let stop = context.stop.clone();
        match self.role {
            Role::Mixer => {
                let guard = roles::mixer::load_guard(config.state.as_deref())?;
                let (mixer, handler) = roles::mixer::MixerServer::new(context, guard);
                self.spawn(mixer.run(incoming));
                self.spawn(door.serve(network, handler, stop));
            }
            Role::Pkg => {
                let settings = config.pkg.ok_or(NodeError::NoPkgSettings)?;
                let (pkg, handler) = roles::pkg::open(context, settings).await?;
                self.spawn(pkg.run(incoming));
                let door = door.of_requests(registration::MAX_REQUEST);
                self.spawn(door.serve(network, handler, stop));
            }
            Role::Info => {
                let (info, handler) = roles::info::open(context);
                self.spawn(info.run(incoming));
                let door = door.of_requests(SHORT_REQUEST);
                self.spawn(door.serve(network, handler, stop));
            }
            Role::Mailbox => {
                let database = config.mailbox_database.unwrap_or_else(Database::memory);
                let (mailbox, handler) = roles::mailbox::open(context, &database).await?;
                self.spawn(mailbox.run(incoming));
                let door = door.of_requests(SHORT_REQUEST);
                self.spawn(door.serve(network, handler, stop));
            }
            other => return Err(NodeError::UnknownRole(other)),
        }
        Ok(())
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task));
    }

    /// What the server is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its place among the servers of its role.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Where clients reach it.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Where the other servers reach it.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer_address
    }

    /// Where it serves its metrics, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// What it has done so far.
    pub fn stats(&self) -> NodeStats {
        self.stats.snapshot()
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<ServerEvent> {
        self.events.subscribe()
    }

    /// Waits until all other servers are connected; `false` if this one stops before.
    pub async fn wait_connected(&self, others: &[ServerId]) -> bool {
        let nodes: Vec<_> = others
            .iter()
            .map(|id| NodeId::from_bytes(*id.as_bytes()))
            .filter(|&id| id != self.net.own())
            .collect();
        self.net.wait_connected(&nodes).await
    }

    /// Has the server finish what it has begun, and begin nothing more: a mixer opens no more rounds and mixes those that
    /// it has announced, a PKG opens none and gives keys for those that are open, a mailbox server takes no more
    /// deliveries. Returns until when that takes at most, as far as the server knows. Then
    /// [`wait_drained`](Self::wait_drained), and [`stop`](Self::stop).
    pub async fn drain(&self) -> Option<UnixMs> {
        match self.drain.ask().await {
            Left::Until(until) => until,
            Left::Unasked | Left::Nothing => None,
        }
    }

    /// Waits until all is finished after [`drain`](Self::drain).
    pub async fn wait_drained(&self) {
        self.drain.done().await;
    }

    /// Ends the server: open requests are answered, every task has ended and every port is free when this
    /// returns. Rounds under way are void.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let tasks = std::mem::take(&mut self.tasks);
        let mut tasks = tasks.into_iter();
        let net = tasks.next();
        for task in tasks {
            let _ = task.await;
        }
        // Last, so that the others could still be told.
        self.net.shutdown().await;
        if let Some(net) = net {
            let _ = net.await;
        }
    }

    /// Ends the server at once, as if its process had been killed: nobody is told, no request is answered, and what
    /// is not on disk is gone. Its ports are free when this returns.
    pub async fn kill(mut self) {
        let tasks = std::mem::take(&mut self.tasks);
        tasks.iter().for_each(JoinHandle::abort);
        for task in tasks {
            let _ = task.await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The longest request to an info-node or a mailbox server: a kind and two numbers, and some more.
const SHORT_REQUEST: usize = 64;

/// The port for clients.
struct Door {
    listener: Listener,
    secret: [u8; 32],
    limits: listen::Limits,
}

impl Door {
    /// For a role whose longest request has `len` bytes: a connection has memory for one.
    fn of_requests(mut self, len: usize) -> Self {
        self.limits.max_request = self.limits.max_request.min(len);
        self
    }

    async fn serve<H: Handler>(
        self,
        network: zephyr_core::NetworkId,
        handler: H,
        stop: watch::Receiver<bool>,
    ) {
        listen::serve(self.listener, network, self.secret, self.limits, handler, stop).await;
    }
}
