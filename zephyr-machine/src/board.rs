//! What a server has learnt of the rounds from the DHT: announced keys, signatures, and the directories that
//! follow from them.

use std::collections::{BTreeMap, BTreeSet};

use zephyr_core::{
    DH_SIZE, Dh, Directory, DirectoryHash, MAX_DIRECTORY, Manifest, MixerAnnouncement, MixerIndex,
    PkgAnnouncement, PkgIndex, Role, Round, Suite, UnixMs, encode_directory,
};

use super::event::Missing;
use super::record::{Record, RecordKey, RecordKind, SignedRecord};

/// By how much a server's clock may be off, in milliseconds.
pub const MAX_SKEW_MS: u64 = 500;
/// How many more rounds than are under way are kept.
pub(crate) const SPARE_ROUNDS: u64 = 2;

/// One round on the board.
#[derive(Debug, Default)]
struct Entry {
    mixers: BTreeMap<MixerIndex, MixerAnnouncement>,
    pkgs: BTreeMap<PkgIndex, PkgAnnouncement>,
    signed: BTreeMap<MixerIndex, SignedRecord>,
    ready: BTreeMap<MixerIndex, u8>,
    directory: Option<Vec<u8>>,
}

/// The board. Whatever is on it has been checked.
#[derive(Debug, Default)]
pub struct Board {
    rounds: BTreeMap<Round, Entry>,
    news: u64,
}

impl Board {
    /// An empty board.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks a record and puts it up: its signature must be that of the server whose place the key names, its
    /// round must be under way. Of two different records for one key the first stays. Returns whether the
    /// record may be kept and passed on.
    pub fn put<S: Suite>(
        &mut self,
        manifest: &Manifest<'_>,
        key: &[u8],
        value: &[u8],
        now: UnixMs,
    ) -> bool {
        self.try_put::<S>(manifest, key, value, now).is_some()
    }

    fn try_put<S: Suite>(
        &mut self,
        manifest: &Manifest<'_>,
        key: &[u8],
        value: &[u8],
        now: UnixMs,
    ) -> Option<()> {
        let key = RecordKey::from_slice(key)?;
        if !under_way(manifest, key.round, now) {
            return None;
        }
        let record = Record::from_slice(&key, value)?;
        let role = if key.kind == RecordKind::PkgKey { Role::Pkg } else { Role::Mixer };
        let server = manifest.server(role, key.index.into())?;
        let network = manifest.network();
        let entry = self.rounds.entry(key.round).or_default();
        let (mixer, pkg) = (MixerIndex(key.index), PkgIndex(key.index));
        match record {
            Record::MixerKey(new) => match entry.mixers.get(&mixer) {
                Some(old) => return (*old == new).then_some(()),
                // Through a mixer with a key of low order no packet could be wrapped: better without it.
                None if has_full_order::<S>(&new.key) && new.verify::<S>(network, &server.id) => {
                    entry.mixers.insert(mixer, new);
                }
                None => return None,
            },
            Record::PkgKey(new) => match entry.pkgs.get(&pkg) {
                Some(old) => return (*old == new).then_some(()),
                None if new.verify::<S>(network, &server.id) => {
                    entry.pkgs.insert(pkg, new);
                }
                None => return None,
            },
            Record::Signed(new) => match entry.signed.get(&mixer) {
                Some(old) => return (*old == new).then_some(()),
                None if is_signed::<S>(manifest, mixer, &new) => {
                    entry.signed.insert(mixer, new);
                }
                None => return None,
            },
            Record::Ready(new) => {
                if !new.verify::<S>(network, key.round, &server.id) {
                    return None;
                }
                // An old record may come after a newer one.
                let phase = entry.ready.entry(mixer).or_default();
                *phase = new.phase.max(*phase);
            }
        }
        self.news += 1;
        self.assemble::<S>(manifest, key.round);
        Some(())
    }

    /// Puts the round's directory together, once all its mixers have signed it and all announcements are there.
    fn assemble<S: Suite>(&mut self, manifest: &Manifest<'_>, round: Round) {
        let Some(entry) = self.rounds.get_mut(&round).filter(|e| e.directory.is_none()) else {
            return;
        };
        for (hash, members) in candidates(&entry.signed) {
            let mixers: Option<Vec<_>> =
                members.iter().map(|m| Some((*m, *entry.mixers.get(m)?))).collect();
            let Some(mixers) = mixers else { continue };
            let pkgs: Vec<_> = entry.pkgs.iter().map(|(i, a)| (*i, *a)).collect();
            let mut bytes = vec![0; MAX_DIRECTORY];
            let Some(len) = encode_directory(manifest, round, &mixers, &pkgs, &mut bytes) else {
                continue;
            };
            bytes.truncate(len);
            for mixer in &members {
                bytes.extend(entry.signed[mixer].signature);
            }
            let valid = Directory::parse(&bytes)
                .is_ok_and(|d| d.hash() == hash && d.verify::<S>(manifest, false).is_ok());
            if valid {
                entry.directory = Some(bytes);
                return;
            }
        }
    }

    /// How often something new was put up; records that are there already don't count.
    pub fn news(&self) -> u64 {
        self.news
    }

    /// The round's directory with its signatures, once it is valid.
    pub fn directory(&self, round: Round) -> Option<&[u8]> {
        self.rounds.get(&round)?.directory.as_deref()
    }

