//! The handle through which the rest of a server uses the network.

use std::time::Duration;

use libp2p::PeerId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::batch::{self, BatchError, BatchReader, BatchWriter};
use super::calls::{CallError, MAX_CALL_LEN, MAX_CALL_TIME, Reply};
use super::records::RecordError;
use super::roster::{NodeId, Peer, RosterError};

/// How long to wait before a receiver that took no batch is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Tells the keys of records to forget.
type Stale = Box<dyn Fn(&[u8]) -> bool + Send>;

/// Something another server sent.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // short-lived, and there are never many at once
pub enum Incoming {
    /// A control message that wants an answer.
    Call {
        /// Who sent it; authenticated by the connection.
        from: NodeId,
        /// The bytes sent, at most [`MAX_CALL_LEN`].
        request: Vec<u8>,
        /// The right to answer.
        reply: Reply,
    },
    /// The beginning of a batch.
    Batch {
        /// Who sends it; authenticated by the connection.
        from: NodeId,
        /// The header, at most 4 KiB. Like the items, it is only verified at the end of the batch.
        header: Vec<u8>,
        /// The size of each item in bytes, 1 to 65,536.
        item_len: usize,
        /// The items.
        reader: BatchReader,
    },
}

/// Why the list of servers could not be replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetPeersError {
    /// The new list cannot be used; the old one stays.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// This server's network has been shut down.
    #[error("This server's network has been shut down.")]
    Stopped,
}

pub(super) enum Command {
    Call {
        to: NodeId,
        request: Vec<u8>,
        reply: oneshot::Sender<Result<Vec<u8>, CallError>>,
        sent: oneshot::Sender<()>,
    },
    Connect {
        to: NodeId,
        reply: oneshot::Sender<Option<PeerId>>,
    },
    Put {
        key: Vec<u8>,
        value: Vec<u8>,
        reply: oneshot::Sender<Result<(), RecordError>>,
    },
    Get {
        key: Vec<u8>,
        all: bool,
        reply: oneshot::Sender<Vec<Vec<u8>>>,
    },
    Prune(Stale),
    SetPeers(Vec<Peer>, oneshot::Sender<Result<(), RosterError>>),
    Shutdown,
}

/// A handle on the network; clones are cheap and equal. When the last one is dropped, the network shuts down.
#[derive(Clone)]
pub struct NetHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) streams: libp2p_stream::Control,
    pub(super) connected: watch::Receiver<Vec<NodeId>>,
    /// Weak, so that the channel ends with the network.
    pub(super) incoming: mpsc::WeakSender<Incoming>,
    pub(super) own: NodeId,
    pub(super) stall: Duration,
    pub(super) open: Duration,
}

impl std::fmt::Debug for NetHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetHandle").field("own", &self.own).finish_non_exhaustive()
    }
}

impl NetHandle {
    /// This server's own identity.
    pub fn own(&self) -> NodeId {
        self.own
    }

    /// The servers connected now, sorted.
    pub fn connected(&self) -> Vec<NodeId> {
        self.connected.borrow().clone()
    }

    /// How many calls and batches of other servers wait to be taken from the channel of [`Incoming`].
    pub fn queued(&self) -> usize {
        self.incoming.upgrade().map_or(0, |incoming| incoming.max_capacity() - incoming.capacity())
    }

    /// Waits until all these servers are connected at once; `false` if the network shuts down before.
    pub async fn wait_connected(&self, nodes: &[NodeId]) -> bool {
        let mut connected = self.connected.clone();
        let all = |connected: &Vec<NodeId>| nodes.iter().all(|node| connected.contains(node));
        connected.wait_for(all).await.is_ok()
    }

    /// Sends a control message of at most [`MAX_CALL_LEN`] bytes and waits for its answer. All of it, a dial if one is
    /// needed included, takes no longer than `timeout`, nor than [`MAX_CALL_TIME`].
    pub async fn call(
        &self,
        to: NodeId,
        request: Vec<u8>,
        timeout: Duration,
    ) -> Result<Vec<u8>, CallError> {
        if request.len() > MAX_CALL_LEN {
            return Err(CallError::TooLong);
        }
        let deadline = Instant::now() + timeout.min(MAX_CALL_TIME);
        let (reply, answer) = oneshot::channel();
        let (sent, mut was_sent) = oneshot::channel();
        let call = async {
            self.commands
                .send(Command::Call { to, request, reply, sent })
                .await
                .map_err(|_| CallError::Stopped)?;
            answer.await.map_err(|_| CallError::Stopped)?
        };
        match timeout_at(deadline, call).await {
            Ok(answer) => answer,
            Err(_) if was_sent.try_recv().is_ok() => Err(CallError::Timeout),
            Err(_) => Err(CallError::Unreachable),
        }
    }

