//! What comes from clients and mixers, is mixed, and goes on.

use std::collections::{BTreeMap, HashSet};

use rand_core::CryptoRng;
use zephyr_core::wire::{SubmitRefusal, decode};
use zephyr_core::{DirectoryHash, Mailbox, MixerIndex, Role, Round, ServerId, Suite, UnixMs};

use super::entry::Uploads;
use super::{Expected, MixerAction, MixerServer};
use crate::batch::Batch;
use crate::board::Board;
use crate::delivery::{Delivery, kept_by};
use crate::event::ServerEvent;
use crate::mix::{Messages, Mixed, Packets};
use crate::mixer::{Action, BatchRefusal};
use crate::peer::{BatchHeader, PeerRequest, encode};

impl<S: Suite> MixerServer<S> {
    /// A client submits a packet.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn submit(
        &mut self,
        round: Round,
        packet: &[u8],
        now: UnixMs,
    ) -> Result<(), SubmitRefusal> {
        let entry = self.rounds.get_mut(&round).ok_or(SubmitRefusal::NotHere)?;
        entry.mixing.submit(packet, now)
    }

    /// What a batch that begins with `header` is; `None` if it is not to be received. One that has come before is
    /// received again, to be acknowledged again.
    pub fn expects(&self, from: &ServerId, header: &[u8], item_len: usize) -> Option<Expected> {
        let Ok(BatchHeader::Mix { round, directory, phase }) = decode(header) else { return None };
        let from = self.mixer(round, from)?;
        let packet_len = self.manifest.at(round).parameters().geometry.packet_len();
        let entry = self.rounds.get(&round).filter(|_| item_len == packet_len)?;
        let phase = usize::from(phase);
        entry.mixing.expects(phase, from, &directory.0).ok()?;
        Some(Expected { round, phase, from })
    }

    /// A batch that was [expected](Self::expects) has come whole; `digest` is the SHA-256 of its packets. Returns
    /// whether to acknowledge it.
    pub fn received(
        &mut self,
        round: Round,
        phase: usize,
        from: MixerIndex,
        digest: [u8; 32],
        batch: Batch,
    ) -> bool {
        let Some(entry) = self.rounds.get_mut(&round) else { return false };
        self.touched.insert(round);
        let taken = entry.mixing.receive(phase, from, digest, batch);
        if taken == Err(BatchRefusal::Another) {
            self.event(ServerEvent::OtherBatch { round, phase, from });
        }
        taken.is_ok()
    }

    /// A phase is being peeled, and this is what will go on.
    pub fn mixing(&mut self, round: Round, phase: usize, packets: &BTreeMap<MixerIndex, Packets>) {
        if let Some(entry) = self.rounds.get_mut(&round) {
            entry.mixing.mixing(phase, packets);
            self.touched.insert(round);
        }
    }

    /// A phase has been mixed.
    pub fn mixed(&mut self, round: Round, phase: usize, mixed: Mixed, seen: HashSet<[u8; 32]>) {
        let Some(entry) = self.rounds.get_mut(&round).filter(|e| !e.mixing.is_void()) else {
            return;
        };
        let (me, packets) = (entry.me, std::mem::take(&mut entry.packets));
        // The last mixers have nobody behind them to watch.
        let directory = entry.mixing.directory().filter(|_| !mixed.packets.is_empty());
        if let (Some(hash), Some(exits)) = (directory, entry.mixing.exits()) {
            let (manifest, mailbox) = (self.manifest.at(round), entry.mixing.watched());
            self.loops.remember(&manifest, round, (hash, &exits), mailbox, &mixed.loops);
        }
        let (dropped, noise) = (mixed.bad.clone(), mixed.noise);
        entry.mixing.mixed(phase, mixed, seen);
        self.touched.insert(round);
        self.event(ServerEvent::Mixed { round, phase, packets, dropped, noise });
        self.progress.finished(round, me, phase);
    }

    /// A mixer has acknowledged the batch for `phase`.
    pub fn sent(&mut self, round: Round, to: MixerIndex, phase: usize) {
        if let Some(entry) = self.rounds.get_mut(&round) {
            entry.mixing.sent(to, phase);
            self.touched.insert(round);
        }
    }

    /// A mailbox server has acknowledged what is for it.
    pub fn uploaded(&mut self, round: Round, to: &ServerId) {
        if let Some(entry) = self.rounds.get_mut(&round)
            && let Some(uploads) = &mut entry.uploads
        {
            uploads.uploaded(to);
            self.touched.insert(round);
        }
    }

    /// Does what a round wants done.
    pub(super) fn drive(&mut self, round: Round, now: UnixMs, rng: &mut impl CryptoRng) {
        self.conclude(round, now);
        while let Some(entry) = self.rounds.get_mut(&round) {
            let directory = entry.mixing.directory().copied();
            let Some(action) = entry.mixing.poll(now) else { break };
            self.act(round, directory, action, rng);
        }
    }

    fn act(
        &mut self,
        round: Round,
        directory: Option<DirectoryHash>,
        action: Action<S>,
        rng: &mut impl CryptoRng,
    ) {
        let manifest = self.manifest.at(round);
        let Some(entry) = self.rounds.get_mut(&round) else { return };
        match (action, directory) {
            (Action::Prepare { noise }, _) => {
                self.actions.push_back(MixerAction::Prepare { round, noise });
            }
            (Action::Mix { phase, batch, noise, work, seen }, _) => {
                entry.packets = batch.len();
                let secret = self.hedge.draw::<32>(rng, &[b"mix"]);
                let mix = MixerAction::Mix { round, phase, batch, noise, work, seen, secret };
                self.actions.push_back(mix);
            }
            (Action::Send { to: index, phase, packets }, Some(directory)) => {
                let server = manifest.server(Role::Mixer, index.0.into());
                let Some(to) = server.map(|server| server.id) else { return };
                let header = BatchHeader::mix(round, &directory, phase);
                let until = manifest.parameters().schedule(round).phase_deadline(phase - 1);
                let send = MixerAction::Send { round, phase, to, index, header, packets, until };
                self.actions.push_back(send);
            }
            (Action::Deliver { messages }, Some(directory)) => {
                self.upload(round, &directory, &messages);
            }
            (Action::Void { missing }, _) => {
                let by = entry.me;
                self.loops.forget(round);
                entry.void = true;
                for mixer in &missing {
                    self.failed(round, *mixer);
                }
                self.tell_void(round, missing.first().copied());
                self.event(ServerEvent::Void { round, by, missing });
            }
            (Action::Send { .. } | Action::Deliver { .. }, None) => {}
        }
    }

    fn upload(
        &mut self,
        round: Round,
        directory: &DirectoryHash,
        messages: &BTreeMap<Mailbox, Messages>,
    ) {
        let manifest = self.manifest.at(round);
        let geometry = manifest.parameters().geometry;
        let Some(entry) = self.rounds.get_mut(&round) else { return };
        let (me, seed) = (entry.me, &self.identity_seed);
        let uploads = Uploads::new(&manifest, round, messages.values().map(Messages::len).sum());
        let until = uploads.until;
        entry.uploads = Some(uploads);
        let header = BatchHeader::deliver(round, directory);
        for (index, server) in manifest.servers(Role::Mailbox).enumerate() {
            let mailboxes = kept_by(&manifest, index);
            let delivery = Delivery::new::<S>(geometry, mailboxes, messages, seed, directory, me);
            let to = server.id;
            self.actions.push_back(MixerAction::Upload { round, to, header, delivery, until });
        }
    }

    /// Ends a delivery that is complete, or as complete as it can be.
    fn conclude(&mut self, round: Round, now: UnixMs) {
        let manifest = self.manifest.at(round);
        let Some(entry) = self.rounds.get_mut(&round) else { return };
        let Some(uploads) = entry.uploads.take_if(|uploads| uploads.has_ended(now)) else {
            return;
        };
        if uploads.is_enough(&manifest) && !entry.mixing.is_over() {
            let messages = uploads.messages;
            entry.mixing.delivered();
            self.event(ServerEvent::Delivered { round, messages });
        }
    }

    /// Another mixer of the round has given it up, because of `missing` as it says: one of the two is at fault.
    pub(super) fn told_void(
        &mut self,
        round: Round,
        by: MixerIndex,
        missing: Option<MixerIndex>,
        board: &Board,
        now: UnixMs,
    ) {
        let Some(directory) = board.directory(round) else { return };
        if self.rounds.get(&round).is_some_and(|entry| entry.mixing.is_open()) {
            self.agreed(round, directory, board, now);
        }
        let over = now >= self.manifest.at(round).parameters().schedule(round).deliver_until;
        let Some(entry) = self.rounds.get_mut(&round) else { return };
        if !entry.mixers.contains(&by) || entry.void {
            return;
        }
        entry.void = true;
        if over {
            // It could not deliver, or says so of a round that went well: nobody else is at fault.
            self.suspected(round, by);
            return;
        }
        let suspects = missing.filter(|mixer| *mixer != by && entry.mixers.contains(mixer));
        let was_over = entry.mixing.is_over();
        entry.mixing.void();
        self.loops.forget(round);
        self.suspected(round, by);
        if let Some(missing) = suspects {
            self.suspected(round, missing);
        }
        if !was_over {
            self.event(ServerEvent::Void { round, by, missing: Vec::from_iter(suspects) });
        }
    }

    /// Tells all other mixers and the mailbox servers that the round is void.
    pub(super) fn tell_void(&mut self, round: Round, missing: Option<MixerIndex>) {
        let manifest = self.manifest.at(round);
        let concerned = |role| matches!(role, Role::Mixer | Role::Mailbox);
        let others = manifest.all().filter(|s| concerned(s.role) && s.id != self.id);
        let to = others.map(|server| server.id).collect();
        let missing = missing.map(|mixer| mixer.0);
        let request = encode(&PeerRequest::Void { round, missing }).into();
        self.actions.push_back(MixerAction::TellVoid { round, to, request });
    }
}