    /// The announced keys of a round, in the order of the manifest.
    #[allow(clippy::type_complexity)] // the two lists that a directory is made of
    pub fn announced(
        &self,
        round: Round,
    ) -> (Vec<(MixerIndex, MixerAnnouncement)>, Vec<(PkgIndex, PkgAnnouncement)>) {
        let Some(entry) = self.rounds.get(&round) else { return Default::default() };
        let mixers = entry.mixers.iter().map(|(i, a)| (*i, *a)).collect();
        let pkgs = entry.pkgs.iter().map(|(i, a)| (*i, *a)).collect();
        (mixers, pkgs)
    }

    /// What `mixer` has signed in the round.
    pub fn signature(&self, round: Round, mixer: MixerIndex) -> Option<&SignedRecord> {
        self.rounds.get(&round)?.signed.get(&mixer)
    }

    /// How many mixers have said that they finished `phase` or a later one: for operators only.
    pub fn ready(&self, round: Round, phase: u8) -> usize {
        self.rounds.get(&round).map_or(0, |e| e.ready.values().filter(|&&p| p >= phase).count())
    }

    /// The records that the round's directory still lacks: ask the DHT for them.
    pub fn missing(&self, manifest: &Manifest<'_>, round: Round) -> Vec<RecordKey> {
        let none = Entry::default();
        let entry = self.rounds.get(&round).unwrap_or(&none);
        if entry.directory.is_some() {
            return Vec::new();
        }
        let mut missing = Vec::new();
        let mut want = |kind, index: usize, there: bool| {
            if !there {
                missing.push(RecordKey { kind, round, index: index as u16 });
            }
        };
        for i in 0..manifest.servers(Role::Mixer).count() {
            let mixer = MixerIndex(i as u16);
            want(RecordKind::MixerKey, i, entry.mixers.contains_key(&mixer));
            want(RecordKind::Signed, i, entry.signed.contains_key(&mixer));
        }
        for i in 0..manifest.servers(Role::Pkg).count() {
            want(RecordKind::PkgKey, i, entry.pkgs.contains_key(&PkgIndex(i as u16)));
        }
        missing
    }

    /// Why the round has no directory, for people: keys that have not come, and signatures of mixers whose keys have.
    pub fn lacks(&self, manifest: &Manifest<'_>, round: Round) -> Vec<Missing> {
        let entry = self.rounds.get(&round);
        let announced = |mixer: &_| entry.is_some_and(|e| e.mixers.contains_key(mixer));
        let missing = self.missing(manifest, round).into_iter().filter_map(|key| {
            let mixer = MixerIndex(key.index);
            match key.kind {
                RecordKind::PkgKey => Some(Missing::PkgKey(PkgIndex(key.index))),
                RecordKind::MixerKey => Some(Missing::MixerKey(mixer)),
                RecordKind::Signed => announced(&mixer).then_some(Missing::Signature(mixer)),
                RecordKind::Ready => None,
            }
        });
        let mut missing: Vec<_> = missing.collect();
        missing.sort_unstable();
        missing
    }

    /// Takes down all rounds that are closed by `now`.
    pub fn prune(&mut self, manifest: &Manifest<'_>, now: UnixMs) {
        self.rounds.retain(|round, _| under_way(manifest, *round, now));
    }
}

/// Whether a round has opened, give or take a server's skew, and has not been closed for long.
pub fn under_way(manifest: &Manifest<'_>, round: Round, now: UnixMs) -> bool {
    let parameters = manifest.parameters();
    let schedule = parameters.schedule(round);
    let spare = SPARE_ROUNDS * u64::from(parameters.round_ms);
    now.plus(MAX_SKEW_MS) >= schedule.opens && now <= schedule.closes.plus(spare)
}

fn is_signed<S: Suite>(manifest: &Manifest<'_>, mixer: MixerIndex, record: &SignedRecord) -> bool {
    record.mixers.contains(&mixer)
        && zephyr_core::verify_directory_signature::<S>(
            manifest,
            &record.directory,
            mixer,
            &record.signature,
        )
}

/// Directories that may have been signed: their hashes and mixers. The signatures cover the hashes only, so that
/// somebody who passes records on can alter the lists; then the signers themselves are the next guess.
fn candidates(
    signed: &BTreeMap<MixerIndex, SignedRecord>,
) -> BTreeSet<(DirectoryHash, Vec<MixerIndex>)> {
    let signers = |hash: DirectoryHash| {
        signed.iter().filter(move |(_, s)| s.directory == hash).map(|(mixer, _)| *mixer)
    };
    let named = signed.values().map(|s| (s.directory, s.mixers.clone()));
    let guessed = signed.values().map(|s| (s.directory, signers(s.directory).collect()));
    let is_signed = |(hash, mixers): &(DirectoryHash, Vec<MixerIndex>)| {
        mixers.iter().all(|m| signed.get(m).is_some_and(|s| s.directory == *hash))
    };
    named.chain(guessed).filter(is_signed).collect()
}

/// Whether a shared secret with this key is secret: whether it is not of low order.
pub(super) fn has_full_order<S: Suite>(key: &[u8; DH_SIZE]) -> bool {
    // Clamped secrets are multiples of the cofactor: any of them shows it.
    S::Dh::shared(&[1; DH_SIZE], key).is_some()
}
