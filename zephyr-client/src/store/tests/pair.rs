//! Two homes that write to each other through rounds that may lose, repeat, delay and reorder what is in them.

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;
use zephyr_core::{Address, Content, DirectoryHash, Round, UnixMs};

use super::super::inbox::Received;
use super::super::outbox::Fragment;
use super::super::*;
use crate::testing::{alice, bob, parameters, sample};

/// Rounds until what is put into a slot can be read.
pub(super) const WAY: u64 = 2;
/// Bytes in a fragment.
pub(super) const CHUNK: usize = 4;
const SLOTS: u8 = 2;
pub(super) const PASSPHRASE: &str = "correct horse";

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is read so many rounds later than it might.
    Read(u64),
    /// It is read, and a copy of it later.
    Twice(u64),
    /// A mixer takes it, and nobody ever reads it.
    Lost,
    /// No mixer takes it.
    NotTaken,
    /// The program ends before it knows.
    Unknown,
}

/// A fragment as the recipient's session hands it out.
pub(super) fn incoming(from: &Address, round: u64, fragment: Fragment) -> Incoming {
    let Fragment { head, body, .. } = fragment;
    Incoming {
        sender: Some(from.clone()),
        content: head.content,
        message: head.message,
        stream: head.stream,
        sequence: head.sequence,
        ack_stream: head.ack_stream,
        ack: head.ack,
        fragment: head.fragment,
        fragments: head.fragments,
        round: Round(round),
        body,
    }
}

/// One of the two.
pub(super) struct Side {
    address: Address,
    dir: TempDir,
    store: Option<Store>,
    /// What it was told is delivered.
    delivered: BTreeSet<MessageId>,
}

impl Side {
    async fn new(address: Address) -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::create(dir.path(), &address, &sample()).await.unwrap();
        Self { address, dir, store: Some(store), delivered: BTreeSet::new() }
    }

    pub(super) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }
}

struct Packet {
    /// The first round in which it can be read.
    at: u64,
    to: usize,
    incoming: Incoming,
}

pub(super) struct Pair {
    pub(super) sides: [Side; 2],
    pub(super) round: u64,
    under_way: Vec<Packet>,
}

impl Pair {
    /// Alice and Bob, each a contact of the other.
    pub(super) async fn new() -> Self {
        let pair = Self::strangers().await;
        for who in 0..2 {
            pair.add(who).await;
        }
        pair
    }

    /// Alice and Bob, who don't know each other.
    pub(super) async fn strangers() -> Self {
        let sides = [Side::new(alice()).await, Side::new(bob()).await];
        Self { sides, round: 1_000, under_way: Vec::new() }
    }

    pub(super) fn store(&self, who: usize) -> &Store {
        self.sides[who].store()
    }

    pub(super) fn address(&self, who: usize) -> &Address {
        &self.sides[who].address
    }

    pub(super) fn now(&self) -> UnixMs {
        parameters().genesis.plus(self.round * u64::from(parameters().round_ms))
    }

    /// `who` adds the other one.
    pub(super) async fn add(&self, who: usize) {
        self.store(who).add_contact(self.address(1 - who), None, self.now()).await.unwrap();
    }

    pub(super) async fn remove(&self, who: usize) {
        self.store(who).remove_contact(self.address(1 - who), self.now()).await.unwrap();
    }

    /// `who` writes to the other one.
    pub(super) async fn write(&self, who: usize, body: &[u8]) -> MessageId {
        let (to, now) = (self.address(1 - who), self.now());
        self.store(who).enqueue(to, Content::File, body, CHUNK, now).await.unwrap()
    }

    /// A round. `fate` says what becomes of each packet.
    pub(super) async fn round(&mut self, mut fate: impl FnMut(usize) -> Fate) {
        self.read().await;
        for who in 0..2 {
            for slot in 0..SLOTS {
                let fate = fate(who);
                self.fill(who, slot, fate).await;
            }
        }
        self.round += 1;
    }

    /// Rounds in which everything goes well.
    pub(super) async fn rounds(&mut self, rounds: u64) {
        for _ in 0..rounds {
            self.round(|_| Fate::Read(0)).await;
        }
    }

    /// `round` was void: nobody reads it, and both know.
    pub(super) async fn void(&mut self, round: u64) {
        self.under_way.retain(|packet| packet.incoming.round.0 != round);
        for who in 0..2 {
            self.store(who).requeue_round(Round(round)).await.unwrap();
        }
    }

