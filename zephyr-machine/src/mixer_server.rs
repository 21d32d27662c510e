//! A mixer as a whole: rounds open, their directories are agreed on, batches come and go.

mod action;
mod agreement;
mod entry;
mod looping;
mod progress;
mod transfer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;
use zephyr_core::{
    Hedge, MixerIndex, Role, Round, ServerId, Signature, SigningGuard, Suite, UnixMs,
};
use zeroize::Zeroizing;

use crate::SharedManifest;
use crate::board::Board;
use crate::event::ServerEvent;
use crate::follow::{Fetching, Opening};
use crate::loops::LoopChecks;
use crate::mixer::MixerRound;
use crate::record::{Record, RecordKey, RecordKind};
use crate::reputation::Reputation;

pub use action::{CallId, Expected, MixerAction};
use agreement::Votes;
use entry::Entry;
use progress::Progress;

/// A mixer without I/O.
///
/// 1. Do what [`poll`](Self::poll) says until it returns `None`.
/// 2. Wait: for something to come, for news on the board, or until [`wake_up`](Self::wake_up).
/// 3. Tell the mixer what has come or been done, by one of the other methods, and go on with 1.
pub struct MixerServer<S: Suite> {
    manifest: SharedManifest,
    id: ServerId,
    identity_seed: Zeroizing<[u8; 32]>,
    hedge: Hedge,
    votes: Votes,
    reputation: Reputation,
    /// The last round that has opened.
    newest: Round,
    /// `None` when no more rounds are to be opened.
    opening: Option<Opening>,
    rounds: BTreeMap<Round, Entry<S>>,
    fetching: Fetching,
    loops: LoopChecks,
    progress: Progress,
    actions: VecDeque<MixerAction<S>>,
    /// Rounds to which something has happened since they were looked at.
    touched: BTreeSet<Round>,
    /// The board's news that have been looked at.
    news: Option<u64>,
    /// When all rounds are to be looked at again.
    due: UnixMs,
}

impl<S: Suite> MixerServer<S> {
    /// The mixer with this identity, which takes part from the next round on. `guard` is what was
    /// [stored](MixerAction::StoreGuard) last.
    pub fn new(
        manifest: SharedManifest,
        identity_seed: Zeroizing<[u8; 32]>,
        hedge: Hedge,
        guard: SigningGuard,
        now: UnixMs,
    ) -> Self {
        Self {
            id: ServerId::from_bytes(S::Signature::public(&identity_seed)),
            opening: Some(Opening::new(&manifest, now)),
            manifest,
            identity_seed,
            hedge,
            votes: Votes::new(guard),
            reputation: Reputation::default(),
            newest: Round(0),
            rounds: BTreeMap::new(),
            fetching: Fetching::default(),
            loops: LoopChecks::new(),
            progress: Progress::default(),
            actions: VecDeque::new(),
            touched: BTreeSet::new(),
            news: None,
            due: now,
        }
    }

    /// The next thing to do; `None` when there is nothing more at `now`.
    pub fn poll(
        &mut self,
        board: &Board,
        now: UnixMs,
        rng: &mut impl CryptoRng,
    ) -> Option<MixerAction<S>> {
        if self.actions.is_empty() {
            self.advance(board, now, rng);
        }
        self.actions.pop_front()
    }

    /// Does what is due, and looks only at rounds to which something has happened.
    fn advance(&mut self, board: &Board, now: UnixMs, rng: &mut impl CryptoRng) {
        let due = now >= self.due;
        let news = self.news.replace(board.news()) != Some(board.news());
        if due {
            self.open_next(now, rng);
        }
        if due || news {
            self.agree(board, now);
        }
        self.look_for_loops(now);
        self.tell_progress(now);
        let rounds = std::mem::take(&mut self.touched);
        let rounds = if due { self.rounds.keys().copied().collect() } else { rounds };
        let touched = !rounds.is_empty();
        for round in rounds {
            self.drive(round, now, rng);
        }
        if due || news {
            self.due = self.next_due(now);
        } else if touched {
            self.due = self.due.min(self.next_due(now));
        }
    }

    /// When to call [`poll`](Self::poll) again at the latest.
    pub fn wake_up(&self, now: UnixMs) -> UnixMs {
        if !self.actions.is_empty() || !self.touched.is_empty() || self.news.is_none() {
            return now;
        }
        let wakes = [self.loops.wake_up(), self.progress.wake_up()];
        wakes.into_iter().flatten().fold(self.due, UnixMs::min)
    }

