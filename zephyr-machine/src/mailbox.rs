//! A mailbox server's view of the rounds: who is to deliver, who has, and what clients may be given.
//!
//! A round is complete when every mixer at which a route ends has delivered; clients get all of it or nothing. It is
//! void when one of its mixers says so before that, or when the time for deliveries is over.

mod front;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zephyr_core::wire::DownloadRefusal;
use zephyr_core::{Directory, DirectoryHash, Mailbox, MixerIndex, Role, Round, ServerId, UnixMs};

use super::board::{MAX_SKEW_MS, under_way};
use super::delivery::kept_by;
use crate::SharedManifest;

pub use front::{FrontMachine, Look};

/// What the store is to be told of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// It is void: nothing of it is kept but that.
    Void(Round),
    /// It is over: nothing of it is kept.
    Forget(Round),
}

impl Chore {
    fn round(self) -> Round {
        match self {
            Self::Void(round) | Self::Forget(round) => round,
        }
    }
}

/// Why an upload is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadRefusal {
    /// The round is void, over, or its directory has not come here.
    #[error("the round is not under way")]
    NotUnderWay,
    /// Its sender delivers nothing in this round, or it is of another directory.
    #[error("the upload does not belong here")]
    NotHere,
    /// Another one came from this mixer before.
    #[error("the mixer has delivered something else before")]
    Another,
}

/// An upload that may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The round's directory, with its signatures.
    pub directory: Arc<[u8]>,
    /// Its hash.
    pub hash: DirectoryHash,
    /// The digest of what has come from this mixer before: the same again is to be acknowledged again.
    pub before: Option<[u8; 32]>,
}

/// What is known of a round whose directory is agreed on.
#[derive(Debug)]
struct Agreed {
    directory: Arc<[u8]>,
    hash: DirectoryHash,
    mixers: BTreeSet<MixerIndex>,
    exits: BTreeSet<MixerIndex>,
    delivered: BTreeMap<MixerIndex, [u8; 32]>,
}

impl Agreed {
    fn is_complete(&self) -> bool {
        self.delivered.len() == self.exits.len()
    }
}

#[derive(Debug, Default)]
struct Entry {
    /// Mixers that have given the round up before its directory came.
    given_up: BTreeSet<MixerIndex>,
    agreed: Option<Agreed>,
    void: bool,
}

/// The rules of a mailbox server. Its time is that of the last [`advance`](Self::advance).
#[derive(Debug)]
pub struct MailboxMachine {
    manifest: SharedManifest,
    id: ServerId,
    now: UnixMs,
    rounds: BTreeMap<Round, Entry>,
    chores: BTreeMap<Round, Chore>,
}

impl MailboxMachine {
    /// The rules of the mailbox server with this identity.
    pub fn new(manifest: SharedManifest, id: ServerId, now: UnixMs) -> Self {
        Self { manifest, id, now, rounds: BTreeMap::new(), chores: BTreeMap::new() }
    }

    /// The mailboxes that are kept here in `round`, ascending: none if the server is not in the round's version.
    pub fn mailboxes(&self, round: Round) -> Vec<Mailbox> {
        let manifest = self.manifest.at(round);
        match manifest.find(&self.id) {
            Some((Role::Mailbox, index)) => kept_by(&manifest, index).collect(),
            _ => Vec::new(),
        }
    }

    /// It is `now`: rounds become void or old.
    pub fn advance(&mut self, now: UnixMs) {
        self.now = now;
        let manifest = &self.manifest;
        for (&round, entry) in &mut self.rounds {
            let late = now >= deadline(manifest.at(round).parameters(), round);
            if late && !entry.agreed.as_ref().is_some_and(Agreed::is_complete) {
                entry.give_up(round, &mut self.chores);
            }
        }
        let chores = &mut self.chores;
        self.rounds.retain(|&round, entry| {
            let stays = under_way(&manifest.at(round), round, now);
            if !stays && (entry.void || entry.agreed.is_some()) {
                chores.insert(round, Chore::Forget(round));
            }
            stays
        });
    }

    /// The round's directory is agreed on; `directory` has been verified, with all its signatures. Returns whether it
    /// is of use here: a round that is over is not.
    pub fn agree(&mut self, round: Round, directory: &[u8]) -> bool {
        let manifest = self.manifest.at(round);
        if !under_way(&manifest, round, self.now) {
            return false;
        }
        let Ok(parsed) = Directory::parse(directory) else { return false };
        let Some(routes) = parsed.routes(&manifest).filter(|_| parsed.round() == round) else {
            return false;
        };
        let entry = self.rounds.entry(round).or_default();
        if entry.void || entry.agreed.is_some() {
            return false;
        }
        let agreed = Agreed {
            directory: directory.into(),
            hash: parsed.hash(),
            mixers: parsed.mixers().map(|(mixer, _)| mixer).collect(),
            exits: routes.exits().into_iter().collect(),
            delivered: BTreeMap::new(),
        };
        if !entry.given_up.is_disjoint(&agreed.mixers) {
            entry.give_up(round, &mut self.chores);
            return false;
        }
        entry.agreed = Some(agreed);
        true
    }

    /// What the store has of a round from before a restart; `directory` has been verified. What is of no use any more
    /// is to be [forgotten](Self::chore).
    pub fn restore(
        &mut self,
        round: Round,
        directory: &[u8],
        delivered: impl IntoIterator<Item = (MixerIndex, [u8; 32])>,
    ) {
        if !self.agree(round, directory) {
            self.chores.insert(round, Chore::Forget(round));
            return;
        }
        if let Some(agreed) = self.rounds.get_mut(&round).and_then(|entry| entry.agreed.as_mut()) {
            let expected = delivered.into_iter().filter(|(mixer, _)| agreed.exits.contains(mixer));
            agreed.delivered = expected.collect();
        }
        self.advance(self.now);
    }

