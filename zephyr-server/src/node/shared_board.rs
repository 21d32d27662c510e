//! The board, filled by the DHT and read by everybody in a server.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use zephyr_core::{Round, UnixMs};

use super::{Native, context};
use crate::net::RecordCheck;
use zephyr_machine::SharedManifest;
use zephyr_machine::board::Board;
use zephyr_machine::record::RecordKey;

/// A look-up asks every server: never more often than so.
const MIN_FETCH_MS: u64 = 250;

/// A board behind a lock that is held for moments only.
pub(crate) struct SharedBoard {
    manifest: SharedManifest,
    board: Mutex<Board>,
    changes: watch::Sender<u64>,
    fetched: Mutex<Fetched>,
}

/// Look-ups in the DHT.
#[derive(Default)]
struct Fetched {
    /// When the rounds' records were asked for last.
    at: BTreeMap<Round, UnixMs>,
    under_way: HashSet<RecordKey>,
}

impl SharedBoard {
    pub(crate) fn new(manifest: SharedManifest) -> Arc<Self> {
        let board = Mutex::new(Board::new());
        Arc::new(Self {
            manifest,
            board,
            changes: watch::Sender::new(0),
            fetched: Mutex::default(),
        })
    }

    /// Checks what comes in through the DHT and puts it up.
    pub(crate) fn record_check(self: &Arc<Self>) -> RecordCheck {
        let this = Arc::clone(self);
        Arc::new(move |key, value| {
            let manifest = this.manifest.get();
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

    pub(crate) fn directory(&self, round: Round) -> Option<Vec<u8>> {
        self.lock().directory(round).map(<[u8]>::to_vec)
    }

    /// The records to ask the DHT for, so that the round's directory comes about: from the middle of the opening on
    /// what is missing and not being asked for, not more often than four times an opening.
    pub(crate) fn to_fetch(&self, round: Round, now: UnixMs) -> Vec<RecordKey> {
        let manifest = self.manifest.get();
        let schedule = manifest.parameters().schedule(round);
        let open_ms = u64::from(manifest.parameters().open_ms);
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = now >= schedule.opens.plus(open_ms / 2) && now < schedule.closes;
        let pace = (open_ms / 4).max(MIN_FETCH_MS);
        if !wanted || fetched.at.get(&round).is_some_and(|last| now.since(*last) < pace) {
            return Vec::new();
        }
        fetched.at.insert(round, now);
        while fetched.at.len() > 8 {
            fetched.at.pop_first();
        }
        let missing = self.lock().missing(&manifest, round);
        missing.into_iter().filter(|key| fetched.under_way.insert(*key)).collect()
    }

    /// A look-up has ended.
    pub(crate) fn fetched(&self, key: &RecordKey) {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).under_way.remove(key);
    }

    pub(crate) fn prune(&self, now: UnixMs) {
        self.lock().prune(&self.manifest.get(), now);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
