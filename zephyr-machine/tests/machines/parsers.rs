//! Bytes from other servers: nothing panics, everything comes back as it was.

use proptest::collection::vec;
use proptest::prelude::*;
use zephyr_core::wire::{Bytes, decode};
use zephyr_core::*;
use zephyr_machine::agreement::vet;
use zephyr_machine::batch::Batch;
use zephyr_machine::board::Board;
use zephyr_machine::delivery::Unpack;
use zephyr_machine::peer::{BatchHeader, PeerReply, PeerRequest, ProposalRefusal, encode};
use zephyr_machine::record::{KEY_SIZE, ReadyRecord, Record, RecordKey, RecordKind, SignedRecord};

use super::world::*;

const KINDS: [RecordKind; 4] =
    [RecordKind::MixerKey, RecordKind::PkgKey, RecordKind::Signed, RecordKind::Ready];

proptest! {
    #[test]
    fn record_keys_come_back(kind in 0..4usize, round: u64, index: u16) {
        let key = RecordKey { kind: KINDS[kind], round: Round(round), index };
        prop_assert_eq!(RecordKey::from_slice(&key.to_bytes()), Some(key));
    }

    #[test]
    fn record_keys_have_one_encoding(bytes in vec(any::<u8>(), 0..20)) {
        match RecordKey::from_slice(&bytes) {
            Some(key) => prop_assert_eq!(&key.to_bytes()[..], &bytes[..]),
            None => prop_assert!(bytes.len() != KEY_SIZE || bytes[0] > 3),
        }
    }

    #[test]
    fn records_have_one_encoding(kind in 0..4usize, bytes in vec(any::<u8>(), 0..400)) {
        let round = bytes.first_chunk().map_or(0, |b| u64::from_be_bytes(*b));
        let key = RecordKey { kind: KINDS[kind], round: Round(round), index: 0 };
        if let Some(record) = Record::from_slice(&key, &bytes) {
            prop_assert_eq!(record.to_bytes(), bytes);
        }
    }

    #[test]
    fn records_of_the_right_length_have_one_encoding(
        mixers in 0..70u8, seed: u64, ascending: bool,
    ) {
        let mut rng = rng(seed);
        let mut bytes = random(32, &mut rng);
        bytes.push(mixers);
        for i in 0..mixers {
            bytes.extend(if ascending { u16::from(i) * 3 } else { 7 }.to_be_bytes());
        }
        bytes.extend(random(64, &mut rng));
        let record = SignedRecord::from_slice(&bytes);
        let good = (ascending || mixers < 2) && usize::from(mixers) <= MAX_MIXERS;
        prop_assert_eq!(record.is_some(), good);
        if let Some(record) = record {
            prop_assert_eq!(record.to_bytes(), bytes);
        }
    }

    #[test]
    fn announcements_are_of_their_keys_round(round: u64, other: u64, mixer: bool) {
        let (kind, len) = match mixer {
            true => (RecordKind::MixerKey, MIXER_ANNOUNCEMENT_SIZE),
            false => (RecordKind::PkgKey, PKG_ANNOUNCEMENT_SIZE),
        };
        let mut bytes = vec![5; len];
        bytes[..8].copy_from_slice(&round.to_be_bytes());
        let read = |round| Record::from_slice(&RecordKey { kind, round: Round(round), index: 0 }, &bytes);
        prop_assert_eq!(read(round).map(|r| r.to_bytes()), Some(bytes.clone()));
        prop_assert_eq!(read(other).is_some(), other == round);
    }

    #[test]
    fn calls_and_headers_have_one_encoding(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(request) = decode::<PeerRequest<'_>>(&bytes) {
            prop_assert_eq!(encode(&request), bytes.clone());
        }
        if let Ok(reply) = decode::<PeerReply>(&bytes) {
            prop_assert_eq!(encode(&reply), bytes.clone());
        }
        if let Ok(header) = decode::<BatchHeader>(&bytes) {
            prop_assert_eq!(header.to_bytes(), bytes);
        }
    }

    #[test]
    fn calls_and_headers_come_back(round: u64, phase: u8, hash: [u8; 32], body in vec(any::<u8>(), 0..500), missing: Option<u16>) {
        let signature = missing.map(|_| Bytes([9; 64]));
        let propose = PeerRequest::Propose { body: &body, signature };
        prop_assert!(decode(&encode(&propose)) == Ok(propose));
        let void = PeerRequest::Void { round: Round(round), missing };
        prop_assert!(decode(&encode(&void)) == Ok(void));
        let hash = DirectoryHash::from_bytes(hash);
        for header in [
            BatchHeader::mix(Round(round), &hash, phase.into()),
            BatchHeader::deliver(Round(round), &hash),
        ] {
            prop_assert_eq!(decode(&header.to_bytes()), Ok(header));
            let mut longer = header.to_bytes();
            longer.push(0);
            prop_assert!(decode::<BatchHeader>(&longer).is_err());
        }
    }

    #[test]
    fn batches_give_back_their_items(
        // Many items in a piece, and few or one.
        len in prop_oneof![1..40usize, 9_000..40_000usize],
        count in 0..40usize,
        seed: u64,
    ) {
        let mut rng = rng(seed);
        let items: Vec<_> = (0..count).map(|_| random(len, &mut rng)).collect();
        let mut batch = Batch::new(len);
        items.iter().for_each(|item| batch.push(item));
        prop_assert_eq!((batch.len(), batch.is_empty()), (count, count == 0));
        prop_assert!(batch.iter().eq(items.iter().map(Vec::as_slice)));
        let mut zeros = Batch::new(len);
        items.iter().for_each(|item| zeros.push_zeros().copy_from_slice(item));
        prop_assert_eq!(zeros, batch);
    }
}

