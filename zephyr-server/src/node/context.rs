//! What all roles are given.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};
use zephyr_core::{Hedge, MixerIndex, Role, Round, ServerId, UnixMs};
use zeroize::Zeroizing;

use super::drain::Draining;
use super::{SharedBoard, Stats, SystemRng, stats};
use crate::metrics::Observed;
use crate::net::{NetHandle, NodeId};
use zephyr_machine::SharedManifest;
use zephyr_machine::board::under_way;
use zephyr_machine::event::ServerEvent;
use zephyr_machine::record::{Record, RecordKey};

/// A server's surroundings.
pub(crate) struct Context {
    pub(crate) manifest: SharedManifest,
    pub(crate) id: ServerId,
    pub(crate) identity_seed: Zeroizing<[u8; 32]>,
    pub(crate) hedge_secret: Zeroizing<[u8; 32]>,
    pub(crate) net: NetHandle,
    pub(crate) board: Arc<SharedBoard>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) observed: Arc<Observed>,
    pub(crate) events: broadcast::Sender<ServerEvent>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) draining: Draining,
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
    /// Randomness that is drawn from the server's secret too. For each server once: what it counts begins anew.
    pub(crate) fn hedge(&self) -> Hedge {
        Hedge::new(*self.hedge_secret, now().0 << 20)
    }

    /// Reports what has happened; when a round opens, forgets those that are closed.
    pub(crate) fn event(&self, event: ServerEvent) {
        self.observed.note(&event, now());
        match &event {
            ServerEvent::Opened { .. } => self.prune(),
            ServerEvent::Void { round, by, missing } => {
                stats::add(&self.stats.rounds_void, 1);
                tracing::warn!(%round, given_up_by = %by, no_batch_from = list(missing), "void");
            }
            ServerEvent::Unopened { round, missing } => {
                tracing::warn!(%round, missing = list(missing), "the round has not opened in time");
            }
            _ => {}
        }
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

    /// Asks the DHT for records; what is found passes the record check, which puts it on the board.
    pub(crate) fn fetch(&self, keys: Vec<RecordKey>) {
        for key in self.board.to_fetch(keys) {
            let (net, board) = (self.net.clone(), self.board.clone());
            tokio::spawn(async move {
                net.get_record(key.to_bytes().to_vec()).await;
                board.fetched(&key);
            });
        }
    }

    /// Forgets closed rounds here and in the own part of the DHT.
    fn prune(&self) {
        let time = now();
        self.board.prune(time);
        let (net, manifest) = (self.net.clone(), self.manifest.clone());
        let stale = move |key: &[u8]| {
            RecordKey::from_slice(key)
                .is_none_or(|key| !under_way(&manifest.at(key.round), key.round, time))
        };
        tokio::spawn(async move { net.prune(stale).await });
    }

    /// The index of the mixer with this identity in `round`.
    pub(crate) fn mixer(&self, round: Round, node: NodeId) -> Option<MixerIndex> {
        match self.manifest.at(round).find(&server_id(node))? {
            (Role::Mixer, index) => Some(MixerIndex(index as u16)),
            _ => None,
        }
    }
}

/// A server's identity, as the manifest has it.
pub(crate) fn server_id(node: NodeId) -> ServerId {
    ServerId::from_bytes(*node.as_bytes())
}

/// A server's identity, as the network between servers has it.
pub(crate) fn node_id(id: &ServerId) -> NodeId {
    NodeId::from_bytes(*id.as_bytes())
}

fn list(things: &[impl ToString]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
