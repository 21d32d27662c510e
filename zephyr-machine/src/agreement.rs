//! One mixer's part in agreeing on a round's directory: who proposes it, and who signs.
//!
//! Whoever has the duty asks all mixers that it wants in the directory whether they are willing to sign it. When all
//! are, it signs, and its signature is what makes the others sign. Nobody signs before, so that a mixer that has
//! fallen silent is noticed while the directory can still be changed. Who is willing for one proposer refuses those
//! that come later in the order of duty for a while: so proposers don't divide the votes.
//!
//! Nothing of this is needed for safety: that every mixer signs at most one directory a round is. A wrong proposer
//! can stop a round, and nothing else.

mod duty;
mod vet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zephyr_core::wire::Bytes;
use zephyr_core::{
    DirectoryHash, MAX_DIRECTORY, Manifest, MixerAnnouncement, MixerIndex, Role, Round,
    SIGNATURE_SIZE, Suite, UnixMs, encode_directory, verify_directory_signature,
};

use crate::board::{Board, MAX_SKEW_MS};
use crate::peer::{PeerReply, PeerRequest, ProposalRefusal, encode};
use duty::Duty;

pub use vet::vet;
use vet::{in_time, parse};

/// How many checked proposals of others are remembered.
const REMEMBERED: usize = 8;