    /// The store has it from before a restart that a round is void.
    pub fn restore_void(&mut self, round: Round) {
        self.rounds.entry(round).or_default().void = true;
        self.advance(self.now);
    }

    /// The mixer `from` has given the round up. Only mixers of its directory are believed, and only until it is
    /// complete: what has been delivered stays. Returns whether the round is void since now.
    pub fn void(&mut self, from: MixerIndex, round: Round) -> bool {
        let manifest = self.manifest.at(round);
        let known = manifest.server(Role::Mixer, from.0.into()).is_some();
        if !known || !under_way(&manifest, round, self.now) {
            return false;
        }
        let entry = self.rounds.entry(round).or_default();
        match &entry.agreed {
            None => {
                entry.given_up.insert(from);
                false
            }
            Some(agreed) if agreed.mixers.contains(&from) && !agreed.is_complete() => {
                entry.give_up(round, &mut self.chores);
                true
            }
            Some(_) => false,
        }
    }

    /// Whether an upload of `from` would be taken: asked before it is received, and again before it counts.
    ///
    /// # Errors
    /// See [`UploadRefusal`].
    pub fn expects(
        &self,
        round: Round,
        from: MixerIndex,
        directory: &[u8; 32],
    ) -> Result<Expected, UploadRefusal> {
        let agreed = self.rounds.get(&round).and_then(|entry| entry.agreed.as_ref());
        let agreed = agreed.ok_or(UploadRefusal::NotUnderWay)?;
        if agreed.hash.as_bytes() != directory || !agreed.exits.contains(&from) {
            return Err(UploadRefusal::NotHere);
        }
        Ok(Expected {
            directory: agreed.directory.clone(),
            hash: agreed.hash,
            before: agreed.delivered.get(&from).copied(),
        })
    }

    /// The upload of `from` whose lists have this digest is in the store, whole.
    ///
    /// # Errors
    /// If it does not count: see [`UploadRefusal`].
    pub fn delivered(
        &mut self,
        round: Round,
        from: MixerIndex,
        digest: [u8; 32],
    ) -> Result<(), UploadRefusal> {
        let agreed = self.rounds.get_mut(&round).and_then(|entry| entry.agreed.as_mut());
        let agreed = agreed.ok_or(UploadRefusal::NotUnderWay)?;
        if !agreed.exits.contains(&from) {
            return Err(UploadRefusal::NotHere);
        }
        match *agreed.delivered.entry(from).or_insert(digest) == digest {
            true => Ok(()),
            false => Err(UploadRefusal::Another),
        }
    }

    /// Whether clients may be given a mailbox of a round.
    ///
    /// # Errors
    /// What they are told instead.
    pub fn download(&self, round: Round, mailbox: Mailbox) -> Result<(), DownloadRefusal> {
        if !keeps(&self.manifest, &self.id, round, mailbox) {
            return Err(DownloadRefusal::NotHere);
        }
        match self.rounds.get(&round) {
            Some(Entry { agreed: Some(agreed), .. }) if agreed.is_complete() => Ok(()),
            Some(Entry { void: true, .. }) => Err(DownloadRefusal::Gone),
            // This server may learn of a round later than a client.
            _ if self.now < deadline(self.manifest.at(round).parameters(), round) => {
                Err(DownloadRefusal::NotYet)
            }
            _ => Err(DownloadRefusal::Gone),
        }
    }

    /// Whether the round's directory has come, or no longer matters because the round is void.
    pub fn knows(&self, round: Round) -> bool {
        self.rounds.get(&round).is_some_and(|entry| entry.void || entry.agreed.is_some())
    }

    /// Whether all that the round's mixers deliver is here.
    pub fn is_complete(&self, round: Round) -> bool {
        let agreed = self.rounds.get(&round).and_then(|entry| entry.agreed.as_ref());
        agreed.is_some_and(Agreed::is_complete)
    }

    /// What the store is to be told. Say [`done`](Self::done) when it has been.
    pub fn chore(&self) -> Option<Chore> {
        self.chores.values().next().copied()
    }

    /// The store has been told.
    pub fn done(&mut self, chore: Chore) {
        // Another one may have taken its place meanwhile.
        if self.chores.get(&chore.round()) == Some(&chore) {
            self.chores.remove(&chore.round());
        }
    }
}

impl Entry {
    fn give_up(&mut self, round: Round, chores: &mut BTreeMap<Round, Chore>) {
        self.agreed = None;
        if !std::mem::replace(&mut self.void, true) {
            chores.insert(round, Chore::Void(round));
        }
    }
}

/// Whether the mailbox server with the identity `id` keeps `mailbox` in `round`.
fn keeps(manifest: &SharedManifest, id: &ServerId, round: Round, mailbox: Mailbox) -> bool {
    let manifest = manifest.at(round);
    let Some((Role::Mailbox, index)) = manifest.find(id) else { return false };
    mailbox.0 < manifest.parameters().mailboxes
        && manifest.mailbox_servers(mailbox).any(|server| server == index)
}

/// When everything must have come, by the clock of a mixer that is as slow as it may be.
fn deadline(parameters: &zephyr_core::Parameters, round: Round) -> UnixMs {
    parameters.schedule(round).deliver_until.plus(MAX_SKEW_MS)
}

#[cfg(test)]
mod tests;
