//! The board, filled by the DHT and read by everybody in a server.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use zephyr_core::{Round, UnixMs};

use super::{Native, context};
use crate::net::RecordCheck;
use zephyr_machine::SharedManifest;
use zephyr_machine::board::Board;
use zephyr_machine::record::RecordKey;

/// A board behind a lock that is held for moments only.
pub(crate) struct SharedBoard {
    manifest: SharedManifest,
    board: Mutex<Board>,
    changes: watch::Sender<u64>,
    /// Look-ups in the DHT that are under way.
    fetching: Mutex<HashSet<RecordKey>>,
}

impl SharedBoard {
    pub(crate) fn new(manifest: SharedManifest) -> Arc<Self> {
        let board = Mutex::new(Board::new());
        Arc::new(Self {
            manifest,
            board,
            changes: watch::Sender::new(0),
            fetching: Mutex::default(),
        })
    }

    /// Checks what comes in through the DHT and puts it up.
    pub(crate) fn record_check(self: &Arc<Self>) -> RecordCheck {
        let this = Arc::clone(self);
        Arc::new(move |key, value| {
            // What is wrong with other keys the board says.
            let round = RecordKey::from_slice(key).map_or(Round(0), |key| key.round);
            let manifest = this.manifest.at(round);
            let mut board = this.lock();
            let good = board.put::<Native>(&manifest, key, value, context::now());
            let news = board.news();
            drop(board);
            this.changes.send_if_modified(|known| std::mem::replace(known, news) != news);
            good
        })
    }

    /// Wakes up whenever something was put up.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Those of the records that are not being asked for already.
    pub(crate) fn to_fetch(&self, keys: Vec<RecordKey>) -> Vec<RecordKey> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        keys.into_iter().filter(|key| fetching.insert(*key)).collect()
    }

    /// A look-up has ended.
    pub(crate) fn fetched(&self, key: &RecordKey) {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(crate) fn prune(&self, now: UnixMs) {
        self.lock().prune(&self.manifest.get(), now);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
