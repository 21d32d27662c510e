//! What corrupt mixers do. They run the same rules as all others, and then do something else. They have each other's
//! keys: whatever they all could sign, they do.

use std::sync::Arc;

use rand_core::Rng;
use zephyr_core::wire::{Bytes, decode};
use zephyr_core::{
    Dh, Directory, MAX_DIRECTORY, MixerAnnouncement, MixerIndex, Role, Round, Suite,
    encode_directory, sign_directory,
};
use zephyr_machine::batch::Batch;
use zephyr_machine::mix::Mixed;
use zephyr_machine::mixer_server::CallId;
use zephyr_machine::peer::{PeerReply, PeerRequest, encode};
use zephyr_machine::record::{Record, RecordKey, RecordKind, SignedRecord};

use super::dice::Dice;
use super::figures::Fault;
use super::letters::{Answer, Letter, Put, Waits};
use super::mutation::Mutation;
use super::queue::Happening;
use super::world::World;

/// What a mixer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Corruption {
    Honest,
    /// It announces its key and never signs.
    NeverSigns,
    /// It signs and never sends a batch.
    NeverSends,
    /// It drops packets.
    Drops,
    /// It replaces packets.
    Replaces,
    /// It sends packets twice.
    Copies,
    /// When it sends a batch again, that is another one.
    TwoFaced,
    /// Its records, signatures and batches are garbage now and then.
    Garbles,
    /// It tries to have two directories for one round.
    Equivocates,
    /// It shows what it announces and signs to some only.
    Withholds,
    /// It gives rounds up for no reason, towards some.
    Voids,
}

impl Corruption {
    /// Those that only fail to do something.
    pub(super) const LAZY: &[Self] = &[Self::NeverSigns, Self::NeverSends];
    pub(super) const ALL: &[Self] = &[
        Self::NeverSigns,
        Self::NeverSends,
        Self::Drops,
        Self::Replaces,
        Self::Copies,
        Self::TwoFaced,
        Self::Garbles,
        Self::Equivocates,
        Self::Equivocates,
        Self::Withholds,
        Self::Voids,
    ];

    /// Whether it breaks more than its promise to work.
    pub(super) fn lies(self) -> bool {
        !matches!(self, Self::Honest | Self::NeverSigns | Self::NeverSends)
    }
}

