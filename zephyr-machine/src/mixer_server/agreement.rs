//! Agreeing on directories: what is proposed, signed, and taken over.

use std::collections::VecDeque;

use zephyr_core::wire::{Bytes, decode};
use zephyr_core::{
    Directory, DirectoryHash, MixerIndex, Role, Round, ServerId, SigningGuard, Suite, UnixMs,
    sign_directory,
};

use super::entry::Entry;
use super::{CallId, MixerAction, MixerServer};
use crate::board::Board;
use crate::coordinator::consider;
use crate::event::ServerEvent;
use crate::peer::{PeerReply, PeerRequest, ProposalRefusal};
use crate::record::{Record, RecordKind, SignedRecord};

/// How many proposals wait while an earlier one is written down.
const WAITING: usize = 64;

/// What this mixer has signed, and what it is about to sign.
pub(super) struct Votes {
    guard: SigningGuard,
    /// What is being written down, with the vote that waits for it.
    storing: Option<(SigningGuard, Vote)>,
    waiting: VecDeque<(Option<CallId>, Vec<u8>)>,
}

/// A directory that may be signed as soon as that is written down.
struct Vote {
    round: Round,
    me: MixerIndex,
    hash: DirectoryHash,
    mixers: Vec<MixerIndex>,
    /// Who asked for it; nobody if it is this mixer's own proposal.
    call: Option<CallId>,
}

impl Votes {
    pub(super) fn new(guard: SigningGuard) -> Self {
        Self { guard, storing: None, waiting: VecDeque::new() }
    }
}

impl<S: Suite> MixerServer<S> {
    /// Another server calls; [`MixerAction::Reply`] answers, unless the call is of no use.
    pub fn call(
        &mut self,
        call: CallId,
        from: &ServerId,
        request: &[u8],
        board: &Board,
        now: UnixMs,
    ) {
        let refused = |why| Some(PeerReply::Refused(why));
        let reply = match decode(request) {
            Ok(PeerRequest::Propose { body }) => self.proposed(call, from, body, now),
            Ok(PeerRequest::Void { round }) => match self.mixer(round, from) {
                Some(mixer) => {
                    self.told_void(round, mixer, board);
                    Some(PeerReply::Noted)
                }
                None => refused(ProposalRefusal::NotAllowed),
            },
            Ok(PeerRequest::Delivered { .. }) | Err(_) => refused(ProposalRefusal::Invalid),
        };
        if let Some(reply) = reply {
            self.actions.push_back(MixerAction::Reply { call, reply });
        }
    }

    /// The index of the mixer `id` in a round.
    pub(super) fn mixer(&self, round: Round, id: &ServerId) -> Option<MixerIndex> {
        match self.manifest.at(round).find(id)? {
            (Role::Mixer, index) => Some(MixerIndex(index as u16)),
            _ => None,
        }
    }

    /// Takes over the directories that have become valid, and works on the others.
    pub(super) fn agree(&mut self, board: &Board, now: UnixMs) {
        let open = self.rounds.iter().filter(|(_, entry)| entry.mixing.is_open());
        for round in open.map(|(round, _)| *round).collect::<Vec<_>>() {
            match board.directory(round) {
                Some(directory) => self.agreed(round, directory),
                None => {
                    self.fetch(round, board, now);
                    self.coordinate(round, board, now);
                }
            }
        }
    }

    fn agreed(&mut self, round: Round, directory: &[u8]) {
        let Ok(directory) = Directory::parse(directory) else { return };
        let Some(entry) = self.rounds.get_mut(&round) else { return };
        entry.mixing.agree(&self.manifest.at(round), &directory);
        self.touched.insert(round);
        let mixers = directory.mixers().count();
        self.event(ServerEvent::Agreed { round, mixers });
    }

    fn fetch(&mut self, round: Round, board: &Board, now: UnixMs) {
        let keys = self.fetching.due(&self.manifest, board, round, now);
        if !keys.is_empty() {
            self.actions.push_back(MixerAction::Fetch { keys });
        }
        let manifest = self.manifest.at(round);
        let late = now >= manifest.parameters().schedule(round).submit_from;
        let entry = self.rounds.get_mut(&round).filter(|entry| late && !entry.unopened);
        if let Some(entry) = entry {
            entry.unopened = true;
            let missing = board.lacks(&manifest, round);
            let event = ServerEvent::Unopened { round, missing };
            self.actions.push_back(MixerAction::Event(event));
        }
    }

    /// When a round without directory is to be looked at again.
    pub(super) fn agreement_due(&self, round: Round, entry: &Entry<S>, now: UnixMs) -> UnixMs {
        let manifest = self.manifest.at(round);
        let parameters = manifest.parameters();
        // Coordination goes by eighths of the opening.
        let mut due = now.plus((u64::from(parameters.open_ms) / 8).max(5));
        due = due.min(self.fetching.at(&self.manifest, round));
        if !entry.unopened {
            due = due.min(parameters.schedule(round).submit_from);
        }
        due
    }

