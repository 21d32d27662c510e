//! A mailbox server: its rules over a small store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zephyr_core::wire::{Bytes, DownloadRefusal, MailboxReply, MailboxRequest, decode};
use zephyr_core::{Mailbox, MixerIndex, Role, Round, ServerId, Suite, message_digest};
use zephyr_machine::batch::Batch;
use zephyr_machine::board::under_way;
use zephyr_machine::delivery::{Head, Item, Unpack, item_len};
use zephyr_machine::mailbox::{Chore, MailboxMachine};
use zephyr_machine::mixer_server::CallId;
use zephyr_machine::peer::{
    BatchHeader, DeliveredReply, MAX_HASHES, PeerReply, PeerRequest, ProposalRefusal, encode,
};

use super::answers::encoded;
use super::dice::Dice;
use super::figures::Fault;
use super::letters::{Answer, digest};
use super::server::Machine;
use super::world::World;

/// What one mixer delivered.
struct Upload {
    digest: [u8; 32],
    lists: BTreeMap<Mailbox, (Head, Vec<Vec<u8>>)>,
}

/// A round in the store.
struct Stored {
    directory: Arc<[u8]>,
    uploads: BTreeMap<MixerIndex, Upload>,
}

/// The store of a mailbox server, on its disk.
#[derive(Default)]
pub(super) struct MailStore {
    rounds: BTreeMap<Round, Stored>,
    void: BTreeSet<Round>,
}

impl MailStore {
    /// Tells the rules what is here, after a start.
    pub(super) fn restore(&mut self, mail: &mut MailboxMachine) {
        self.void.iter().for_each(|&round| mail.restore_void(round));
        for (&round, stored) in &self.rounds {
            let delivered = stored.uploads.iter().map(|(mixer, upload)| (*mixer, upload.digest));
            mail.restore(round, &stored.directory, delivered);
        }
        self.clean(mail);
    }

    /// What a mixer is told of a delivery.
    fn delivered(&self, round: Round, mailbox: Mailbox, mixer: MixerIndex, from: u32) -> Vec<u8> {
        let upload = self.rounds.get(&round).and_then(|stored| stored.uploads.get(&mixer));
        let Some((head, messages)) = upload.and_then(|upload| upload.lists.get(&mailbox)) else {
            return encode(&DeliveredReply::Refused(DownloadRefusal::NotHere));
        };
        let wanted = messages.iter().skip(from as usize).take(MAX_HASHES);
        let hashes: Vec<u8> = wanted.flat_map(|message| message_digest(message)).collect();
        let (messages, signature) = (head.messages, Bytes(head.signature));
        encode(&DeliveredReply::Page { messages, signature, hashes: &hashes })
    }

    fn clean(&mut self, mail: &mut MailboxMachine) {
        while let Some(chore) = mail.chore() {
            let (Chore::Void(round) | Chore::Forget(round)) = chore;
            self.rounds.remove(&round);
            match chore {
                Chore::Void(round) => self.void.insert(round),
                Chore::Forget(round) => self.void.remove(&round),
            };
            mail.done(chore);
        }
    }
}

