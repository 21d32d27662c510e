//! The round's private key: from the PKGs' shares to their sum, checked.

use crate::crypto::pairing::Pairing;
use crate::ibe::{KeyCheck, KeyShare, PrivateKey, RoundKey};
use crate::identity::Identity;
use crate::ids::PkgIndex;

/// How far the key has come.
pub(super) struct Extraction<P: Pairing> {
    /// The PKGs whose share has been added, a bit each.
    shares: u64,
    state: State<P>,
}

enum State<P: Pairing> {
    Adding(Option<KeyShare<P>>),
    Checking(KeyCheck<P>),
    Done(PrivateKey<P>),
    /// No key will come any more in this round.
    Failed,
}

/// What a step of the check has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// More steps follow.
    NotYet,
    /// The user has the key.
    Right,
    /// A PKG gave a wrong share.
    Wrong,
}

impl<P: Pairing> Extraction<P> {
    pub(super) fn new() -> Self {
        Self { shares: 0, state: State::Adding(None) }
    }

    pub(super) fn has_share(&self, pkg: PkgIndex) -> bool {
        self.shares & (1 << pkg.0) != 0
    }

    /// Adds a PKG's share; once all `pkgs` have given theirs, the check begins.
    pub(super) fn add(&mut self, pkg: PkgIndex, share: KeyShare<P>, pkgs: usize) {
        let State::Adding(sum) = &mut self.state else { return };
        if self.shares & (1 << pkg.0) != 0 {
            return;
        }
        self.shares |= 1 << pkg.0;
        let sum = match sum.take() {
            Some(sum) => sum.add(&share),
            None => share,
        };
        let complete = self.shares.count_ones() as usize == pkgs;
        self.state = match complete {
            true => State::Checking(KeyCheck::new(sum)),
            false => State::Adding(Some(sum)),
        };
    }

    /// Whether there is a step of the check to do.
    pub(super) fn is_checking(&self) -> bool {
        matches!(self.state, State::Checking(_))
    }

    /// Does a step of the check, one pairing. `None` if there is nothing to check.
    pub(super) fn check(
        &mut self,
        identity: &Identity<P>,
        round_key: &RoundKey<P>,
    ) -> Option<Checked> {
        let State::Checking(check) = &mut self.state else { return None };
        match check.step(identity, round_key) {
            None => return Some(Checked::NotYet),
            Some(false) => {
                self.state = State::Failed;
                return Some(Checked::Wrong);
            }
            Some(true) => {}
        }
        self.finish();
        Some(Checked::Right)
    }

    #[inline(never)] // a key is large, and would lie below the pairings
    fn finish(&mut self) {
        if let State::Checking(check) = &self.state {
            self.state = State::Done(check.key());
        }
    }

    /// No key will come.
    pub(super) fn fail(&mut self) {
        if let State::Adding(_) = self.state {
            self.state = State::Failed;
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed)
    }

    pub(super) fn key(&self) -> Option<&PrivateKey<P>> {
        if let State::Done(key) = &self.state { Some(key) } else { None }
    }

    /// Takes the key, if it has come: the round is over.
    pub(super) fn take_key(&mut self) -> Option<PrivateKey<P>> {
        let state = core::mem::replace(&mut self.state, State::Failed);
        if let State::Done(key) = state { Some(key) } else { None }
    }
}
