//! Answering: whose proposal this mixer is willing to sign.

use zephyr_core::{
    DirectoryHash, MixerIndex, SIGNATURE_SIZE, Suite, UnixMs, verify_directory_signature,
};

use super::duty::Duty;
use super::propose::step;
use super::vet::{in_time, parse, vet};
use super::{Agreement, View, Vote};
use crate::board::MAX_SKEW_MS;
use crate::peer::ProposalRefusal;

/// How many checked proposals of others are remembered.
const REMEMBERED: usize = 8;

/// A proposal of somebody else's that has been found good.
#[derive(Debug)]
pub(super) struct Vetted {
    pub(super) from: MixerIndex,
    pub(super) hash: DirectoryHash,
    pub(super) mixers: Vec<MixerIndex>,
    /// Whether its proposer's signature came with it.
    pub(super) go: bool,
}

/// To whom this mixer is willing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    to: MixerIndex,
    until: UnixMs,
}

impl Agreement {
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

    /// To whom this mixer is willing now.
    pub(super) fn promised(&self, now: UnixMs) -> Option<MixerIndex> {
        self.promise.filter(|promise| now < promise.until).map(|promise| promise.to)
    }

    pub(super) fn duty(&self, view: &View<'_>, proposer: MixerIndex) -> Duty {
        let (mixers, _) = view.board.announced(self.round());
        let announced = mixers.into_iter().map(|(index, _)| index).chain([proposer]).collect();
        Duty::new(view.manifest, self.round(), announced, view.left_out)
    }

    /// Whether a promise to somebody else keeps this mixer from following `proposer`: if that one comes before it in
    /// the order of duty, and has not tried for long in vain.
    pub(super) fn yields(&self, view: &View<'_>, duty: &Duty, proposer: MixerIndex) -> bool {
        let Some(other) = self.promised(view.now).filter(|other| *other != proposer) else {
            return false;
        };
        let patience = 3 * step(view.manifest);
        let tired =
            |mixer| self.asked.get(&mixer).is_some_and(|since| view.now >= since.plus(patience));
        let rank = |mixer| (tired(mixer), duty.rank(mixer).unwrap_or(usize::MAX));
        rank(other) < rank(proposer)
    }

    pub(super) fn promise(&mut self, to: MixerIndex, view: &View<'_>) {
        let until = view.now.plus(3 * step(view.manifest));
        self.promise = Some(Promise { to, until });
        self.asked.entry(to).or_insert(view.now);
    }
}
