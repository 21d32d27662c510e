//! Following the rounds from opening to directory: what all servers have in common.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zephyr_core::{Directory, Round, UnixMs};

use super::SharedManifest;
use super::board::Board;
use super::event::ServerEvent;
use super::record::RecordKey;

/// A look-up asks every server: never more often than so.
const MIN_FETCH_MS: u64 = 250;
/// How many rounds' look-ups are remembered.
const REMEMBERED: usize = 8;

/// The rounds that open one after the other.
#[derive(Debug)]
pub struct Opening {
    next: Round,
}

impl Opening {
    /// From the first round on that opens from `now`: a round that has been open for a while has been announced
    /// with keys that a restart has erased.
    pub fn new(manifest: &SharedManifest, now: UnixMs) -> Self {
        let opened = manifest.get().parameters().opened_by(now);
        Self { next: opened.map_or(Round(0), |round| Round(round.0 + 1)) }
    }

    /// The round that has opened by `now`, if it has not been given yet. Rounds that were slept through are gone.
    pub fn take(&mut self, manifest: &SharedManifest, now: UnixMs) -> Option<Round> {
        let opened = manifest.get().parameters().opened_by(now)?;
        if opened < self.next {
            return None;
        }
        self.next = Round(opened.0 + 1);
        Some(opened)
    }

    /// When the next one opens.
    pub fn at(&self, manifest: &SharedManifest) -> UnixMs {
        manifest.at(self.next).parameters().schedule(self.next).opens
    }
}

/// When to ask the DHT for what a round's directory still lacks.
#[derive(Debug, Default)]
pub(crate) struct Fetching {
    asked: BTreeMap<Round, UnixMs>,
}

impl Fetching {
    /// The records to ask for now: from the middle of the opening on, not more often than four times an opening.
    pub(crate) fn due(
        &mut self,
        manifest: &SharedManifest,
        board: &Board,
        round: Round,
        now: UnixMs,
    ) -> Vec<RecordKey> {
        if now < self.at(manifest, round) {
            return Vec::new();
        }
        self.asked.insert(round, now);
        while self.asked.len() > REMEMBERED {
            self.asked.pop_first();
        }
        board.missing(&manifest.at(round), round)
    }

    /// When to ask next.
    pub(crate) fn at(&self, manifest: &SharedManifest, round: Round) -> UnixMs {
        let manifest = manifest.at(round);
        let open_ms = u64::from(manifest.parameters().open_ms);
        match self.asked.get(&round) {
            Some(last) => last.plus((open_ms / 4).max(MIN_FETCH_MS)),
            None => manifest.parameters().schedule(round).opens.plus(open_ms / 2),
        }
    }
}

/// What a [`Follower`] wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowAction {
    /// Ask the DHT for these records; what is found goes on the board.
    Fetch {
        /// Their keys.
        keys: Vec<RecordKey>,
    },
    /// The round's directory is valid.
    Agreed {
        /// The round.
        round: Round,
        /// The directory with its signatures.
        directory: Vec<u8>,
    },
    /// Something to report.
    Event(ServerEvent),
}

/// A round whose directory is waited for.
#[derive(Debug, Default)]
struct Waiting {
    /// Whether it has been said that the round did not open.
    said: bool,
    /// Whether something of the round has come, so that there is a directory.
    wanted: bool,
}

/// Follows the rounds to their directories: for info-nodes, PKGs and mailbox servers.
///
/// Call [`poll`](Self::poll) until it returns `None`: whenever the board has news, and at [`wake_up`](Self::wake_up).
#[derive(Debug)]
pub struct Follower {
    manifest: SharedManifest,
    opening: Opening,
    waiting: BTreeMap<Round, Waiting>,
    fetching: Fetching,
    ready: VecDeque<FollowAction>,
}

impl Follower {
    /// From the next round on.
    pub fn new(manifest: SharedManifest, now: UnixMs) -> Self {
        Self {
            opening: Opening::new(&manifest, now),
            manifest,
            waiting: BTreeMap::new(),
            fetching: Fetching::default(),
            ready: VecDeque::new(),
        }
    }

    /// Something of `round` has come: its directory is wanted, although it was not seen to open.
    pub fn want(&mut self, round: Round) {
        self.waiting.entry(round).or_insert(Waiting { said: true, wanted: true }).wanted = true;
    }

    /// The next thing to do; `None` when there is nothing more at `now`.
    pub fn poll(&mut self, board: &Board, now: UnixMs) -> Option<FollowAction> {
        if self.ready.is_empty() {
            self.advance(board, now);
        }
        self.ready.pop_front()
    }

    fn advance(&mut self, board: &Board, now: UnixMs) {
        if let Some(round) = self.opening.take(&self.manifest, now) {
            self.waiting.entry(round).or_default();
            self.ready.push_back(FollowAction::Event(ServerEvent::Opened { round }));
        }
        let rounds: BTreeSet<Round> = self.waiting.keys().copied().collect();
        for round in rounds {
            self.look_at(round, board, now);
        }
    }

    fn look_at(&mut self, round: Round, board: &Board, now: UnixMs) {
        if let Some(directory) = board.directory(round) {
            self.waiting.remove(&round);
            let mixers = Directory::parse(directory).map_or(0, |d| d.mixers().count());
            let directory = directory.to_vec();
            self.ready.push_back(FollowAction::Event(ServerEvent::Agreed { round, mixers }));
            self.ready.push_back(FollowAction::Agreed { round, directory });
            return;
        }
        let manifest = self.manifest.at(round);
        let schedule = manifest.parameters().schedule(round);
        let Some(waiting) = self.waiting.get_mut(&round) else { return };
        // A directory that comes later is of no use to anybody, unless mixers have worked by it.
        let until = if waiting.wanted { schedule.closes } else { schedule.submit_until };
        if now >= until {
            self.waiting.remove(&round);
            return;
        }
        if !waiting.said && now >= schedule.submit_from {
            waiting.said = true;
            let missing = board.lacks(&manifest, round);
            self.ready.push_back(FollowAction::Event(ServerEvent::Unopened { round, missing }));
        }
        let keys = self.fetching.due(&self.manifest, board, round, now);
        if !keys.is_empty() {
            self.ready.push_back(FollowAction::Fetch { keys });
        }
    }

    /// When to call [`poll`](Self::poll) again at the latest.
    pub fn wake_up(&self, now: UnixMs) -> UnixMs {
        if !self.ready.is_empty() {
            return now;
        }
        let mut wake = self.opening.at(&self.manifest);
        for (&round, waiting) in &self.waiting {
            wake = wake.min(self.fetching.at(&self.manifest, round));
            if !waiting.said {
                let manifest = self.manifest.at(round);
                wake = wake.min(manifest.parameters().schedule(round).submit_from);
            }
        }
        wake.max(now.plus(1))
    }
}
