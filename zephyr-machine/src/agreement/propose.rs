//! Proposing: who is asked, who is left out, who is shown the signature.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zephyr_core::wire::Bytes;
use zephyr_core::{
    DirectoryHash, MAX_DIRECTORY, Manifest, MixerIndex, Role, Round, SIGNATURE_SIZE, Suite, UnixMs,
    encode_directory,
};

use super::vet::{parse, vet};
use super::{Agreement, Step, View};
use crate::peer::{PeerReply, PeerRequest, encode};

/// An own proposal.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) body: Arc<[u8]>,
    pub(super) hash: DirectoryHash,
    pub(super) mixers: BTreeSet<MixerIndex>,
    /// Who is willing, and since when that is known.
    pub(super) willing: BTreeMap<MixerIndex, UnixMs>,
    /// Who has answered, in whatever way.
    answered: BTreeSet<MixerIndex>,
    /// When it was proposed for the first time, and for the last.
    began: UnixMs,
    pub(super) asked: UnixMs,
}

impl Agreement {
    /// Proposes a directory, or waits for answers, if it is this mixer's turn.
    pub(super) fn propose<S: Suite>(&mut self, view: &View<'_>) -> Option<Step> {
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
    pub(super) fn push(
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
}

/// How long to wait for answers: an eighth of the opening, in milliseconds.
pub(super) fn step(manifest: &Manifest<'_>) -> u64 {
    u64::from(manifest.parameters().open_ms) / 8
}

/// The middle of the round's opening.
fn half(manifest: &Manifest<'_>, round: Round) -> UnixMs {
    let parameters = manifest.parameters();
    parameters.schedule(round).opens.plus(u64::from(parameters.open_ms) / 2)
}
