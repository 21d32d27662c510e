//! The libp2p behaviours and the transport that they run on.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{
    Boxed, DialOpts, ListenerId, PortUse, Transport, TransportError, TransportEvent,
};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::swarm::{self, NetworkBehaviour, Swarm};
use libp2p::{Multiaddr, PeerId, StreamProtocol, kad, noise, ping, tcp, yamux};
use tokio::sync::watch;

use super::calls;
use super::records::Records;

const KAD: StreamProtocol = StreamProtocol::new("/zephyr/kad/1");
/// From TCP's first packet to the end of the handshakes.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Connections in their handshake at once; strangers can hold no more than these.
const MAX_HANDSHAKES: u32 = 256;
/// Connections to one peer at once: one is enough, two come of meeting half-way, the others of a peer that restarts.
const MAX_CONNECTIONS_PER_PEER: u32 = 8;
const PING_EVERY: Duration = Duration::from_secs(5);
/// A connection on which two pings in a row have no answer for this long counts as dead.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Asks and stores with everybody in a network of the usual size.
const EVERYBODY: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");
const QUERY_TIME: Duration = Duration::from_secs(5);
/// A record of 12 KiB, its key, and the peers that are named beside it.
const MAX_KAD_PACKET: usize = 20 * 1024;

#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p::swarm::derive_prelude")]
pub(super) struct Behaviour {
    // These two come first: they turn connections away before the others see them.
    pub(super) allowed: allow_block_list::Behaviour<AllowedPeers>,
    limits: connection_limits::Behaviour,
    pub(super) calls: calls::Behaviour,
    pub(super) streams: libp2p_stream::Behaviour,
    pub(super) kad: kad::Behaviour<Records>,
    ping: ping::Behaviour,
}

/// Builds the swarm. Its connections' tasks end when `stop` says true or is dropped.
pub(super) fn swarm(
    keypair: Keypair,
    records: Records,
    record_ttl: Duration,
    stop: watch::Receiver<bool>,
) -> Result<Swarm<Behaviour>, noise::Error> {
    let own = keypair.public().to_peer_id();
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_HANDSHAKES))
        .with_max_established_per_peer(Some(MAX_CONNECTIONS_PER_PEER));
    let ping = ping::Config::new().with_interval(PING_EVERY).with_timeout(PING_TIMEOUT);
    let behaviour = Behaviour {
        allowed: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(limits),
        calls: calls::behaviour(),
        streams: libp2p_stream::Behaviour::new(),
        kad: kad(own, records, record_ttl),
        ping: ping::Behaviour::new(ping),
    };
    let config = swarm::Config::with_executor(move |task: Task| spawn(task, stop.clone()))
        .with_idle_connection_timeout(NEVER)
        // Every server speaks every protocol, so nobody waits for the other to say so.
        .with_substream_upgrade_protocol_override(Version::V1Lazy);
    Ok(Swarm::new(transport(&keypair)?, behaviour, own, config))
}

fn kad(own: PeerId, records: Records, record_ttl: Duration) -> kad::Behaviour<Records> {
    let mut config = kad::Config::new(KAD);
    config
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_caching(kad::Caching::Disabled)
        .set_record_ttl(Some(record_ttl))
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_periodic_bootstrap_interval(None)
        .set_replication_factor(EVERYBODY)
        .set_kbucket_size(EVERYBODY)
        .set_parallelism(AT_ONCE)
        .set_query_timeout(QUERY_TIME)
        .set_substreams_timeout(QUERY_TIME)
        .set_max_packet_size(MAX_KAD_PACKET);
    let mut kad = kad::Behaviour::with_config(own, records, config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

fn spawn(task: Task, mut stop: watch::Receiver<bool>) {
    tokio::spawn(async move {
        tokio::select! {
            () = task => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });
}

fn transport(keypair: &Keypair) -> Result<Boxed<(PeerId, StreamMuxerBox)>, noise::Error> {
    let tcp = OwnDialsOnly(tcp::tokio::Transport::new(tcp::Config::default().nodelay(true)));
    let secured = tcp.upgrade(Version::V1).authenticate(noise::Config::new(keypair)?);
    Ok(secured.multiplex(yamux::Config::default()).timeout(HANDSHAKE_TIME).boxed())
}

/// TCP, but only for dials that ask for a port of their own, as the dialer's do.
///
/// Behaviours dial as well, and Kademlia would dial whatever address a peer names for another one: those dials ask for
/// the listening port, and fail here at once. So nobody can make this server connect to an address that is not in its
/// list, and queries skip peers that are not connected instead of waiting for them.
struct OwnDialsOnly<T>(T);

impl<T: Transport + Unpin> Transport for OwnDialsOnly<T> {
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = T::Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<T::Error>> {
        self.0.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.0.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<T::Dial, TransportError<T::Error>> {
        match options.port_use {
            PortUse::New => self.0.dial(address, options),
            PortUse::Reuse => Err(TransportError::MultiaddrNotSupported(address)),
        }
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<T::ListenerUpgrade, T::Error>> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// Whether this address can be listened on: libp2p shares its port with other listeners of the same user without a word.
pub(super) fn check_free(address: std::net::SocketAddr) -> io::Result<()> {
    std::net::TcpListener::bind(address).map(drop)
}