impl<S: Suite + Sync> World<'_, S> {
    /// A mixer calls.
    pub(super) fn mailbox_called(
        &mut self,
        number: usize,
        call: CallId,
        from: &ServerId,
        request: &[u8],
    ) {
        let mixer = match self.manifest.find(from) {
            Some((Role::Mixer, index)) => Some(MixerIndex(index as u16)),
            _ => None,
        };
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let Some(Machine::Mailbox { mail, .. }) = &mut server.machine else { return };
        mail.advance(local);
        let answer = match (mixer, decode(request)) {
            (Some(mixer), Ok(PeerRequest::Void { round, .. })) => {
                mail.void(mixer, round);
                Answer::Vote(PeerReply::Noted)
            }
            (Some(_), Ok(PeerRequest::Delivered { round, mailbox, mixer, from })) => {
                let told = match mail.download(round, mailbox) {
                    Ok(()) => server.disk.mail.delivered(round, mailbox, mixer, from),
                    Err(why) => encode(&DeliveredReply::Refused(why)),
                };
                Answer::Told(told.into())
            }
            _ => Answer::Vote(PeerReply::Refused(ProposalRefusal::NotAllowed)),
        };
        server.disk.mail.clean(mail);
        self.reply(number, call, answer);
    }

    /// What a mixer delivers has come whole. Says whether to acknowledge it.
    pub(super) fn upload_came(
        &mut self,
        number: usize,
        from: usize,
        header: &[u8],
        batch: &Batch,
    ) -> bool {
        self.try_upload(number, from, header, batch).is_some()
    }

    fn try_upload(
        &mut self,
        number: usize,
        from: usize,
        header: &[u8],
        batch: &Batch,
    ) -> Option<()> {
        let Ok(BatchHeader::Deliver { round, directory }) = decode(header) else { return None };
        let from = &self.servers[from];
        let (id, mixer) = (from.id, MixerIndex(from.index as u16));
        if from.role != Role::Mixer || batch.item_len() != item_len(self.parameters().geometry) {
            return None;
        }
        self.learn(number, round);
        let torn = !self.calm && self.rng.happens(20);
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let Some(Machine::Mailbox { mail, .. }) = &mut server.machine else { return None };
        mail.advance(local);
        server.disk.mail.clean(mail);
        let expected = mail.expects(round, mixer, &directory.0).ok()?;
        let mut unpack = Unpack::<S>::new(mail.mailboxes(round), &expected.hash, mixer, &id);
        let digest = digest(batch);
        let mut upload = Upload { digest, lists: BTreeMap::new() };
        let mut current = None;
        for item in batch.iter() {
            match unpack.next(item).ok()? {
                Item::Head(head) => {
                    current = Some(head.mailbox);
                    upload.lists.insert(head.mailbox, (head, Vec::new()));
                }
                Item::Message(message) => {
                    upload.lists.get_mut(&current?)?.1.push(message.to_vec());
                }
            }
        }
        unpack.finish().ok()?;
        if let Some(before) = expected.before {
            return (before == digest).then_some(());
        }
        let stored = Stored { directory: expected.directory, uploads: BTreeMap::new() };
        let stored = server.disk.mail.rounds.entry(round).or_insert(stored);
        let visible = stored.uploads.entry(mixer).or_insert(upload).digest;
        if torn {
            // Stored, and the server dies before it could say so.
            self.crash_server(number, 1_000);
            return None;
        }
        mail.delivered(round, mixer, visible).ok()?;
        (visible == digest).then_some(())
    }

    /// Makes sure that a round of which something comes is known, or will be when it comes again.
    fn learn(&mut self, number: usize, round: Round) {
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let Some(Machine::Mailbox { mail, follower }) = &mut server.machine else { return };
        if mail.knows(round) || !under_way(&self.manifest, round, local) {
            return;
        }
        match server.board.directory(round) {
            Some(directory) => {
                mail.agree(round, directory);
            }
            None => follower.want(round),
        }
    }

    /// Answers a client.
    pub(super) fn download(&mut self, number: usize, request: &[u8]) -> Vec<Vec<u8>> {
        let Ok(MailboxRequest::Download { round, mailbox }) = decode(request) else {
            return Vec::new();
        };
        let lies = !self.calm && self.rng.happens(self.faults.liars);
        let server = &mut self.servers[number];
        let local = server.local(self.now);
        let Some(Machine::Mailbox { mail, .. }) = &mut server.machine else { return Vec::new() };
        mail.advance(local);
        server.disk.mail.clean(mail);
        if let Err(why) = mail.download(round, mailbox) {
            return vec![encoded(&MailboxReply::Refused(why))];
        }
        let Some(stored) = server.disk.mail.rounds.get(&round) else {
            return vec![encoded(&MailboxReply::Refused(DownloadRefusal::Gone))];
        };
        let lists: Vec<_> = stored
            .uploads
            .iter()
            .filter_map(|(mixer, upload)| Some((*mixer, upload.lists.get(&mailbox)?)))
            .collect();
        let messages = lists.iter().map(|(_, (head, _))| head.messages).sum();
        let mut frames =
            vec![encoded(&MailboxReply::Start { lists: lists.len() as u16, messages })];
        for (mixer, (head, messages)) in lists {
            let (messages, signature) = (messages.clone(), Bytes(head.signature));
            let count = messages.len() as u32;
            frames.push(encoded(&MailboxReply::List { mixer, messages: count, signature }));
            frames.extend(messages);
        }
        frames.push(encoded(&MailboxReply::End));
        if lies {
            self.tamper(&mut frames);
        }
        frames
    }

    /// Hides, repeats or alters a message, or whatever frame it is.
    fn tamper(&mut self, frames: &mut Vec<Vec<u8>>) {
        self.figures.count(Fault::Other);
        let place = self.rng.below(frames.len() as u64) as usize;
        match self.rng.below(4) {
            0 => drop(frames.remove(place)),
            1 => frames.insert(place, frames[place].clone()),
            2 => frames.swap(place, 0),
            _ => {
                let byte = self.rng.below(frames[place].len() as u64) as usize;
                frames[place][byte] ^= 1 << self.rng.below(8);
            }
        }
    }
}
