//! The one task that owns the swarm.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::{ConnectionId, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream};
use libp2p_stream::IncomingStreams;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::batch;
use super::behaviour::{self, Behaviour};
use super::calls::{Answer, CallError, Replies};
use super::config::{NetConfig, StartError};
use super::dialer::Dialer;
use super::handle::{Command, Incoming, NetHandle};
use super::lookups::Lookups;
use super::records::Records;
use super::roster::{NodeId, Roster, keypair, to_multiaddr, to_socket_addr};

/// Commands that wait for the task; whoever sends more waits.
const COMMAND_QUEUE: usize = 64;
/// How often expired records and abandoned callers are swept out.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
const RESOLVE_TIME: Duration = Duration::from_secs(5);
/// At most this many addresses of one host name are tried.
const MAX_RESOLVED: usize = 8;

/// Somebody who waits for a connection.
pub(super) enum Waiting {
    Call {
        request: Vec<u8>,
        reply: oneshot::Sender<Result<Vec<u8>, CallError>>,
        sent: oneshot::Sender<()>,
    },
    Connect {
        reply: oneshot::Sender<Option<PeerId>>,
    },
}

impl Waiting {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Call { reply, .. } => reply.is_closed(),
            Self::Connect { reply } => reply.is_closed(),
        }
    }
}

/// The network of one server. It does nothing until [`Net::run`] is awaited, and is gone when that returns or is dropped.
pub struct Net {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) roster: Roster,
    pub(super) dialer: Dialer,
    pub(super) dials: HashMap<ConnectionId, NodeId>,
    resolving: FuturesUnordered<BoxFuture<'static, (NodeId, Vec<Multiaddr>)>>,
    pub(super) connected: BTreeSet<NodeId>,
    connected_out: watch::Sender<Vec<NodeId>>,
    pub(super) waiting: HashMap<NodeId, Vec<Waiting>>,
    pub(super) calls: HashMap<OutboundRequestId, oneshot::Sender<Result<Vec<u8>, CallError>>>,
    pub(super) replies: Replies,
    replies_in: mpsc::UnboundedReceiver<(ResponseChannel<Answer>, Answer)>,
    pub(super) lookups: Lookups,
    pub(super) record_ttl: Duration,
    streams: IncomingStreams,
    greetings: FuturesUnordered<BoxFuture<'static, ()>>,
    pub(super) places: HashMap<NodeId, Arc<Semaphore>>,
    max_batches: usize,
    stall: Duration,
    commands: mpsc::Receiver<Command>,
    pub(super) incoming: mpsc::Sender<Incoming>,
    listen: SocketAddr,
    stop: watch::Sender<bool>,
}

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Net").field("own", &self.roster.own()).finish_non_exhaustive()
    }
}

impl Net {
    /// Checks the configuration and begins to listen. Returns the network, whose [`Net::run`] the caller spawns, a handle to
    /// use it, and the channel on which everything that others send arrives; read it steadily.
    pub async fn bind(
        config: NetConfig,
    ) -> Result<(Self, NetHandle, mpsc::Receiver<Incoming>), StartError> {
        let keys = keypair(&config.seed);
        let own = NodeId::from_seed(&config.seed);
        let roster = Roster::new(own, &config.peers)?;
        let records = Records::new(
            libp2p::identity::PublicKey::from(keys.public()).to_peer_id(),
            config.max_records_per_peer,
            config.check,
        );
        let (stop, stopped) = watch::channel(false);
        let swarm = behaviour::swarm(keys.into(), records, config.record_ttl, stopped);
        let mut swarm = swarm.map_err(|error| StartError::Keys(error.to_string()))?;
        let listen = listen(&mut swarm, &config.listen).await?;

        let mut control = swarm.behaviour().streams.new_control();
        let streams =
            control.accept(batch::PROTOCOL).expect("a new behaviour has no protocols yet");
        let (command_sender, commands) = mpsc::channel(COMMAND_QUEUE);
        let (incoming, incoming_receiver) = mpsc::channel(config.incoming_queue.max(1));
        let (replies, replies_in) = mpsc::unbounded_channel();
        let (connected_out, connected) = watch::channel(Vec::new());
        let (stall, open) = (config.stall_timeout, config.open_timeout);
        let handle = NetHandle {
            commands: command_sender,
            streams: control,
            connected,
            incoming: incoming.downgrade(),
            own,
            stall,
            open,
        };
        let mut net = Self {
            swarm,
            dialer: Dialer::new(own),
            roster: Roster::empty(own),
            dials: HashMap::new(),
            resolving: FuturesUnordered::new(),
            connected: BTreeSet::new(),
            connected_out,
            waiting: HashMap::new(),
            calls: HashMap::new(),
            replies,
            replies_in,
            lookups: Lookups::default(),
            record_ttl: config.record_ttl,
            streams,
            greetings: FuturesUnordered::new(),
            places: HashMap::new(),
            max_batches: config.max_batches_per_peer,
            stall,
            commands,
            incoming,
            listen,
            stop,
        };
        net.install(roster);
        Ok((net, handle, incoming_receiver))
    }