impl<S: Suite + Sync> World<'_, S> {
    fn deed(&mut self, number: usize, what: impl FnOnce() -> String) {
        self.figures.count(Fault::Mixer);
        self.story.tell(self.now, || format!("{} {}", self.servers[number].name(), what()));
    }

    /// A corrupt mixer signs whatever it is asked to, as often as it likes. Says whether it has answered.
    pub(super) fn signs_anything(&mut self, number: usize, call: CallId, request: &[u8]) -> bool {
        let corrupt = self.servers[number].corrupt;
        if !corrupt.lies() && !self.is_mutated(Mutation::SignsTwice) {
            return false;
        }
        let Ok(PeerRequest::Propose { body, .. }) = decode(request) else { return false };
        let Ok(directory) = Directory::parse(body) else { return false };
        let mixers: Vec<_> = directory.mixers().map(|(mixer, _)| mixer).collect();
        let round = directory.round();
        let mut record = self.sign_for(number, &directory.hash(), mixers);
        if corrupt == Corruption::Garbles && self.rng.happens(300) {
            record.signature[3] ^= 1;
        }
        self.deed(number, || format!("signs what it is asked to in round {round}"));
        self.show_to_some(number, RecordKind::Signed, round, &Record::Signed(record), 600);
        self.reply(number, call, Answer::Vote(PeerReply::Willing));
        true
    }

    fn sign_for(
        &mut self,
        number: usize,
        hash: &zephyr_core::DirectoryHash,
        mixers: Vec<MixerIndex>,
    ) -> SignedRecord {
        let signature = sign_directory::<S>(&self.servers[number].seed, hash);
        SignedRecord { directory: *hash, mixers, signature }
    }

    /// Shows a record to each server in so many of a thousand cases.
    fn show_to_some(
        &mut self,
        number: usize,
        kind: RecordKind,
        round: Round,
        record: &Record,
        permille: u32,
    ) {
        let key = RecordKey { kind, round, index: self.servers[number].index as u16 };
        self.saw_record(number, &key, record);
        let puts: Arc<Vec<Put>> = vec![(key.to_bytes(), record.to_bytes())].into();
        for to in (0..self.servers.len()).filter(|&to| to != number) {
            if self.rng.happens(permille) {
                self.post(number, to, Letter::Records(puts.clone()));
            }
        }
    }

    /// Whether a corrupt mixer does something else with a record than to publish it.
    pub(super) fn misuses_record(
        &mut self,
        number: usize,
        key: &RecordKey,
        record: &Record,
    ) -> bool {
        match self.servers[number].corrupt {
            Corruption::Withholds => {
                self.deed(number, || "shows a record to some only".into());
                self.show_to_some(number, key.kind, key.round, record, 400);
            }
            Corruption::Garbles if self.rng.happens(300) => {
                self.deed(number, || "puts garbage into the DHT".into());
                let mut value = record.to_bytes();
                let byte = self.rng.below(value.len() as u64) as usize;
                value[byte] ^= 1 << self.rng.below(8);
                let puts: Vec<Put> = vec![(key.to_bytes(), value)];
                self.post_to_all(number, &Letter::Records(puts.into()));
            }
            Corruption::Equivocates if key.kind == RecordKind::MixerKey => {
                let (round, other) = (key.round, self.other_key(number, key.round));
                self.show_to_some(number, key.kind, round, &Record::MixerKey(other), 300);
                return false;
            }
            _ => return false,
        }
        let (key, value) = (key.to_bytes(), record.to_bytes());
        self.put_record(number, &key, &value, false);
        true
    }

    /// Another key for the round than the one announced.
    fn other_key(&mut self, number: usize, round: Round) -> MixerAnnouncement {
        let mut secret = [0; 32];
        self.rng.fill_bytes(&mut secret);
        let key = S::Dh::public(&secret);
        let seed = self.servers[number].seed;
        MixerAnnouncement::sign::<S>(&seed, self.manifest.network(), round, key)
    }

    /// The batch that goes out at this try.
    pub(super) fn corrupt_batch(
        &mut self,
        number: usize,
        batch: Arc<Batch>,
        tries: u32,
    ) -> Arc<Batch> {
        let garbage = match self.servers[number].corrupt {
            Corruption::TwoFaced => tries > 1 || self.rng.happens(200),
            Corruption::Garbles => self.rng.happens(300),
            _ => false,
        };
        if !garbage {
            return batch;
        }
        self.deed(number, || "sends another batch".into());
        let mut other = Batch::new(batch.item_len());
        for item in batch.iter() {
            if self.rng.happens(500) {
                other.push(item);
            } else {
                self.rng.fill_bytes(other.push_zeros());
            }
        }
        if self.rng.happens(300) {
            self.rng.fill_bytes(other.push_zeros());
        }
        other.into()
    }

    /// What comes out of a corrupt mixer's phase.
    pub(super) fn corrupt_mixed(&mut self, number: usize, mixed: &mut Mixed) {
        let corrupt = self.servers[number].corrupt;
        if !matches!(corrupt, Corruption::Drops | Corruption::Replaces | Corruption::Copies) {
            return;
        }
        self.deed(number, || format!("tampers with packets: {corrupt:?}"));
        for packets in mixed.packets.values_mut() {
            *packets = self.tampered(corrupt, &packets.to_batch()).into();
        }
        for messages in mixed.messages.values_mut() {
            *messages = self.tampered(corrupt, &messages.to_batch()).into();
        }
    }

    fn tampered(&mut self, corrupt: Corruption, batch: &Batch) -> Batch {
        let mut other = Batch::new(batch.item_len());
        for item in batch.iter() {
            match (self.rng.happens(400), corrupt) {
                (false, _) => other.push(item),
                (true, Corruption::Replaces) => self.rng.fill_bytes(other.push_zeros()),
                (true, Corruption::Copies) => {
                    other.push(item);
                    other.push(item);
                }
                (true, _) => {}
            }
        }
        other
    }

    /// Something is new on a corrupt mixer's board.
    pub(super) fn plot(&mut self, number: usize) {
        let corrupt = self.servers[number].corrupt;
        if !matches!(corrupt, Corruption::Equivocates | Corruption::Voids) {
            return;
        }
        let local = self.servers[number].local(self.now);
        let Some(round) = self.parameters().opened_by(local) else { return };
        for round in [Round(round.0.saturating_sub(1)), round] {
            if self.servers[number].attacked.contains(&round) {
                continue;
            }
            let agreed = self.servers[number].board.directory(round).is_some();
            match corrupt {
                Corruption::Voids if agreed => self.give_up(number, round),
                Corruption::Equivocates if !agreed => self.equivocate(number, round),
                _ => {}
            }
        }
    }

    fn give_up(&mut self, number: usize, round: Round) {
        self.servers[number].attacked.insert(round);
        if self.rng.happens(500) {
            return;
        }
        self.deed(number, || format!("gives round {round} up"));
        let request: Arc<[u8]> = encode(&PeerRequest::Void { round, missing: None }).into();
        for to in (0..self.servers.len()).filter(|&to| to != number) {
            if self.rng.happens(500) {
                self.calls += 1;
                let letter = Letter::Call { number: self.calls, request: request.clone() };
                self.post(number, to, letter);
            }
        }
    }

    /// Proposes one directory to some mixers and another one to others, signed by all corrupt ones.
    pub(super) fn equivocate(&mut self, number: usize, round: Round) {
        if self.servers[number].corrupt != Corruption::Equivocates {
            return;
        }
        let (mixers, pkgs) = self.servers[number].board.announced(round);
        let least = usize::from(self.parameters().min_mixers);
        if mixers.len() < least || pkgs.len() < self.manifest.servers(Role::Pkg).count() {
            return;
        }
        if self.servers[number].attacked.insert(round) {
            // Also when its turn comes, and when others have theirs.
            for _ in 0..2 {
                let after = self.rng.below(u64::from(self.parameters().open_ms));
                self.queue.plan(self.now.plus(after), Happening::Plot { server: number, round });
            }
        }
        let me = MixerIndex(self.servers[number].index as u16);
        let mut others = mixers.clone();
        let removable: Vec<usize> = (0..mixers.len()).filter(|&i| mixers[i].0 != me).collect();
        if mixers.len() > least && self.rng.happens(600) {
            others.remove(self.rng.one_of(&removable));
        } else if let Some(own) = others.iter_mut().find(|(mixer, _)| *mixer == me) {
            own.1 = self.other_key(number, round);
        }
        self.deed(number, || format!("proposes two directories for round {round}"));
        let side = self.rng.next_u64();
        for (turn, members) in [mixers, others].iter().enumerate() {
            let mut body = vec![0; MAX_DIRECTORY];
            let encoded = encode_directory(&self.manifest, round, members, &pkgs, &mut body);
            let Some(len) = encoded else { continue };
            body.truncate(len);
            self.push_through(number, round, &body, members, side ^ (turn as u64).wrapping_neg());
        }
    }

    fn push_through(
        &mut self,
        number: usize,
        round: Round,
        body: &[u8],
        members: &[(MixerIndex, MixerAnnouncement)],
        side: u64,
    ) {
        let Ok(directory) = Directory::parse(body) else { return };
        let (hash, indices) = (directory.hash(), members.iter().map(|(m, _)| *m));
        let indices: Vec<_> = indices.collect();
        let signature = Some(Bytes(self.sign_for(number, &hash, indices.clone()).signature));
        let request: Arc<[u8]> = encode(&PeerRequest::Propose { body, signature }).into();
        for &index in &indices {
            let to = self.server_number(Role::Mixer, index.0.into());
            if self.servers[to].corrupt.lies() {
                let record = Record::Signed(self.sign_for(to, &hash, indices.clone()));
                self.show_to_some(to, RecordKind::Signed, round, &record, 600);
            } else if side >> index.0 & 1 == 1 || self.rng.happens(200) {
                self.calls += 1;
                let call = self.calls;
                self.servers[number].calls.insert(call, Waits::Vote(round, index));
                self.post(number, to, Letter::Call { number: call, request: request.clone() });
            }
        }
    }
}
