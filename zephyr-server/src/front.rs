//! A mailbox server's front: a process that answers clients' downloads from the server's database.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use zephyr_core::{Role, ServerId, Signature, Suite, server_keys};
use zephyr_machine::SharedManifest;
use zeroize::Zeroizing;

use crate::listen::{self, Limits, Listener};
use crate::metrics::{self, Metrics};
use crate::node::{Native, NodeError, NodeStats, Stats};
use crate::roles::mailbox::FrontServer;
use crate::store::{Database, SqlMailboxes};

/// What a front needs to start.
#[derive(Clone)]
pub struct FrontConfig {
    /// The network.
    pub manifest: SharedManifest,
    /// The secret of the mailbox server: clients know the server by a key that comes from it.
    pub seed: Zeroizing<[u8; 32]>,
    /// Where to listen for clients, `host:port`.
    pub client_listen: String,
    /// The mailbox server's database, in PostgreSQL.
    pub database: Database,
    /// Where to serve metrics, `host:port`; nowhere by default. Whoever can connect there can read them.
    pub metrics_listen: Option<String>,
    /// What clients may cost.
    pub limits: Limits,
}

/// A front that runs. It holds nothing that is not in the database: any number may stand side by side, and go on while
/// the mailbox server is away. It goes on until [`MailboxFront::stop`]; dropped without that it ends at once.
pub struct MailboxFront {
    client_address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stats: Arc<Stats>,
    store: SqlMailboxes,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl MailboxFront {
    /// Starts a front of the mailbox server whose seed the configuration has.
    ///
    /// # Errors
    /// If the manifest does not list that server, or the port or database cannot be used.
    pub async fn start(config: FrontConfig) -> Result<Self, NodeError> {
        let (identity_seed, secret) = server_keys(&config.seed);
        let id = ServerId::from_bytes(<Native as Suite>::Signature::public(&identity_seed));
        let (role, ..) = config.manifest.find(&id).ok_or(NodeError::NotListed)?;
        if role != Role::Mailbox {
            return Err(NodeError::NoMailbox(role));
        }
        let cannot = |error| NodeError::Listen(config.client_listen.clone(), error);
        let listener = Listener::bind(&config.client_listen).await.map_err(cannot)?;
        let client_address = listener.local_addr().map_err(cannot)?;
        let metrics_listener = metrics::bind(config.metrics_listen.as_deref()).await?;
        let metrics_address = metrics_listener.as_ref().and_then(|port| port.local_addr().ok());
        let store = SqlMailboxes::open_to_read(&config.database, &id).await?;
        let stats = Arc::<Stats>::default();
        let front = FrontServer::new(config.manifest.clone(), id, store.clone(), stats.clone());
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        if let Some(port) = metrics_listener {
            let source = metrics::Front {
                manifest: config.manifest.clone(),
                server: id,
                stats: stats.clone(),
                connections: Box::new(listener.connections()),
            };
            tasks.push(tokio::spawn(metrics::serve(port, Metrics::of(source), stopped.clone())));
        }
        let network = config.manifest.network();
        let serve = listen::serve(listener, network, *secret, config.limits, front, stopped);
        tasks.push(tokio::spawn(serve));
        Ok(Self { client_address, metrics_address, stats, store, stop, tasks })
    }

    /// Where clients reach it.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Where it serves its metrics, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// What it has done so far.
    pub fn stats(&self) -> NodeStats {
        self.stats.snapshot()
    }

    /// Ends it: what clients have asked for is answered, and its port is free when this returns.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for task in &mut self.tasks {
            let _ = task.await;
        }
        self.store.close().await;
    }
}

impl Drop for MailboxFront {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
