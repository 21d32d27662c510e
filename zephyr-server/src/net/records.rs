//! The records of the distributed hash table that this server keeps: bounded for each peer, and for a limited time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use libp2p::PeerId;
use libp2p::kad::store::{self, RecordStore};
use libp2p::kad::{ProviderRecord, Record, RecordKey};

/// The longest value of a record, in bytes.
pub const MAX_RECORD_LEN: usize = 12 * 1024;
/// The longest key of a record, in bytes.
pub const MAX_KEY_LEN: usize = 256;

/// Says whether a record (key, value) may be kept and believed. It runs in the network's task: quick, and never panicking.
pub type RecordCheck = Arc<dyn Fn(&[u8], &[u8]) -> bool + Send + Sync>;

/// Why a record was not put, or not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The key is empty or longer than [`MAX_KEY_LEN`], or the value longer than [`MAX_RECORD_LEN`].
    #[error("The record is too long: keys have 1 to 256 bytes, values at most 12 KiB.")]
    TooLong,
    /// The [`RecordCheck`] says no.
    #[error("The record is not valid for this network, so no server would keep it.")]
    Refused,
    /// This server's network has been shut down.
    #[error("This server's network has been shut down.")]
    Stopped,
}

struct Entry {
    record: Record,
    source: PeerId,
    age: u64,
}

/// The records, each charged to the peer that first brought it. A peer over its limit loses its own oldest one, so that
/// no peer can crowd out another.
pub(super) struct Records {
    own: PeerId,
    limit_per_peer: usize,
    check: RecordCheck,
    entries: HashMap<RecordKey, Entry>,
    counter: u64,
}

impl Records {
    pub(super) fn new(own: PeerId, limit_per_peer: usize, check: RecordCheck) -> Self {
        Self { own, limit_per_peer, check, entries: HashMap::new(), counter: 0 }
    }

    /// Whether a record may be kept and believed.
    pub(super) fn admits(&self, key: &[u8], value: &[u8]) -> Result<(), RecordError> {
        if key.is_empty() || key.len() > MAX_KEY_LEN || value.len() > MAX_RECORD_LEN {
            return Err(RecordError::TooLong);
        }
        if (self.check)(key, value) { Ok(()) } else { Err(RecordError::Refused) }
    }

    /// Keeps a checked record that `source` brought. Whoever brought a key first stays charged for it.
    pub(super) fn insert(&mut self, record: Record, source: PeerId) {
        if let Some(entry) = self.entries.get_mut(&record.key) {
            entry.record = record;
            return;
        }
        let mut oldest =
            self.entries.iter().filter(|(_, entry)| entry.source == source).collect::<Vec<_>>();
        if oldest.len() >= self.limit_per_peer {
            oldest.sort_unstable_by_key(|(_, entry)| entry.age);
            if let Some(key) = oldest.first().map(|(key, _)| (*key).clone()) {
                self.entries.remove(&key);
            }
        }
        self.counter += 1;
        self.entries.insert(record.key.clone(), Entry { record, source, age: self.counter });
    }

    /// The value kept under a key.
    pub(super) fn value(&self, key: &RecordKey, now: Instant) -> Option<&[u8]> {
        let record = &self.entries.get(key)?.record;
        (!record.is_expired(now)).then_some(&record.value)
    }

    /// This server's own records, which a peer that comes back is given again.
    pub(super) fn own(&self) -> Vec<Record> {
        let own = self.entries.values().filter(|entry| entry.source == self.own);
        own.map(|entry| entry.record.clone()).collect()
    }

    /// Forgets what has outlived its time.
    pub(super) fn expire(&mut self, now: Instant) {
        self.entries.retain(|_, entry| !entry.record.is_expired(now));
    }

    /// Forgets the records whose keys are stale.
    pub(super) fn prune(&mut self, stale: &dyn Fn(&[u8]) -> bool) {
        self.entries.retain(|key, _| !stale(key.as_ref()));
    }
}

/// What Kademlia reads to answer others. Nothing is written through here: what arrives is checked first, elsewhere.
impl RecordStore for Records {
    type RecordsIter<'a> = std::iter::Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = std::iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        self.entries.get(key).map(|entry| Cow::Borrowed(&entry.record))
    }

    fn put(&mut self, _: Record) -> store::Result<()> {
        Err(store::Error::MaxRecords)
    }

    fn remove(&mut self, key: &RecordKey) {
        self.entries.remove(key);
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        std::iter::empty()
    }

    fn add_provider(&mut self, _: ProviderRecord) -> store::Result<()> {
        Err(store::Error::MaxProvidedKeys)
    }

    fn providers(&self, _: &RecordKey) -> Vec<ProviderRecord> {
        Vec::new()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        std::iter::empty()
    }

    fn remove_provider(&mut self, _: &RecordKey, _: &PeerId) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn records(limit: usize) -> (Records, PeerId) {
        let own = PeerId::random();
        (Records::new(own, limit, Arc::new(|key, _| key[0] != b'x')), own)
    }

    fn record(key: &str, value: &str) -> Record {
        Record::new(key.as_bytes().to_vec(), value.as_bytes().to_vec())
    }

    fn has(records: &Records, key: &str) -> bool {
        records.value(&RecordKey::new(&key), Instant::now()).is_some()
    }

    #[test]
    fn only_short_valid_records_are_admitted() {
        let (records, _) = records(1);
        assert_eq!(records.admits(b"a", b"v"), Ok(()));
        assert_eq!(records.admits(b"x", b"v"), Err(RecordError::Refused));
        assert_eq!(records.admits(b"", b"v"), Err(RecordError::TooLong));
        assert_eq!(records.admits(&[b'a'; MAX_KEY_LEN + 1], b"v"), Err(RecordError::TooLong));
        assert_eq!(records.admits(b"a", &[0; MAX_RECORD_LEN + 1]), Err(RecordError::TooLong));
    }

    #[test]
    fn a_peer_over_its_limit_loses_its_own_oldest_record_only() {
        let (mut records, own) = records(2);
        let flooder = PeerId::random();
        records.insert(record("mine", "1"), own);
        for n in 0..1000 {
            records.insert(record(&format!("f{n}"), "1"), flooder);
        }
        assert_eq!(records.entries.len(), 3);
        assert!(has(&records, "mine") && has(&records, "f998") && has(&records, "f999"));
    }

    #[test]
    fn a_record_taken_over_stays_charged_to_who_brought_it_first() {
        let (mut records, own) = records(2);
        let flooder = PeerId::random();
        records.insert(record("mine", "1"), own);
        records.insert(record("mine", "2"), flooder);
        records.insert(record("f1", "1"), flooder);
        records.insert(record("f2", "1"), flooder);
        records.insert(record("f3", "1"), flooder);
        assert_eq!(records.value(&RecordKey::new(&"mine"), Instant::now()), Some(&b"2"[..]));
    }

    #[test]
    fn old_and_stale_records_go() {
        let (mut records, own) = records(9);
        let now = Instant::now();
        let mut brief = record("brief", "1");
        brief.expires = Some(now + Duration::from_secs(5));
        records.insert(brief, own);
        records.insert(record("round/7", "1"), own);
        records.insert(record("round/8", "1"), own);
        records.expire(now + Duration::from_secs(6));
        records.prune(&|key| key == b"round/7");
        assert_eq!(records.own().len(), 1);
        assert!(has(&records, "round/8"));
    }
}
