//! One mixer's part in agreeing on a round's directory: who proposes it, and who signs.
//!
//! Whoever has the duty asks all mixers that it wants in the directory whether they are willing to sign it. When all
//! are, it signs, and its signature is what makes the others sign. Nobody signs before, so that a mixer that has
//! fallen silent is noticed while the directory can still be changed. Who is willing for one proposer refuses those
//! that come later in the order of duty for a while: so proposers don't divide the votes.
//!
//! Nothing of this is needed for safety: that every mixer signs at most one directory a round is. A wrong proposer
//! can stop a round, and nothing else.

mod answer;
mod duty;
mod propose;
mod vet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zephyr_core::{
    DirectoryHash, Manifest, MixerAnnouncement, MixerIndex, Round, SIGNATURE_SIZE, Suite, UnixMs,
};

use crate::board::Board;
use answer::{Promise, Vetted};
use propose::Attempt;

pub use vet::vet;

/// What a mixer is to do for the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask these mixers, and report with [`Agreement::answered`].
    Ask {
        /// Whom.
        to: Vec<MixerIndex>,
        /// The encoded [`PeerRequest`](crate::peer::PeerRequest).
        request: Arc<[u8]>,
    },
    /// Sign, if nothing else has been signed for the round, and report with [`Agreement::signed`].
    Sign {
        /// The directory.
        directory: DirectoryHash,
        /// Its mixers, ascending.
        mixers: Vec<MixerIndex>,
    },
}

/// A mixer's surroundings at one moment.
pub struct View<'a> {
    /// The version in effect in the round.
    pub manifest: &'a Manifest<'a>,
    /// What has come.
    pub board: &'a Board,
    /// Mixers that are better done without.
    pub left_out: &'a BTreeSet<MixerIndex>,
    /// The mixer's own clock.
    pub now: UnixMs,
}

#[derive(Debug)]
enum Vote {
    None,
    /// It is being written down.
    Pending,
    /// It could not be.
    Failed,
    Signed {
        hash: DirectoryHash,
        signature: [u8; SIGNATURE_SIZE],
    },
}

/// One mixer's part in the directory of one round.
#[derive(Debug)]
pub struct Agreement {
    me: MixerIndex,
    own: MixerAnnouncement,
    vote: Vote,
    /// What is or is to be signed: whose proposal it is, its hash, its mixers.
    choice: Option<(MixerIndex, DirectoryHash, Vec<MixerIndex>)>,
    promise: Option<Promise>,
    /// Since when others have proposed to this mixer.
    asked: BTreeMap<MixerIndex, UnixMs>,
    vetted: Vec<Vetted>,
    attempt: Option<Attempt>,
    /// Own proposals would not be valid: a PKG's proof is wrong.
    hopeless: Option<DirectoryHash>,
    dropped: BTreeSet<MixerIndex>,
    silent: BTreeSet<MixerIndex>,
    /// The time when this was asked last.
    now: UnixMs,
}

impl Agreement {
    /// For mixer `me`, which has announced `own`.
    pub fn new(me: MixerIndex, own: MixerAnnouncement) -> Self {
        Self {
            me,
            own,
            vote: Vote::None,
            choice: None,
            promise: None,
            asked: BTreeMap::new(),
            vetted: Vec::new(),
            attempt: None,
            hopeless: None,
            dropped: BTreeSet::new(),
            silent: BTreeSet::new(),
            now: UnixMs(0),
        }
    }

    fn round(&self) -> Round {
        self.own.round
    }

    /// The next thing to do; `None` when there is nothing more for now. Ask again when something has happened, and at
    /// the latest every sixteenth of the opening.
    pub fn poll<S: Suite>(&mut self, view: &View<'_>) -> Option<Step> {
        self.now = view.now;
        let schedule = view.manifest.parameters().schedule(self.round());
        if view.now < schedule.opens || view.now >= schedule.submit_until {
            return None;
        }
        match self.vote {
            Vote::None => self.sign(view).or_else(|| self.propose::<S>(view)),
            Vote::Pending | Vote::Failed => None,
            Vote::Signed { hash, signature } => self.push(view, hash, &signature),
        }
    }

    /// Signs the own proposal when all are willing, another's when its proposer has signed.
    fn sign(&mut self, view: &View<'_>) -> Option<Step> {
        let promised = self.promised(view.now);
        let choice = match &self.attempt {
            Some(own) if promised == Some(self.me) && own.willing.len() == own.mixers.len() => {
                (self.me, own.hash, own.mixers.iter().copied().collect())
            }
            _ => {
                let signed = |v: &Vetted| {
                    let record = view.board.signature(self.own.round, v.from);
                    v.go || record.is_some_and(|record| record.directory == v.hash)
                };
                let wanted = |v: &Vetted| promised.is_none_or(|to| to == v.from);
                let vetted = self.vetted.iter().rev().find(|v| wanted(v) && signed(v))?;
                (vetted.from, vetted.hash, vetted.mixers.clone())
            }
        };
        self.vote = Vote::Pending;
        let (_, directory, mixers) = self.choice.insert(choice).clone();
        Some(Step::Sign { directory, mixers })
    }

    /// The directory has been signed; `None`: that could not be written down, or another has been signed before.
    pub fn signed(&mut self, signed: Option<(DirectoryHash, [u8; SIGNATURE_SIZE])>) {
        self.vote = match signed {
            Some((hash, signature)) => Vote::Signed { hash, signature },
            None => Vote::Failed,
        };
        if let Some(attempt) = &mut self.attempt {
            // Everybody is told at once.
            attempt.asked = UnixMs(0);
        }
    }

    /// Mixers that did not answer own proposals, since this was asked last.
    pub fn take_silent(&mut self) -> BTreeSet<MixerIndex> {
        std::mem::take(&mut self.silent)
    }

    /// The directory has become valid. Returns who had the duty before its proposer, did nothing, and is not in it.
    pub fn idle_before(&self, view: &View<'_>, mixers: &BTreeSet<MixerIndex>) -> Vec<MixerIndex> {
        let Some((proposer, ..)) = self.choice else { return Vec::new() };
        let duty = self.duty(view, proposer);
        let idle = |mixer: &&MixerIndex| {
            **mixer != self.me && !self.asked.contains_key(mixer) && !mixers.contains(mixer)
        };
        duty.before(proposer).iter().filter(idle).copied().collect()
    }

    /// The directory that this mixer signed has not become valid in time. Returns whose fault that is: those that
    /// have signed nothing, and a proposer that has signed something else.
    pub fn unsigned(&self, board: &Board) -> Vec<MixerIndex> {
        let Some((proposer, hash, mixers)) = &self.choice else { return Vec::new() };
        let fault = |mixer: &&MixerIndex| match board.signature(self.round(), **mixer) {
            None => **mixer != self.me,
            Some(record) => *mixer == proposer && record.directory != *hash,
        };
        mixers.iter().filter(fault).copied().collect()
    }
}