    /// Proposes the round's directory, if on duty.
    fn coordinate(&mut self, round: Round, board: &Board, now: UnixMs) {
        let manifest = self.manifest.at(round);
        let Some(entry) = self.rounds.get_mut(&round) else { return };
        let me = entry.me;
        let Some(proposal) = entry.coordinator.poll(&manifest, board, now) else { return };
        for &index in proposal.to.iter().filter(|to| **to != me) {
            let Some(server) = manifest.server(Role::Mixer, index.0.into()) else { continue };
            let body = proposal.body.as_slice().into();
            self.actions.push_back(MixerAction::Propose { round, to: server.id, index, body });
        }
        if proposal.to.contains(&me) {
            self.consider(None, proposal.body, now);
        }
    }

    /// A mixer has answered a proposal, or not.
    pub fn answered(&mut self, round: Round, from: MixerIndex, reply: Option<PeerReply>) {
        if let Some(PeerReply::Signed(_)) = reply
            && let Some(entry) = self.rounds.get_mut(&round)
        {
            entry.coordinator.signed(from);
        }
    }

    fn proposed(
        &mut self,
        call: CallId,
        from: &ServerId,
        body: &[u8],
        now: UnixMs,
    ) -> Option<PeerReply> {
        let Ok(directory) = Directory::parse(body) else {
            return Some(PeerReply::Refused(ProposalRefusal::Invalid));
        };
        if self.mixer(directory.round(), from).is_none() {
            return Some(PeerReply::Refused(ProposalRefusal::NotAllowed));
        }
        if self.votes.waiting.len() >= WAITING {
            return Some(PeerReply::Refused(ProposalRefusal::Unavailable));
        }
        self.consider(Some(call), body.to_vec(), now);
        None
    }

    /// Signs a proposed directory if it may, as soon as nothing else is being written down.
    fn consider(&mut self, call: Option<CallId>, body: Vec<u8>, now: UnixMs) {
        self.votes.waiting.push_back((call, body));
        self.vote(now);
    }

    fn vote(&mut self, now: UnixMs) {
        while self.votes.storing.is_none() {
            let Some((call, body)) = self.votes.waiting.pop_front() else { return };
            let mut guard = self.votes.guard;
            match self.admit(&mut guard, call, &body, now) {
                Ok(vote) if guard == self.votes.guard => self.sign(vote),
                Ok(vote) => {
                    self.votes.storing = Some((guard, vote));
                    self.actions.push_back(MixerAction::StoreGuard { guard });
                }
                Err(why) => self.reply(call, PeerReply::Refused(why)),
            }
        }
    }

    /// Checks a proposed directory.
    fn admit(
        &self,
        guard: &mut SigningGuard,
        call: Option<CallId>,
        body: &[u8],
        now: UnixMs,
    ) -> Result<Vote, ProposalRefusal> {
        let directory = Directory::parse(body).map_err(|_| ProposalRefusal::Invalid)?;
        let round = directory.round();
        let entry = self.rounds.get(&round).ok_or(ProposalRefusal::NotMyKey)?;
        let (me, own) = (entry.me, entry.mixing.announcement());
        let manifest = self.manifest.at(round);
        let (round, hash) = consider::<S>(&manifest, me, Some(own), guard, body, now)?;
        let mixers = directory.mixers().map(|(index, _)| index).collect();
        Ok(Vote { round, me, hash, mixers, call })
    }

    /// What was to be written down is on disk, or could not be written.
    pub fn guard_stored(&mut self, stored: bool, now: UnixMs) {
        let Some((guard, vote)) = self.votes.storing.take() else { return };
        if stored {
            self.votes.guard = guard;
            self.sign(vote);
        } else {
            self.reply(vote.call, PeerReply::Refused(ProposalRefusal::Unavailable));
        }
        self.vote(now);
    }

    /// Signs what has been written down.
    fn sign(&mut self, vote: Vote) {
        let Vote { round, me, hash, mixers, call } = vote;
        let signature = sign_directory::<S>(&self.identity_seed, &hash);
        let record = SignedRecord { directory: hash, mixers, signature };
        self.publish(RecordKind::Signed, round, me, Record::Signed(record));
        if call.is_none()
            && let Some(entry) = self.rounds.get_mut(&round)
        {
            entry.coordinator.signed(me);
        }
        self.reply(call, PeerReply::Signed(Bytes(signature)));
    }

    fn reply(&mut self, call: Option<CallId>, reply: PeerReply) {
        self.actions.extend(call.map(|call| MixerAction::Reply { call, reply }));
    }
}