    fn next_due(&self, now: UnixMs) -> UnixMs {
        let never = now.plus(60_000);
        let mut due = self.opening.as_ref().map_or(never, |opening| opening.at(&self.manifest));
        for (&round, entry) in self.rounds.iter().filter(|(_, e)| !e.mixing.is_over()) {
            due = due.min(entry.mixing.wake_up());
            if let Some(uploads) = &entry.uploads {
                due = due.min(uploads.until);
            }
            if entry.mixing.is_open() {
                due = due.min(self.agreement_due(round, entry, now));
            }
        }
        due.max(now.plus(1))
    }

    fn open_next(&mut self, now: UnixMs, rng: &mut impl CryptoRng) {
        let Some(opening) = &mut self.opening else { return };
        let Some(round) = opening.take(&self.manifest, now) else { return };
        self.newest = round;
        self.credit(now);
        self.forget(round);
        let manifest = self.manifest.at(round);
        // A mixer that is not in the round's version does nothing in it.
        let Some((Role::Mixer, index)) = manifest.find(&self.id) else { return };
        let me = MixerIndex(index as u16);
        let mixing =
            MixerRound::open(&manifest, me, round, &self.identity_seed, rng, &mut self.hedge);
        let announcement = *mixing.announcement();
        self.rounds.insert(round, Entry::new(me, mixing));
        self.publish(RecordKind::MixerKey, round, me, Record::MixerKey(announcement));
        self.event(ServerEvent::Opened { round });
    }

    /// Whoever worked in a round that nobody has given up is well again. Whoever delivers gives it up at the very end, and
    /// that has to come here first.
    fn credit(&mut self, now: UnixMs) {
        for (&round, entry) in &mut self.rounds {
            let manifest = self.manifest.at(round);
            if now < manifest.parameters().schedule(round).closes || entry.void {
                continue;
            }
            for mixer in std::mem::take(&mut entry.workers) {
                if let Some(server) = manifest.server(Role::Mixer, mixer.0.into()) {
                    self.reputation.served(&server.id);
                }
            }
        }
    }

    /// Forgets the rounds that are closed for long when `round` opens.
    fn forget(&mut self, round: Round) {
        let manifest = self.manifest.at(round);
        let parameters = manifest.parameters();
        let kept = parameters.span_ms() / u64::from(parameters.round_ms) + 2;
        self.rounds = self.rounds.split_off(&Round(round.0.saturating_sub(kept)));
    }

    fn publish(&mut self, kind: RecordKind, round: Round, me: MixerIndex, record: Record) {
        let key = RecordKey { kind, round, index: me.0 };
        self.actions.push_back(MixerAction::Publish { key, record });
    }

    fn event(&mut self, event: ServerEvent) {
        self.actions.push_back(MixerAction::Event(event));
    }

    /// The rounds whose keys are here.
    pub fn keys(&self) -> impl Iterator<Item = Round> {
        self.rounds.iter().filter(|(_, entry)| !entry.mixing.is_over()).map(|(round, _)| *round)
    }

    /// Opens no more rounds: the mixer is to stop when it [is idle](Self::is_idle).
    pub fn stop_opening(&mut self) {
        self.opening = None;
    }

    /// Whether nothing of any round is left to do, after [`stop_opening`](Self::stop_opening).
    pub fn is_idle(&self) -> bool {
        self.opening.is_none()
            && self.actions.is_empty()
            && self.rounds.values().all(|entry| entry.mixing.is_over())
    }

    /// When the last of the rounds under way is over at the latest.
    pub fn busy_until(&self) -> Option<UnixMs> {
        let open = self.rounds.iter().filter(|(_, entry)| !entry.mixing.is_over());
        let until = open
            .map(|(round, _)| self.manifest.at(*round).parameters().schedule(*round).deliver_until);
        until.max()
    }

    /// Gives up all rounds under way: the mixer stops at once, and they can't be finished without it.
    pub fn stop(&mut self) {
        self.opening = None;
        for round in self.rounds.keys().copied().collect::<Vec<_>>() {
            let Some(entry) = self.rounds.get_mut(&round) else { continue };
            let agreed = entry.mixing.directory().is_some();
            entry.mixing.void();
            self.loops.forget(round);
            if agreed {
                self.tell_void(round, None);
            }
        }
    }
}
