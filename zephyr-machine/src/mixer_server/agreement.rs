//! Agreeing on directories: what is proposed, signed, and taken over, and who is to blame if it is not.

use std::collections::{BTreeSet, VecDeque};

use zephyr_core::wire::decode;
use zephyr_core::{
    Directory, DirectoryHash, MixerIndex, Role, Round, ServerId, SigningGuard, Suite, UnixMs,
    sign_directory,
};

use super::entry::Entry;
use super::{CallId, MixerAction, MixerServer};
use crate::agreement::{Step, View};
use crate::board::Board;
use crate::event::ServerEvent;
use crate::peer::{PeerReply, PeerRequest, ProposalRefusal};
use crate::record::{Record, RecordKind, SignedRecord};

/// What this mixer has signed, and what it is about to sign.
pub(super) struct Votes {
    guard: SigningGuard,
    /// What is being written down, with the vote that waits for it.
    storing: Option<(SigningGuard, Vote)>,
    waiting: VecDeque<Vote>,
}

/// A directory to be signed as soon as that is written down.
struct Vote {
    round: Round,
    hash: DirectoryHash,
    mixers: Vec<MixerIndex>,
}

impl Votes {
    pub(super) fn new(guard: SigningGuard) -> Self {
        Self { guard, storing: None, waiting: VecDeque::new() }
    }
}

impl<S: Suite> MixerServer<S> {
    /// Another server calls; [`MixerAction::Reply`] answers.
    pub fn call(
        &mut self,
        call: CallId,
        from: &ServerId,
        request: &[u8],
        board: &Board,
        now: UnixMs,
    ) {
        let reply = match decode(request) {
            Ok(PeerRequest::Propose { body, signature }) => {
                let signature = signature.as_ref().map(|signature| &signature.0);
                match self.proposed(from, body, signature, board, now) {
                    Ok(()) => PeerReply::Willing,
                    Err(why) => PeerReply::Refused(why),
                }
            }
            Ok(PeerRequest::Void { round, missing }) => match self.mixer(round, from) {
                Some(mixer) => {
                    self.told_void(round, mixer, missing.map(MixerIndex), board, now);
                    PeerReply::Noted
                }
                None => PeerReply::Refused(ProposalRefusal::NotAllowed),
            },
            Ok(PeerRequest::Delivered { .. }) | Err(_) => {
                PeerReply::Refused(ProposalRefusal::Invalid)
            }
        };
        self.actions.push_back(MixerAction::Reply { call, reply });
    }

    fn proposed(
        &mut self,
        from: &ServerId,
        body: &[u8],
        signature: Option<&[u8; zephyr_core::SIGNATURE_SIZE]>,
        board: &Board,
        now: UnixMs,
    ) -> Result<(), ProposalRefusal> {
        let round = Directory::parse(body).map_err(|_| ProposalRefusal::Invalid)?.round();
        let from = self.mixer(round, from).ok_or(ProposalRefusal::NotAllowed)?;
        let left_out = self.left_out(round, board);
        let manifest = &self.manifest.at(round);
        let entry = self.rounds.get_mut(&round).ok_or(ProposalRefusal::NotMyKey)?;
        let view = View { manifest, board, left_out: &left_out, now };
        entry.agreement.proposed::<S>(&view, from, body, signature)?;
        self.look_again();
        Ok(())
    }

    /// Has the rounds without directory looked at again, as if the board had news.
    fn look_again(&mut self) {
        self.news = None;
    }

    /// The index of the mixer `id` in a round.
    pub(super) fn mixer(&self, round: Round, id: &ServerId) -> Option<MixerIndex> {
        match self.manifest.at(round).find(id)? {
            (Role::Mixer, index) => Some(MixerIndex(index as u16)),
            _ => None,
        }
    }

    fn left_out(&self, round: Round, board: &Board) -> BTreeSet<MixerIndex> {
        let (mixers, _) = board.announced(round);
        let announced = mixers.into_iter().map(|(mixer, _)| mixer).collect();
        let Some(entry) = self.rounds.get(&round) else { return BTreeSet::new() };
        self.reputation.left_out(&self.manifest, round, entry.me, &announced)
    }

    /// Takes over the directories that have become valid, and works on the others.
    pub(super) fn agree(&mut self, board: &Board, now: UnixMs) {
        let open = self.rounds.iter().filter(|(_, entry)| entry.mixing.is_open());
        for round in open.map(|(round, _)| *round).collect::<Vec<_>>() {
            match board.directory(round) {
                Some(directory) => self.agreed(round, directory, board, now),
                None => {
                    self.fetch(round, board, now);
                    self.complain(round, board, now);
                    self.step(round, board, now);
                }
            }
        }
    }

    pub(super) fn agreed(&mut self, round: Round, directory: &[u8], board: &Board, now: UnixMs) {
        let Ok(directory) = Directory::parse(directory) else { return };
        let left_out = self.left_out(round, board);
        let manifest = &self.manifest.at(round);
        let Some(entry) = self.rounds.get_mut(&round) else { return };
        entry.mixing.agree(manifest, &directory);
        entry.mixers = directory.mixers().map(|(mixer, _)| mixer).collect();
        if let Some(routes) = directory.routes(manifest) {
            let works = |mixer: &&MixerIndex| (0..routes.len()).any(|k| routes.works(k, **mixer));
            entry.workers = entry.mixers.iter().filter(works).copied().collect();
        }
        let mixers = entry.mixers.len();
        let view = View { manifest, board, left_out: &left_out, now };
        let idle = entry.agreement.idle_before(&view, &entry.mixers);
        for mixer in entry.agreement.take_silent().into_iter().chain(idle) {
            self.failed(round, mixer);
        }
        self.touched.insert(round);
        self.event(ServerEvent::Agreed { round, mixers });
    }

