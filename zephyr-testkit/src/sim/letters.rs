//! What servers send each other, as `zephyr-server` does over libp2p: records, look-ups, calls and batches.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use zephyr_core::{MixerIndex, Round, ServerId, Suite, UnixMs};
use zephyr_machine::batch::Batch;
use zephyr_machine::mixer_server::{CallId, Expected};
use zephyr_machine::peer::PeerReply;
use zephyr_machine::record::{KEY_SIZE, RecordKey};

use super::dice::Dice;
use super::figures::Fault;
use super::links::Fate;
use super::queue::Happening;
use super::server::Machine;
use super::world::World;

/// Milliseconds until a batch that was not acknowledged is sent again.
const AGAIN_MS: u64 = 250;
/// How long a server takes at most until it notices that a connection is lost, and has a new one.
const RECONNECT_MS: u64 = 1_500;

/// A record: key and value.
pub(super) type Put = ([u8; KEY_SIZE], Vec<u8>);

/// What is sent.
#[derive(Clone)]
pub(super) enum Letter {
    /// Records to keep.
    Records(Arc<Vec<Put>>),
    /// Asks for records.
    LookUp(Arc<Vec<RecordKey>>),
    /// A call, by the caller's number.
    Call { number: u64, request: Arc<[u8]> },
    /// Its answer.
    Reply { number: u64, answer: Answer },
    /// A batch, by the sender's number.
    Batch { number: u64, header: Arc<[u8]>, batch: Arc<Batch> },
    /// Its acknowledgement.
    Taken { number: u64 },
}

/// The answer to a call.
#[derive(Clone)]
pub(super) enum Answer {
    /// As mixers have it, and mailbox servers.
    Vote(PeerReply),
    /// What a mailbox server tells of a delivery.
    Told(Arc<[u8]>),
}

/// What a mixer waits for.
#[derive(Clone, Copy)]
pub(super) enum Waits {
    /// A mixer's signature in a round.
    Vote(Round, MixerIndex),
    /// What a mailbox server tells, by the mixer's number.
    Told(u64),
}

/// A batch on its way in.
pub(super) struct Parcel {
    pub(super) from: usize,
    pub(super) number: u64,
    /// For a mixer; mailbox servers look at the header.
    pub(super) expected: Option<Expected>,
    pub(super) header: Arc<[u8]>,
    pub(super) batch: Arc<Batch>,
}

/// A batch on its way out.
pub(super) struct Transfer {
    pub(super) round: Round,
    pub(super) to: ServerId,
    /// The index and phase of a mixer; none of a mailbox server.
    pub(super) phase: Option<(MixerIndex, usize)>,
    pub(super) header: Arc<[u8]>,
    pub(super) batch: Arc<Batch>,
    pub(super) until: UnixMs,
    pub(super) tries: u32,
}

