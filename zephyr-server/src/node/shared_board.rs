//! The board, filled by the DHT and read by everybody in a server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use zephyr_core::{Round, UnixMs};

use super::{Native, context};
use crate::machine::board::Board;
use crate::machine::record::RecordKey;
use crate::manifest::SharedManifest;
use crate::net::RecordCheck;

/// A board behind a lock that is held for moments only.
pub(crate) struct SharedBoard {
    manifest: SharedManifest,
    board: Mutex<Board>,
    changes: watch::Sender<u64>,
}

impl SharedBoard {
    pub(crate) fn new(manifest: SharedManifest) -> Arc<Self> {
        let board = Mutex::new(Board::new());
        Arc::new(Self { manifest, board, changes: watch::Sender::new(0) })
    }

    /// Checks what comes in through the DHT and puts it up.
    pub(crate) fn record_check(self: &Arc<Self>) -> RecordCheck {
        let this = Arc::clone(self);
        Arc::new(move |key, value| {
            let manifest = this.manifest.get();
            let good = this.lock().put::<Native>(&manifest, key, value, context::now());
            if good {
                this.changes.send_modify(|n| *n = n.wrapping_add(1));
            }
            good
        })
    }

    /// Wakes up whenever something was put up.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn directory(&self, round: Round) -> Option<Vec<u8>> {
        self.lock().directory(round).map(<[u8]>::to_vec)
    }

    pub(crate) fn missing(&self, round: Round) -> Vec<RecordKey> {
        self.lock().missing(&self.manifest.get(), round)
    }

    pub(crate) fn prune(&self, now: UnixMs) {
        self.lock().prune(&self.manifest.get(), now);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