    fn fetch(&mut self, round: Round, board: &Board, now: UnixMs) {
        let keys = self.fetching.due(&self.manifest, board, round, now);
        if !keys.is_empty() {
            self.actions.push_back(MixerAction::Fetch { keys });
        }
    }

    /// When clients should submit and there is no directory: says why, and remembers who did not sign.
    fn complain(&mut self, round: Round, board: &Board, now: UnixMs) {
        let shared = self.manifest.clone();
        let manifest = shared.at(round);
        let late = now >= manifest.parameters().schedule(round).submit_from;
        let entry = self.rounds.get_mut(&round).filter(|entry| late && !entry.unopened);
        let Some(entry) = entry else { return };
        entry.unopened = true;
        let unsigned = entry.agreement.unsigned(board);
        for mixer in entry.agreement.take_silent().into_iter().chain(unsigned) {
            self.failed(round, mixer);
        }
        self.event(ServerEvent::Unopened { round, missing: board.lacks(&manifest, round) });
    }

    /// When a round without directory is to be looked at again.
    pub(super) fn agreement_due(&self, round: Round, entry: &Entry<S>, now: UnixMs) -> UnixMs {
        let manifest = self.manifest.at(round);
        let parameters = manifest.parameters();
        let mut due = now.plus((u64::from(parameters.open_ms) / 16).max(5));
        due = due.min(self.fetching.at(&self.manifest, round));
        if !entry.unopened {
            due = due.min(parameters.schedule(round).submit_from);
        }
        due
    }

    /// Does this mixer's part for the round's directory.
    fn step(&mut self, round: Round, board: &Board, now: UnixMs) {
        let left_out = self.left_out(round, board);
        let shared = self.manifest.clone();
        let manifest = &shared.at(round);
        let view = View { manifest, board, left_out: &left_out, now };
        while let Some(entry) = self.rounds.get_mut(&round) {
            match entry.agreement.poll::<S>(&view) {
                Some(Step::Ask { to, request }) => {
                    for index in to {
                        let server = manifest.server(Role::Mixer, index.0.into());
                        let Some(to) = server.map(|server| server.id) else { continue };
                        let request = request.clone();
                        let propose = MixerAction::Propose { round, to, index, request };
                        self.actions.push_back(propose);
                    }
                }
                Some(Step::Sign { directory: hash, mixers }) => {
                    self.votes.waiting.push_back(Vote { round, hash, mixers });
                    self.vote();
                }
                None => return,
            }
        }
    }

    /// A mixer has answered a proposal; `None`: it has not, or nothing that makes sense.
    pub fn answered(&mut self, round: Round, from: MixerIndex, reply: Option<PeerReply>) {
        if let Some(entry) = self.rounds.get_mut(&round) {
            entry.agreement.answered(from, reply);
            self.look_again();
        }
    }

    /// Signs what may be signed, one after the other: each is written down first.
    fn vote(&mut self) {
        while self.votes.storing.is_none() {
            let Some(vote) = self.votes.waiting.pop_front() else { return };
            let mut guard = self.votes.guard;
            if !guard.admit(vote.round, &vote.hash) {
                self.signed(vote.round, None);
            } else if guard == self.votes.guard {
                self.sign(vote);
            } else {
                self.votes.storing = Some((guard, vote));
                self.actions.push_back(MixerAction::StoreGuard { guard });
            }
        }
    }

    /// What was to be written down is on disk, or could not be written.
    pub fn guard_stored(&mut self, stored: bool) {
        let Some((guard, vote)) = self.votes.storing.take() else { return };
        if stored {
            self.votes.guard = guard;
            self.sign(vote);
        } else {
            self.signed(vote.round, None);
        }
        self.vote();
    }

    /// Signs what has been written down.
    fn sign(&mut self, vote: Vote) {
        let Vote { round, hash: directory, mixers } = vote;
        let Some(me) = self.rounds.get(&round).map(|entry| entry.me) else { return };
        let signature = sign_directory::<S>(&self.identity_seed, &directory);
        let record = SignedRecord { directory, mixers, signature };
        self.publish(RecordKind::Signed, round, me, Record::Signed(record));
        self.signed(round, Some((directory, signature)));
    }

    fn signed(&mut self, round: Round, signed: Option<(DirectoryHash, [u8; 64])>) {
        if let Some(entry) = self.rounds.get_mut(&round) {
            entry.agreement.signed(signed);
            self.look_again();
        }
    }

    /// A mixer was seen to fail.
    pub(super) fn failed(&mut self, round: Round, mixer: MixerIndex) {
        let server = self.manifest.at(round).server(Role::Mixer, mixer.0.into()).map(|s| s.id);
        if let Some(id) = server.filter(|id| *id != self.id) {
            self.reputation.failed(&id, self.newest);
        }
    }

    /// A mixer may have failed.
    pub(super) fn suspected(&mut self, round: Round, mixer: MixerIndex) {
        let server = self.manifest.at(round).server(Role::Mixer, mixer.0.into()).map(|s| s.id);
        if let Some(id) = server.filter(|id| *id != self.id) {
            self.reputation.suspected(&id, self.newest);
        }
    }
}