impl<S: Suite + Sync> World<'_, S> {
    /// Sends a letter.
    pub(super) fn post(&mut self, from: usize, to: usize, letter: Letter) {
        match self.links.fate(from, to, &mut self.rng, &mut self.figures) {
            Fate::Arrives(after, again) => {
                for after in [Some(after), again].into_iter().flatten() {
                    let letter = letter.clone();
                    self.queue.plan(self.now.plus(after), Happening::Letter { from, to, letter });
                }
            }
            // Whoever notices gives its own records to a peer that comes back.
            Fate::Lost if matches!(letter, Letter::Records(_)) && self.rng.happens(700) => {
                self.reconnect_later(from, to);
            }
            Fate::Lost => {}
        }
    }

    pub(super) fn reconnect_later(&mut self, from: usize, to: usize) {
        let after = 50 + self.rng.below(RECONNECT_MS);
        self.queue.plan(self.now.plus(after), Happening::Reconnect { from, to });
    }

    /// A peer is given the own records again.
    pub(super) fn reconnected(&mut self, from: usize, to: usize) {
        if !self.servers[from].is_up() || !self.servers[to].is_up() {
            return;
        }
        let records: Vec<Put> = self.servers[from].own_records().collect();
        if !records.is_empty() {
            self.post(from, to, Letter::Records(Arc::new(records)));
        }
    }

    /// Everybody but `from` is sent the same.
    pub(super) fn post_to_all(&mut self, from: usize, letter: &Letter) {
        for to in (0..self.servers.len()).filter(|&to| to != from) {
            self.post(from, to, letter.clone());
        }
    }

    /// A letter arrives.
    pub(super) fn letter(&mut self, from: usize, to: usize, letter: Letter) {
        if !self.servers[to].is_up() {
            return;
        }
        match letter {
            Letter::Records(records) => {
                records.iter().for_each(|(key, value)| {
                    self.put_record(to, key, value, false);
                });
            }
            Letter::LookUp(keys) => {
                let found: Vec<Put> = self.servers[to].find_records(&keys).collect();
                if !found.is_empty() {
                    self.post(to, from, Letter::Records(Arc::new(found)));
                }
                return;
            }
            Letter::Call { number, request } => self.called(from, to, number, &request),
            Letter::Reply { number, answer } => self.replied(to, number, Some(answer)),
            Letter::Batch { number, header, batch } => {
                self.batch_comes(from, to, number, header, batch);
            }
            Letter::Taken { number } => self.taken(to, number),
        }
        self.drive_server(to);
    }

    fn called(&mut self, from: usize, to: usize, number: u64, request: &[u8]) {
        self.calls += 1;
        let call = CallId(self.calls);
        let id = self.servers[from].id;
        self.servers[to].answering.insert(call, (from, number));
        if self.signs_anything(to, call, request) {
            return;
        }
        let server = &mut self.servers[to];
        let local = server.local(self.now);
        match &mut server.machine {
            Some(Machine::Mixer(mixer)) => mixer.call(call, &id, request, &server.board, local),
            Some(Machine::Mailbox { .. }) => self.mailbox_called(to, call, &id, request),
            _ => {}
        }
    }

    /// A mixer calls another server, and waits so many milliseconds for the answer.
    pub(super) fn call(
        &mut self,
        from: usize,
        to: usize,
        request: Vec<u8>,
        waits: Waits,
        patience: u64,
    ) {
        self.calls += 1;
        let number = self.calls;
        let server = &mut self.servers[from];
        server.calls.insert(number, waits);
        let life = server.life;
        self.post(from, to, Letter::Call { number, request: request.into() });
        let unanswered = Happening::Unanswered { server: from, life, number };
        self.queue.plan(self.now.plus(patience), unanswered);
    }

    /// A server answers a call.
    pub(super) fn reply(&mut self, server: usize, call: CallId, answer: Answer) {
        if let Some((caller, number)) = self.servers[server].answering.remove(&call) {
            self.post(server, caller, Letter::Reply { number, answer });
        }
    }

    /// A call is answered, or never will be. An answer may come twice.
    pub(super) fn replied(&mut self, server: usize, number: u64, answer: Option<Answer>) {
        let server = &mut self.servers[server];
        let local = server.local(self.now);
        let Some(&waits) = server.calls.get(&number) else { return };
        if answer.is_none() {
            server.calls.remove(&number);
        }
        let Some(Machine::Mixer(mixer)) = &mut server.machine else { return };
        match (waits, answer) {
            (Waits::Vote(round, index), Some(Answer::Vote(reply))) => {
                mixer.answered(round, index, Some(reply));
            }
            (Waits::Vote(round, index), _) => mixer.answered(round, index, None),
            (Waits::Told(id), Some(Answer::Told(bytes))) => mixer.told(id, Some(&bytes), local),
            (Waits::Told(id), _) => mixer.told(id, None, local),
        }
    }

    /// Sends a batch until it is acknowledged.
    pub(super) fn transfer(&mut self, server: usize, transfer: Transfer) {
        self.transfers += 1;
        self.servers[server].transfers.insert(self.transfers, transfer);
        self.send_transfer(server, self.transfers);
    }

    pub(super) fn send_transfer(&mut self, server: usize, number: u64) {
        let sender = &mut self.servers[server];
        let local = sender.local(self.now);
        let Some(transfer) = sender.transfers.get_mut(&number) else { return };
        if local >= transfer.until {
            sender.transfers.remove(&number);
            return;
        }
        transfer.tries += 1;
        let (tries, to, life) = (transfer.tries, transfer.to, sender.life);
        let (header, batch) = (transfer.header.clone(), transfer.batch.clone());
        let batch = self.corrupt_batch(server, batch, tries);
        let to = self.server_by_id(&to);
        self.post(server, to, Letter::Batch { number, header, batch });
        let again = AGAIN_MS + self.rng.below(AGAIN_MS);
        self.queue.plan(self.now.plus(again), Happening::Again { server, life, number });
    }

    fn batch_comes(
        &mut self,
        from: usize,
        to: usize,
        number: u64,
        header: Arc<[u8]>,
        batch: Arc<Batch>,
    ) {
        let id = self.servers[from].id;
        let server = &mut self.servers[to];
        let expected = match &server.machine {
            Some(Machine::Mixer(mixer)) => {
                let Some(expected) = mixer.expects(&id, &header, batch.item_len()) else { return };
                Some(expected)
            }
            Some(Machine::Mailbox { .. }) => None,
            _ => return,
        };
        let life = server.life;
        let parcel = Parcel { from, number, expected, header, batch };
        // Meanwhile anything may happen.
        let after = self.rng.below(10 + self.links.weather.delay_ms + self.links.slow[to]);
        self.queue.plan(self.now.plus(after), Happening::Whole { server: to, life, parcel });
    }

    /// A batch has come whole.
    pub(super) fn batch_came(&mut self, to: usize, life: u32, parcel: Parcel) {
        let server = &mut self.servers[to];
        if server.life != life {
            return;
        }
        let Parcel { from, number, expected, header, batch } = parcel;
        let taken = match &mut server.machine {
            Some(Machine::Mixer(mixer)) => {
                expected.is_some_and(|Expected { round, phase, from }| {
                    mixer.received(round, phase, from, digest(&batch), (*batch).clone())
                })
            }
            Some(Machine::Mailbox { .. }) => self.upload_came(to, from, &header, &batch),
            _ => false,
        };
        if taken && self.servers[to].is_up() {
            self.post(to, from, Letter::Taken { number });
        }
        self.drive_server(to);
    }

    /// A batch was acknowledged; perhaps once more.
    fn taken(&mut self, server: usize, number: u64) {
        let sender = &mut self.servers[server];
        let Some(transfer) = sender.transfers.remove(&number) else { return };
        let Some(Machine::Mixer(mixer)) = &mut sender.machine else { return };
        let times = if self.rng.happens(self.links.weather.repeated) { 2 } else { 1 };
        for _ in 0..times {
            match transfer.phase {
                Some((to, phase)) => mixer.sent(transfer.round, to, phase),
                None => mixer.uploaded(transfer.round, &transfer.to),
            }
        }
    }

    /// A write to the disk of a mixer has ended.
    pub(super) fn written(&mut self, server: usize, life: u32, stored: bool) {
        let node = &mut self.servers[server];
        if node.life != life {
            return;
        }
        let guard = node.disk.writing.take();
        // What is said to have failed may be on the disk all the same.
        if stored || self.rng.happens(500) {
            node.disk.guard = guard.and_then(|guard| guard.to_bytes());
        }
        if !stored {
            self.figures.count(Fault::Disk);
        }
        if let Some(Machine::Mixer(mixer)) = &mut node.machine {
            mixer.guard_stored(stored);
        }
        self.drive_server(server);
    }
}

/// The digest under which a batch is told from another.
pub(super) fn digest(batch: &Batch) -> [u8; 32] {
    let mut digest = Sha256::new();
    batch.iter().for_each(|item| digest.update(item));
    digest.finalize().into()
}