/// What a mixer is to do for the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask these mixers, and report with [`Agreement::answered`].
    Ask {
        /// Whom.
        to: Vec<MixerIndex>,
        /// The encoded [`PeerRequest`].
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

/// A proposal of somebody else's that has been found good.
#[derive(Debug)]
struct Vetted {
    from: MixerIndex,
    hash: DirectoryHash,
    mixers: Vec<MixerIndex>,
    /// Whether its proposer's signature came with it.
    go: bool,
}

/// An own proposal.
#[derive(Debug)]
struct Attempt {
    body: Arc<[u8]>,
    hash: DirectoryHash,
    mixers: BTreeSet<MixerIndex>,
    /// Who is willing, and since when that is known.
    willing: BTreeMap<MixerIndex, UnixMs>,
    /// Who has answered, in whatever way.
    answered: BTreeSet<MixerIndex>,
    /// When it was proposed for the first time, and for the last.
    began: UnixMs,
    asked: UnixMs,
}

/// To whom this mixer is willing.
#[derive(Clone, Copy, Debug)]
struct Promise {
    to: MixerIndex,
    until: UnixMs,
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

    /// To whom this mixer is willing now.
    fn promised(&self, now: UnixMs) -> Option<MixerIndex> {
        self.promise.filter(|promise| now < promise.until).map(|promise| promise.to)
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

    /// Proposes a directory, or waits for answers, if it is this mixer's turn.
    fn propose<S: Suite>(&mut self, view: &View<'_>) -> Option<Step> {
        let duty = self.duty(view, self.me);
        let turn = duty.turn(self.me)?;
        if view.now < turn || self.yields(view, &duty, self.me) {
            return None;
        }
        let step = step(view.manifest);
        if self.attempt.as_ref().is_some_and(|attempt| view.now < attempt.asked.plus(step)) {
            return None;
        }
        // Whoever takes the duty over has less time.
        let patience = if duty.before(self.me).is_empty() { 2 * step } else { step };
        let mut attempt = match self.attempt.take() {
            Some(attempt) if view.now < attempt.began.plus(patience) => attempt,
            over => {
                over.iter().for_each(|attempt| self.judge(view, attempt));
                self.gather::<S>(view, over)?
            }
        };
        // Who is willing is so for longer than that.
        attempt.willing.retain(|mixer, since| *mixer == self.me || view.now < since.plus(2 * step));
        attempt.asked = view.now;
        let asked = |mixer: &MixerIndex| !attempt.willing.contains_key(mixer);
        let to = attempt.mixers.iter().copied().filter(asked).collect();
        let request = encode(&PeerRequest::Propose { body: &attempt.body, signature: None }).into();
        self.promise(self.me, view);
        self.attempt = Some(attempt);
        Some(Step::Ask { to, request })
    }

    fn duty(&self, view: &View<'_>, proposer: MixerIndex) -> Duty {
        let (mixers, _) = view.board.announced(self.round());
        let announced = mixers.into_iter().map(|(index, _)| index).chain([proposer]).collect();
        Duty::new(view.manifest, self.round(), announced, view.left_out)
    }

    /// Whether a promise to somebody else keeps this mixer from following `proposer`: if that one comes before it in
    /// the order of duty, and has not tried for long in vain.
    fn yields(&self, view: &View<'_>, duty: &Duty, proposer: MixerIndex) -> bool {
        let Some(other) = self.promised(view.now).filter(|other| *other != proposer) else {
            return false;
        };
        let patience = 3 * step(view.manifest);
        let tired =
            |mixer| self.asked.get(&mixer).is_some_and(|since| view.now >= since.plus(patience));
        let rank = |mixer| (tired(mixer), duty.rank(mixer).unwrap_or(usize::MAX));
        rank(other) < rank(proposer)
    }

    fn promise(&mut self, to: MixerIndex, view: &View<'_>) {
        let until = view.now.plus(3 * step(view.manifest));
        self.promise = Some(Promise { to, until });
        self.asked.entry(to).or_insert(view.now);
    }

    /// An attempt has not come about. From the middle of the opening on those that were not willing are left out of
    /// the next one, if enough others are.
    fn judge(&mut self, view: &View<'_>, attempt: &Attempt) {
        let parameters = view.manifest.parameters();
        let half = half(view.manifest, self.round());
        let enough = attempt.willing.len() >= usize::from(parameters.min_mixers);
        if view.now >= half && enough {
            let unwilling = |mixer: &&MixerIndex| !attempt.willing.contains_key(mixer);
            self.dropped.extend(attempt.mixers.iter().filter(unwilling));
            self.silent.extend(attempt.mixers.difference(&attempt.answered));
        }
    }

    /// Puts a proposal together: of all mixers, from the middle of the opening on of the fewest that the manifest
    /// allows, and all PKGs. What was proposed before, and is still the same, goes on.
    fn gather<S: Suite>(&mut self, view: &View<'_>, before: Option<Attempt>) -> Option<Attempt> {
        let parameters = view.manifest.parameters();
        let (mut mixers, pkgs) = view.board.announced(self.round());
        let wanted =
            |mixer: &MixerIndex| !view.left_out.contains(mixer) && !self.dropped.contains(mixer);
        mixers.retain(|(mixer, _)| wanted(mixer));
        let all = (0..view.manifest.servers(Role::Mixer).count() as u16).map(MixerIndex);
        let complete = mixers.len() == all.filter(wanted).count();
        if pkgs.len() < view.manifest.servers(Role::Pkg).count()
            || mixers.len() < usize::from(parameters.min_mixers)
            || !(complete || view.now >= half(view.manifest, self.round()))
        {
            return None;
        }
        let mut body = vec![0; MAX_DIRECTORY];
        let len = encode_directory(view.manifest, self.round(), &mixers, &pkgs, &mut body)?;
        body.truncate(len);
        let hash = parse(&body).ok()?.hash();
        if before.as_ref().is_some_and(|before| before.hash == hash) {
            return before;
        }
        if self.hopeless == Some(hash) {
            return None;
        }
        if vet::<S>(view.manifest, self.me, &self.own, &body, view.now).is_err() {
            self.hopeless = Some(hash);
            return None;
        }
        Some(Attempt {
            body: body.into(),
            hash,
            mixers: mixers.into_iter().map(|(mixer, _)| mixer).collect(),
            willing: BTreeMap::from([(self.me, view.now)]),
            answered: BTreeSet::from([self.me]),
            began: view.now,
            asked: view.now,
        })
    }

    /// Shows the own signature under an own proposal to those that have not signed, every eighth of the opening.
    fn push(
        &mut self,
        view: &View<'_>,
        signed: DirectoryHash,
        signature: &[u8; SIGNATURE_SIZE],
    ) -> Option<Step> {
        let attempt = self.attempt.as_mut().filter(|attempt| attempt.hash == signed)?;
        if view.now < attempt.asked.plus(step(view.manifest)) {
            return None;
        }
        attempt.asked = view.now;
        let unsigned = |mixer: &MixerIndex| {
            *mixer != self.me && view.board.signature(self.own.round, *mixer).is_none()
        };
        let to: Vec<_> = attempt.mixers.iter().copied().filter(unsigned).collect();
        let signature = Some(Bytes(*signature));
        let request = encode(&PeerRequest::Propose { body: &attempt.body, signature });
        (!to.is_empty()).then(|| Step::Ask { to, request: request.into() })
    }

    /// A mixer has answered an own proposal; `None` if it has not.
    pub fn answered(&mut self, from: MixerIndex, reply: Option<PeerReply>) {
        let Some(attempt) = self.attempt.as_mut().filter(|a| a.mixers.contains(&from)) else {
            return;
        };
        if reply.is_some() {
            attempt.answered.insert(from);
        }
        if let Some(PeerReply::Willing) = reply {
            attempt.willing.insert(from, self.now);
        }
    }

    /// `from` proposes a directory, with its own signature when all are willing. If this is `Ok`, this mixer is
    /// willing to sign it.
    ///
    /// # Errors
    /// Why it is not.
    pub fn proposed<S: Suite>(
        &mut self,
        view: &View<'_>,
        from: MixerIndex,
        body: &[u8],
        signature: Option<&[u8; SIGNATURE_SIZE]>,
    ) -> Result<(), ProposalRefusal> {
        let directory = parse(body)?;
        in_time(view.manifest, directory.round(), view.now)?;
        let hash = directory.hash();
        match (&self.vote, &self.choice) {
            (Vote::Failed, _) => return Err(ProposalRefusal::Unavailable),
            (Vote::Pending | Vote::Signed { .. }, Some((_, choice, _))) => {
                return if *choice == hash { Ok(()) } else { Err(ProposalRefusal::SignedAnother) };
            }
            _ => {}
        }
        let duty = self.duty(view, from);
        let on_duty = duty.turn(from).is_some_and(|turn| view.now.plus(MAX_SKEW_MS) >= turn);
        if !on_duty {
            return Err(ProposalRefusal::NotYourTurn);
        }
        if self.yields(view, &duty, from) {
            return Err(ProposalRefusal::Promised);
        }
        let known = self.vetted.iter().position(|v| v.from == from && v.hash == hash);
        if known.is_none() {
            vet::<S>(view.manifest, self.me, &self.own, body, view.now)?;
        }
        // The newest is last.
        let before = known.map(|index| self.vetted.remove(index));
        let go = before.is_some_and(|v| v.go)
            || signature
                .is_some_and(|s| verify_directory_signature::<S>(view.manifest, &hash, from, s));
        let mixers = directory.mixers().map(|(mixer, _)| mixer).collect();
        if self.vetted.len() >= REMEMBERED {
            self.vetted.remove(0);
        }
        self.vetted.push(Vetted { from, hash, mixers, go });
        self.attempt = None;
        self.promise(from, view);
        Ok(())
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

/// How long to wait for answers: an eighth of the opening, in milliseconds.
fn step(manifest: &Manifest<'_>) -> u64 {
    u64::from(manifest.parameters().open_ms) / 8
}

/// The middle of the round's opening.
fn half(manifest: &Manifest<'_>, round: Round) -> UnixMs {
    let parameters = manifest.parameters();
    parameters.schedule(round).opens.plus(u64::from(parameters.open_ms) / 2)
}
