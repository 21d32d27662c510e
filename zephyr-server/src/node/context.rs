//! What all roles are given.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};
use zephyr_core::{Hedge, Role, Round, UnixMs};
use zeroize::Zeroizing;

use super::{NodeEvent, SharedBoard, Stats, SystemRng};
use crate::net::{NetHandle, NodeId};
use zephyr_machine::SharedManifest;
use zephyr_machine::record::{Record, RecordKey};

/// A server's surroundings.
pub(crate) struct Context {
    pub(crate) manifest: SharedManifest,
    pub(crate) index: usize,
    pub(crate) identity_seed: Zeroizing<[u8; 32]>,
    pub(crate) hedge: Hedge,
    pub(crate) net: NetHandle,
    pub(crate) board: Arc<SharedBoard>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) events: broadcast::Sender<NodeEvent>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// The system's clock.
pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(since.as_millis() as u64)
}

/// Sleeps until the system's clock shows `time`.
pub(crate) async fn sleep_to(time: UnixMs) {
    // A clock that is set back makes this wake up too early, and the caller look again.
    let delay = Duration::from_millis(time.since(now()).min(60_000));
    sleep_until(Instant::now() + delay).await;
}

/// The system's random numbers.
pub(crate) fn rng() -> SystemRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

impl Context {
    pub(crate) fn event(&self, event: NodeEvent) {
        // Nobody has to listen.
        let _ = self.events.send(event);
    }

    /// Puts an own record on the board and into the DHT.
    pub(crate) fn publish(&self, key: RecordKey, record: &Record) {
        let (key, value) = (key.to_bytes().to_vec(), record.to_bytes());
        let net = self.net.clone();
        tokio::spawn(async move {
            if let Err(error) = net.put_record(key, value).await {
                tracing::warn!(%error, "can't publish a record");
            }
        });
    }

    /// Asks the DHT for what the round's directory still lacks, if it is time.
    pub(crate) fn fetch_missing(&self, round: Round) {
        for key in self.board.to_fetch(round, now()) {
            let (net, board) = (self.net.clone(), self.board.clone());
            tokio::spawn(async move {
                // What is found passes the record check, which puts it on the board.
                net.get_record(key.to_bytes().to_vec()).await;
                board.fetched(&key);
            });
        }
    }

    /// Forgets closed rounds here and in the own part of the DHT.
    pub(crate) async fn prune(&self) {
        let time = now();
        self.board.prune(time);
        let manifest = self.manifest.clone();
        let stale = move |key: &[u8]| {
            RecordKey::from_slice(key).is_none_or(|key| {
                !zephyr_machine::board::under_way(&manifest.get(), key.round, time)
            })
        };
        self.net.prune(stale).await;
    }

    /// The address of another server in the network between servers.
    pub(crate) fn node(&self, role: Role, index: usize) -> Option<NodeId> {
        let manifest = self.manifest.get();
        manifest.server(role, index).map(|server| NodeId::from_bytes(*server.id.as_bytes()))
    }

    /// The index of the mixer with this identity.
    pub(crate) fn mixer(&self, node: NodeId) -> Option<zephyr_core::MixerIndex> {
        let id = zephyr_core::ServerId::from_bytes(*node.as_bytes());
        match self.manifest.get().find(&id)? {
            (Role::Mixer, index) => Some(zephyr_core::MixerIndex(index as u16)),
            _ => None,
        }
    }
}

/// The rounds that open one after the other.
pub(crate) struct Opening {
    next: Round,
}

impl Opening {
    /// From the first round on that opens from now: a round that has been open for a while has been announced
    /// with keys that a restart has erased.
    pub(crate) fn new(manifest: &SharedManifest) -> Self {
        let opened = manifest.get().parameters().opened_by(now());
        Self { next: opened.map_or(Round(0), |round| Round(round.0 + 1)) }
    }

    /// The round that has opened by now, if it has not been given yet. Rounds that were slept through are gone.
    pub(crate) fn take(&mut self, manifest: &SharedManifest) -> Option<Round> {
        let opened = manifest.get().parameters().opened_by(now())?;
        if opened < self.next {
            return None;
        }
        self.next = Round(opened.0 + 1);
        Some(opened)
    }

    /// When the next one opens.
    pub(crate) fn at(&self, manifest: &SharedManifest) -> UnixMs {
        manifest.get().parameters().schedule(self.next).opens
    }
}