    /// Opens a batch: a header of at most 4 KiB, and items of `item_len` bytes each, 1 to 65,536. Takes no longer than the
    /// configured time, a dial if one is needed included.
    pub async fn open_batch(
        &self,
        to: NodeId,
        header: Vec<u8>,
        item_len: usize,
    ) -> Result<BatchWriter, BatchError> {
        let deadline = Instant::now() + self.open;
        let peer =
            timeout_at(deadline, self.connect(to)).await.map_err(|_| BatchError::Unreachable)??;
        loop {
            // The receiver's side drops streams that it cannot take at the moment, so that asking again is part of it.
            match timeout_at(deadline, self.try_batch(peer, &header, item_len)).await {
                Ok(Err(BatchError::Lost(_))) => tokio::time::sleep(ASK_AGAIN).await,
                Ok(opened) => return opened,
                Err(_) => return Err(BatchError::Unreachable),
            }
            if Instant::now() >= deadline {
                return Err(BatchError::Unreachable);
            }
            timeout_at(deadline, self.connect(to)).await.map_err(|_| BatchError::Unreachable)??;
        }
    }

    async fn try_batch(
        &self,
        peer: PeerId,
        header: &[u8],
        item_len: usize,
    ) -> Result<BatchWriter, BatchError> {
        let opened = self.streams.clone().open_stream(peer, batch::PROTOCOL).await;
        let stream = opened.map_err(|error| BatchError::Lost(std::io::Error::other(error)))?;
        BatchWriter::open(stream, self.stall, header, item_len).await
    }

    async fn connect(&self, to: NodeId) -> Result<PeerId, BatchError> {
        let (reply, connected) = oneshot::channel();
        self.commands
            .send(Command::Connect { to, reply })
            .await
            .map_err(|_| BatchError::Stopped)?;
        connected.await.map_err(|_| BatchError::Stopped)?.ok_or(BatchError::UnknownPeer)
    }

    /// Keeps a record, a key of 1 to 256 bytes with a value of at most 12 KiB, and sends it to every other server: to those
    /// connected at once, to the others when they connect. Returns when it is kept here and on its way.
    pub async fn put_record(&self, key: Vec<u8>, value: Vec<u8>) -> Result<(), RecordError> {
        let (reply, done) = oneshot::channel();
        self.commands
            .send(Command::Put { key, value, reply })
            .await
            .map_err(|_| RecordError::Stopped)?;
        done.await.map_err(|_| RecordError::Stopped)?
    }

    /// Looks a record up, here first, then with the others: the first value that passes the check. Takes at most about
    /// 5 seconds.
    pub async fn get_record(&self, key: Vec<u8>) -> Option<Vec<u8>> {
        self.get(key, false).await.pop()
    }

    /// Asks everybody for a record and returns all different values that pass the check, at most 64, its own first.
    pub async fn get_records(&self, key: Vec<u8>) -> Vec<Vec<u8>> {
        self.get(key, true).await
    }

    async fn get(&self, key: Vec<u8>, all: bool) -> Vec<Vec<u8>> {
        let (reply, found) = oneshot::channel();
        match self.commands.send(Command::Get { key, all, reply }).await {
            Ok(()) => found.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// Forgets, on this server, the records whose keys are `stale`.
    pub async fn prune(&self, stale: impl Fn(&[u8]) -> bool + Send + 'static) {
        // When the network has shut down there is nothing left to forget.
        let _ = self.commands.send(Command::Prune(Box::new(stale))).await;
    }

    /// Replaces the list of servers. Connections to servers no longer listed are closed.
    pub async fn set_peers(&self, peers: Vec<Peer>) -> Result<(), SetPeersError> {
        let (reply, done) = oneshot::channel();
        self.commands
            .send(Command::SetPeers(peers, reply))
            .await
            .map_err(|_| SetPeersError::Stopped)?;
        Ok(done.await.map_err(|_| SetPeersError::Stopped)??)
    }

    /// Asks the network to shut down; [`super::Net::run`] returns when it has.
    pub async fn shutdown(&self) {
        // Failing to say so means that it has shut down already.
        let _ = self.commands.send(Command::Shutdown).await;
    }
}