    /// The address listened on, with its real port.
    pub fn listen_address(&self) -> SocketAddr {
        self.listen
    }

    /// Runs the network until it is told to shut down or the last handle is dropped. When it returns, its connections are
    /// closed, its tasks have ended and its port is free; the same holds soon after this future is dropped.
    pub async fn run(mut self) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            self.dial_due();
            let next_dial = self.dialer.poll_timeout();
            tokio::select! {
                Some((peer, stream)) = self.streams.next() => self.greet(peer, stream),
                event = self.swarm.select_next_some() => self.handle_event(event),
                command = self.commands.recv() => match command {
                    None | Some(Command::Shutdown) => break,
                    Some(command) => self.handle_command(command),
                },
                Some((channel, answer)) = self.replies_in.recv() => {
                    // The caller may have gone: then there is nobody to tell.
                    let _ = self.swarm.behaviour_mut().calls.send_response(channel, answer);
                }
                Some((node, addresses)) = self.resolving.next() => self.dial(node, addresses),
                Some(()) = self.greetings.next() => {}
                () = sleep_until(next_dial) => {}
                _ = sweep.tick() => self.sweep(Instant::now()),
            }
        }
        let Self { swarm, streams, greetings, stop, .. } = self;
        drop((swarm, streams, greetings));
        // Fails when no task is left.
        let _ = stop.send(true);
        stop.closed().await;
    }

    fn dial_due(&mut self) {
        while let Some(node) = self.dialer.poll_dial(Instant::now()) {
            let address = self.roster.address(&node).unwrap_or_default().to_owned();
            self.resolving.push(Box::pin(async move { (node, resolve(&address).await) }));
        }
    }

    /// Takes an incoming batch, or drops its stream if its sender has too many open.
    fn greet(&mut self, peer: PeerId, stream: Stream) {
        let Some(from) = self.roster.node(&peer) else { return };
        let places =
            self.places.entry(from).or_insert_with(|| Arc::new(Semaphore::new(self.max_batches)));
        let Ok(place) = places.clone().try_acquire_owned() else { return };
        let (incoming, stall) = (self.incoming.clone(), self.stall);
        self.greetings.push(Box::pin(async move {
            let Ok(mut opening) = batch::open(stream, stall, place).await else { return };
            let Ok(slot) = incoming.reserve_owned().await else { return };
            if opening.reader.accept().await.is_ok() {
                let batch::Opening { header, item_len, reader } = opening;
                slot.send(Incoming::Batch { from, header, item_len, reader });
            }
        }));
    }

    fn sweep(&mut self, now: Instant) {
        self.swarm.behaviour_mut().kad.store_mut().expire(now);
        self.calls.retain(|_, reply| !reply.is_closed());
        self.waiting.retain(|_, waiting| {
            waiting.retain(|waiting| !waiting.is_abandoned());
            !waiting.is_empty()
        });
    }

    pub(super) fn publish_connected(&self) {
        self.connected_out.send_replace(self.connected.iter().copied().collect());
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn resolve(address: &str) -> Vec<Multiaddr> {
    match tokio::time::timeout(RESOLVE_TIME, tokio::net::lookup_host(address)).await {
        Ok(Ok(found)) => found.take(MAX_RESOLVED).map(to_multiaddr).collect(),
        _ => Vec::new(),
    }
}

/// Begins to listen and returns the real address.
async fn listen(swarm: &mut Swarm<Behaviour>, address: &str) -> Result<SocketAddr, StartError> {
    let unknown = |source| StartError::ListenAddress { address: address.to_owned(), source };
    let mut resolved = tokio::net::lookup_host(address).await.map_err(unknown)?;
    let wanted = resolved.next().ok_or_else(|| unknown(std::io::ErrorKind::NotFound.into()))?;
    let refused = |source| StartError::Listen { address: wanted, source };
    behaviour::check_free(wanted).map_err(refused)?;
    swarm.listen_on(to_multiaddr(wanted)).map_err(|error| refused(std::io::Error::other(error)))?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                let port = to_socket_addr(&address).map_or(wanted.port(), |real| real.port());
                return Ok(SocketAddr::new(wanted.ip(), port));
            }
            SwarmEvent::ListenerClosed { reason: Err(error), .. }
            | SwarmEvent::ListenerError { error, .. } => return Err(refused(error)),
            _ => {}
        }
    }
}
