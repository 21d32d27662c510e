//! Agreeing on a round's directory: who proposes it, and who signs.
//!
//! The directory follows from its round and the mixers in it, so that two coordinators that know the same keys
//! propose the same one; and every mixer signs at most one a round. A wrong coordinator can therefore stop a
//! round, and nothing else.

use std::collections::BTreeSet;

use zephyr_core::{
    Directory, DirectoryHash, MAX_DIRECTORY, Manifest, MixerAnnouncement, MixerIndex, Role, Round,
    SigningGuard, Suite, UnixMs, encode_directory,
};

use super::board::{Board, MAX_SKEW_MS, has_full_order};
use super::peer::ProposalRefusal;

/// A directory to be signed by these mixers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The directory's body.
    pub body: Vec<u8>,
    /// Who has not signed it yet.
    pub to: Vec<MixerIndex>,
}

/// One mixer's part in bringing about the directory of one round.
#[derive(Debug)]
pub struct Coordinator {
    me: MixerIndex,
    round: Round,
    body: Option<Vec<u8>>,
    unsigned: BTreeSet<MixerIndex>,
    again_at: UnixMs,
}

impl Coordinator {
    /// For mixer `me` in `round`.
    pub fn new(me: MixerIndex, round: Round) -> Self {
        Self { me, round, body: None, unsigned: BTreeSet::new(), again_at: UnixMs(0) }
    }

    /// What is to be proposed now, if this mixer is on duty: the first in the manifest's order that has announced
    /// a key. It waits for the keys of all servers, from the middle of the opening on for those of all PKGs and
    /// the fewest mixers that the manifest allows; what is not signed is proposed again every eighth of the
    /// opening.
    pub fn poll(
        &mut self,
        manifest: &Manifest<'_>,
        board: &Board,
        now: UnixMs,
    ) -> Option<Proposal> {
        let parameters = manifest.parameters();
        let schedule = parameters.schedule(self.round);
        if now < schedule.opens || now >= schedule.submit_until || now < self.again_at {
            return None;
        }
        if self.body.is_none() {
            self.body = self.gather(manifest, board, now);
        }
        let body = self.body.clone()?;
        self.again_at = now.plus(u64::from(parameters.open_ms) / 8);
        let to: Vec<_> = self.unsigned.iter().copied().collect();
        (!to.is_empty()).then_some(Proposal { body, to })
    }

    fn gather(&mut self, manifest: &Manifest<'_>, board: &Board, now: UnixMs) -> Option<Vec<u8>> {
        let parameters = manifest.parameters();
        let (mixers, pkgs) = board.announced(self.round);
        if mixers.first().is_none_or(|(first, _)| *first != self.me)
            || pkgs.len() < manifest.servers(Role::Pkg).count()
        {
            return None;
        }
        let half = parameters.schedule(self.round).opens.plus(u64::from(parameters.open_ms) / 2);
        let all = mixers.len() == manifest.servers(Role::Mixer).count();
        let enough = mixers.len() >= usize::from(parameters.min_mixers);
        if !(all || enough && now >= half) {
            return None;
        }
        let mut body = vec![0; MAX_DIRECTORY];
        let len = encode_directory(manifest, self.round, &mixers, &pkgs, &mut body)?;
        body.truncate(len);
        self.unsigned = mixers.into_iter().map(|(index, _)| index).collect();
        Some(body)
    }

    /// A mixer has signed.
    pub fn signed(&mut self, mixer: MixerIndex) {
        self.unsigned.remove(&mixer);
    }
}

/// Whether a mixer may sign a proposed directory: checks all of it, and that `own`, its announcement of the round,
/// is in it. The guard remembers the answer: persist it before the signature leaves.
///
/// # Errors
/// Why not.
pub fn consider<S: Suite>(
    manifest: &Manifest<'_>,
    me: MixerIndex,
    own: Option<&MixerAnnouncement>,
    guard: &mut SigningGuard,
    body: &[u8],
    now: UnixMs,
) -> Result<(Round, DirectoryHash), ProposalRefusal> {
    let directory = Directory::parse(body).map_err(|_| ProposalRefusal::Invalid)?;
    if directory.body().len() != body.len() {
        return Err(ProposalRefusal::Invalid);
    }
    let round = directory.round();
    let schedule = manifest.parameters().schedule(round);
    if now.plus(MAX_SKEW_MS) < schedule.opens || now >= schedule.submit_until {
        return Err(ProposalRefusal::NotOpen);
    }
    if own.is_none_or(|own| own.round != round || directory.mixer_key(me) != Some(own.key)) {
        return Err(ProposalRefusal::NotMyKey);
    }
    directory.check::<S>(manifest, true).map_err(|_| ProposalRefusal::Invalid)?;
    if directory.mixers().any(|(_, a)| !has_full_order::<S>(&a.key)) {
        return Err(ProposalRefusal::Invalid);
    }
    let hash = directory.hash();
    if !guard.admit(round, &hash) {
        return Err(ProposalRefusal::SignedAnother);
    }
    Ok((round, hash))
}
