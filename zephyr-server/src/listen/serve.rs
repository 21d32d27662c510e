//! Accepting connections, and ending them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use zephyr_core::{LinkKey, MAX_FRAME_MESSAGE, NetworkId, Suite};
use zeroize::Zeroizing;

use super::connection;
use super::gate::Gate;
use super::peer::{PeerInfo, Prefix};
use super::replies::{Close, Replies};
use crate::node::Native;

/// How long no connection is accepted after that has failed, as it does when there are no file handles left.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers the requests of one role's clients.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request with any number of replies. The next request of the same client is read afterwards.
    ///
    /// Whatever it waits for is up to the handler to limit in time: only requests and replies have timeouts.
    ///
    /// # Errors
    /// Closes the connection. The errors of [`Replies::send`] are to be passed on.
    fn handle(
        &self,
        peer: &PeerInfo,
        request: &[u8],
        reply: &mut Replies<'_>,
    ) -> impl Future<Output = Result<(), Close>> + Send;
}

/// What clients may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one [`Prefix`].
    pub connections_per_prefix: usize,
    /// Length of the longest request in bytes, at most [`MAX_FRAME_MESSAGE`].
    pub max_request: usize,
    /// From the first byte to the end of the handshake.
    pub handshake: Duration,
    /// From the last reply to the last byte of the next request.
    pub idle: Duration,
    /// For the network to take one reply.
    pub write: Duration,
    /// For requests that are being answered at shutdown.
    pub grace: Duration,
}

impl Default for Limits {
    /// 4,096 connections, 64 from one prefix; requests of 40 KiB; 5 s for the handshake, 60 s idle, 10 s for a
    /// reply, 2 s of grace.
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_prefix: 64,
            max_request: 40 * 1024,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(10),
            grace: Duration::from_secs(2),
        }
    }
}

/// A port that clients connect to.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    gate: Arc<Gate>,
}

impl Listener {
    /// Binds `address`. Port 0 takes a free one.
    ///
    /// # Errors
    /// The operating system's, such as that the port is taken.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self { tcp: TcpListener::bind(address).await?, gate: Arc::default() })
    }

    /// The address it is bound to.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Tells how many clients are connected, at any time.
    pub fn connections(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let gate = self.gate.clone();
        move || gate.count()
    }
}

/// What all connections of a listener use.
pub(super) struct Shared<H> {
    pub network: NetworkId,
    pub key: LinkKey,
    pub limits: Limits,
    pub handler: H,
}

/// Serves clients of `network` with `handler`, until `shutdown` becomes true or its sender is dropped.
///
/// `static_secret` is the X25519 secret whose public key the manifest pins. Requests that are being answered at
/// shutdown have [`Limits::grace`] to finish; when this returns, all connections are closed.
pub async fn serve<H: Handler>(
    listener: Listener,
    network: NetworkId,
    static_secret: [u8; 32],
    limits: Limits,
    handler: H,
    mut shutdown: watch::Receiver<bool>,
) {
    let limits = Limits { max_request: limits.max_request.min(MAX_FRAME_MESSAGE), ..limits };
    let secret = Zeroizing::new(static_secret);
    let key = LinkKey::new::<<Native as Suite>::Dh>(&secret);
    let shared = Arc::new(Shared { network, key, limits, handler });
    let mut tasks = JoinSet::new();
    let stop = shutdown.clone();
    loop {
        tokio::select! {
            accepted = listener.tcp.accept() => match accepted {
                Ok((stream, address)) => admit(stream, address, &listener.gate, &shared, &stop, &mut tasks),
                Err(error) => {
                    tracing::warn!(%error, "can't accept connections");
                    sleep(PAUSE).await;
                }
            },
            Some(ended) = tasks.join_next() => report(ended),
            () = stopped(&mut shutdown) => break,
        }
    }
    drop(listener);
    let finish = async {
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    };
    let in_time = timeout(limits.grace, finish).await;
    if in_time.is_err() {
        tasks.shutdown().await;
    }
}

/// Waits until `shutdown` is true or nobody can make it true any more.
pub(crate) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // The guard in the result must not live on: futures that hold it can't move between threads.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Starts to serve a connection, or drops it if there are too many.
fn admit<H: Handler>(
    stream: TcpStream,
    address: SocketAddr,
    gate: &Arc<Gate>,
    shared: &Arc<Shared<H>>,
    shutdown: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) {
    let (all, per_prefix) = (shared.limits.connections, shared.limits.connections_per_prefix);
    let Some(place) = gate.enter(Prefix::of(address.ip()), all, per_prefix) else {
        tracing::debug!("a connection too many was dropped");
        return;
    };
    let (shared, shutdown) = (Arc::clone(shared), shutdown.clone());
    tasks.spawn(async move {
        let _place = place;
        if let Err(reason) = connection::run(stream, address.ip(), &shared, shutdown).await {
            tracing::debug!(%reason, "a connection ended");
        }
    });
}

/// A handler that panics costs its own connection only.
fn report(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a handler panicked: its connection was closed");
    }
}