#[test]
fn the_largest_directory_fits_a_proposal() {
    let body = vec![1; MAX_DIRECTORY];
    let request = PeerRequest::Propose { body: &body, signature: Some(Bytes([3; 64])) };
    assert_eq!(decode(&encode(&request)), Ok(request));
    for reply in
        [PeerReply::Willing, PeerReply::Noted, PeerReply::Refused(ProposalRefusal::NotAllowed)]
    {
        assert_eq!(decode(&encode(&reply)), Ok(reply));
    }
}

#[test]
fn junk_gets_nowhere_on_a_board_in_a_delivery_or_as_a_proposal() {
    let world = World::simple(RouteMode::Round, 2, 2);
    let (manifest, now) = (world.manifest(), world.schedule(ROUND).opens);
    let (mut board, mut rng) = (Board::new(), rng(2));
    let id = world.mixer_id(MixerIndex(0));
    let own = world.open(0, ROUND);
    let hash = DirectoryHash::from_bytes([0; 32]);
    let good = world.body(ROUND, &[0, 1]);
    for len in 0..400 {
        let junk = random(len, &mut rng);
        for kind in KINDS {
            let key = key(kind, ROUND, len % 3).to_bytes();
            assert!(!board.put::<S>(&manifest, &key, &junk, now));
            assert!(!board.put::<S>(&manifest, &junk, &key, now));
        }
        let mut unpack = Unpack::<S>::new(vec![Mailbox(0)], &hash, MixerIndex(0), &id);
        let taken = unpack.next(&junk).is_ok() && unpack.finish().is_ok();
        assert!(!taken);
        let me = MixerIndex(0);
        for body in [&junk[..], &good[..len]] {
            assert!(vet::<S>(&manifest, me, own.announcement(), body, now).is_err());
        }
    }
    assert_eq!(board.announced(ROUND), (Vec::new(), Vec::new()));
}

#[test]
fn readiness_is_bound_to_network_round_phase_and_server() {
    let world = World::simple(RouteMode::Round, 2, 2);
    let manifest = world.manifest();
    let network = manifest.network();
    let record = ReadyRecord::sign::<S>(world.mixer_seed(0), network, ROUND, 1);
    assert_eq!(ReadyRecord::from_slice(&record.to_bytes()), Some(record));
    let (id, other) = (world.mixer_id(MixerIndex(0)), world.mixer_id(MixerIndex(1)));
    assert!(record.verify::<S>(network, ROUND, &id));
    assert!(!record.verify::<S>(network, ROUND, &other));
    assert!(!record.verify::<S>(network, Round(8), &id));
    assert!(!record.verify::<S>(&NetworkId::from_bytes([0; 32]), ROUND, &id));
    assert!(!ReadyRecord { phase: 2, ..record }.verify::<S>(network, ROUND, &id));
}