    async fn fill(&mut self, who: usize, slot: u8, fate: Fate) {
        let (store, to, round) = (self.store(who), self.address(1 - who), Round(self.round));
        let directory = DirectoryHash::from_bytes([round.0 as u8; 32]);
        let given = store.assign(round, &directory, slot, to).await.unwrap();
        match fate {
            Fate::NotTaken => drop(store.requeue_slot(round, slot).await.unwrap()),
            Fate::Unknown => {}
            _ => drop(store.mark_sent(round, slot).await.unwrap()),
        }
        let Some(fragment) = given else { return };
        let incoming = incoming(self.address(who), round.0, fragment);
        let delays = match fate {
            Fate::Read(by) => vec![by],
            Fate::Twice(by) => vec![0, by],
            _ => vec![],
        };
        for by in delays {
            let (at, incoming) = (round.0 + WAY + by, incoming.clone());
            self.under_way.push(Packet { at, to: 1 - who, incoming });
        }
    }

    /// Both read what there is.
    async fn read(&mut self) {
        let round = self.round;
        let (now, later) = std::mem::take(&mut self.under_way)
            .into_iter()
            .partition::<Vec<_>, _>(|packet| packet.at <= round);
        self.under_way = later;
        // Late ones come after newer ones.
        for Packet { to, incoming, .. } in now.into_iter().rev() {
            let Received { changes, .. } =
                self.store(to).receive(&incoming, CHUNK, self.now()).await.unwrap();
            for (id, delivery) in changes {
                if delivery == Delivery::Delivered {
                    assert!(self.sides[to].delivered.insert(id), "{id} is delivered once");
                }
            }
        }
    }

    /// The program of `who` ends and starts again.
    pub(super) async fn reopen(&mut self, who: usize) {
        self.close(who).await;
        self.open(who).await;
    }

    async fn close(&mut self, who: usize) {
        self.sides[who].store.take().unwrap().close().await;
    }

    async fn open(&mut self, who: usize) {
        let store = Store::open(self.sides[who].dir.path()).await.unwrap();
        store.requeue_unsent().await.unwrap();
        self.sides[who].store = Some(store);
    }

    /// `who` loses the home, and begins with a new one.
    pub(super) async fn lose(&mut self, who: usize) {
        self.sides[who] = Side::new(self.sides[who].address.clone()).await;
        self.add(who).await;
    }

    /// A copy of the home of `who`.
    pub(super) async fn backup(&mut self, who: usize) -> Vec<u8> {
        self.close(who).await;
        let backup = fs::read(self.sides[who].dir.path().join("zephyr.db")).unwrap();
        self.open(who).await;
        backup
    }

    /// Puts the copy in its place.
    pub(super) async fn restore(&mut self, who: usize, backup: &[u8]) {
        self.close(who).await;
        fs::write(self.sides[who].dir.path().join("zephyr.db"), backup).unwrap();
        self.open(who).await;
        self.sides[who].delivered.clear();
    }

    /// A backup of the home of `who`, as a program makes it.
    pub(super) async fn export(&self, who: usize) -> TempDir {
        let dir = TempDir::new().unwrap();
        self.store(who).export_backup(&dir.path().join("backup"), PASSPHRASE).await.unwrap();
        dir
    }

    /// The home of `who` is lost, and the backup takes its place. What was sent in rounds in which it takes no part
    /// can't be opened any more.
    pub(super) async fn import(&mut self, who: usize, backup: &TempDir) {
        self.close(who).await;
        let (file, dir) = (backup.path().join("backup"), TempDir::new().unwrap());
        let restored = Store::restore_backup_at(&file, PASSPHRASE, dir.path(), self.now()).await;
        let store = restored.unwrap();
        store.requeue_unsent().await.unwrap();
        let (last, _) = store.last_round().await.unwrap().unwrap();
        self.under_way.retain(|packet| packet.to != who || packet.incoming.round > last);
        let address = self.sides[who].address.clone();
        self.sides[who] = Side { address, dir, store: Some(store), delivered: BTreeSet::new() };
    }

    /// What `who` has read, the oldest first.
    pub(super) async fn inbox(&self, who: usize) -> Vec<Vec<u8>> {
        let inbox = self.store(who).inbox(false).await.unwrap();
        inbox.into_iter().map(|message| message.body).collect()
    }

    pub(super) async fn delivery(&self, who: usize, id: MessageId) -> Delivery {
        self.store(who).outbox_message(id).await.unwrap().delivery
    }

    /// Whether `who` knows of everything that it has written that it was delivered, and was told so.
    pub(super) async fn all_delivered(&self, who: usize) -> bool {
        let outbox = self.store(who).outbox().await.unwrap();
        let delivered = |m: &OutboxMessage| m.delivery == Delivery::Delivered;
        outbox.iter().all(delivered) && self.sides[who].delivered.len() == outbox.len()
    }
}
