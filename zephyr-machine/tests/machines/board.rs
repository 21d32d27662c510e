//! The board: what it takes, what it refuses, and what follows from it.

use zephyr_core::*;
use zephyr_machine::board::{Board, MAX_SKEW_MS, under_way};
use zephyr_machine::record::{ReadyRecord, Record, RecordKind, SignedRecord};

use super::world::*;

fn three() -> World {
    World::simple(RouteMode::Round, 3, 3)
}

fn put_signed(world: &World, board: &mut Board, i: usize, record: &SignedRecord) -> bool {
    let now = world.schedule(ROUND).opens;
    let key = key(RecordKind::Signed, ROUND, i);
    world.put(board, key, &Record::Signed(record.clone()), now)
}

#[test]
fn announcements_are_taken_from_their_servers_only() {
    let world = three();
    let now = world.schedule(ROUND).opens;
    let mut board = Board::new();
    for (at, record) in world.announcements(ROUND) {
        for index in (0..5).filter(|i| *i != usize::from(at.index)) {
            let key = key(at.kind, ROUND, index);
            assert!(!world.put(&mut board, key, &record, now), "{at:?} as {index}");
        }
        for round in [0, 6, 8, u64::MAX] {
            let key = key(at.kind, Round(round), at.index.into());
            assert!(!world.put(&mut board, key, &record, now), "{at:?} in round {round}");
        }
        assert!(world.put(&mut board, at, &record, now));
        assert!(world.put(&mut board, at, &record, now), "the same again");
    }
    let (mixers, pkgs) = board.announced(ROUND);
    assert!(mixers.iter().map(|(i, _)| i.0).eq(0..3) && pkgs.len() == 1);
}

#[test]
fn announcements_with_a_changed_byte_are_refused() {
    let world = three();
    let (manifest, now) = (world.manifest(), world.schedule(ROUND).opens);
    for (key, record) in world.announcements(ROUND) {
        let bytes = record.to_bytes();
        for i in (0..bytes.len()).step_by(5) {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            let taken = Board::new().put::<S>(&manifest, &key.to_bytes(), &changed, now);
            assert!(!taken, "byte {i} of {key:?}");
        }
        for changed in [&bytes[1..], &bytes[..bytes.len() - 1], &[bytes.clone(), vec![0]].concat()]
        {
            assert!(!Board::new().put::<S>(&manifest, &key.to_bytes(), changed, now));
        }
    }
}

#[test]
fn records_are_taken_while_their_round_is_under_way() {
    let world = three();
    let (key, record) = world.announcements(ROUND).remove(0);
    let Schedule { opens, closes, .. } = world.schedule(ROUND);
    let last = closes.plus(20_000);
    let taken = |now| world.put(&mut Board::new(), key, &record, now);
    assert!(!taken(UnixMs(0)) && !taken(UnixMs(opens.0 - MAX_SKEW_MS - 1)));
    assert!(taken(UnixMs(opens.0 - MAX_SKEW_MS)) && taken(opens) && taken(last));
    assert!(!taken(last.plus(1)) && !taken(UnixMs(u64::MAX)));
    assert!(!under_way(&world.manifest(), Round(u64::MAX), opens));
}

#[test]
fn of_two_different_records_the_first_stays() {
    let world = three();
    let now = world.schedule(ROUND).opens;
    let mut board = world.announced(ROUND);
    let before = board.announced(ROUND);
    let mixer = world.mixer_announcement(1, ROUND, [9; 32]);
    let at = key(RecordKind::MixerKey, ROUND, 1);
    assert!(!world.put(&mut board, at, &Record::MixerKey(mixer), now));
    let mut other = world.pkg_key(0, ROUND);
    other[200] ^= 1;
    let pkg = world.sign_pkg_key(0, ROUND, other);
    let at = key(RecordKind::PkgKey, ROUND, 0);
    assert!(!world.put(&mut board, at, &Record::PkgKey(pkg), now));
    assert_eq!(board.announced(ROUND), before);

    let (one, two) = (world.body(ROUND, &[0, 1, 2]), world.body(ROUND, &[0, 1]));
    assert!(put_signed(&world, &mut board, 1, &world.signed(1, &one)));
    assert!(!put_signed(&world, &mut board, 1, &world.signed(1, &two)));
    assert!(put_signed(&world, &mut board, 1, &world.signed(1, &one)));
}

#[test]
fn keys_of_low_order_are_refused() {
    let world = three();
    let now = world.schedule(ROUND).opens;
    let mut one = [0; 32];
    one[0] = 1;
    for low in [[0; 32], one] {
        let record = Record::MixerKey(world.mixer_announcement(0, ROUND, low));
        let at = key(RecordKind::MixerKey, ROUND, 0);
        assert!(!world.put(&mut Board::new(), at, &record, now));
    }
}

#[test]
fn signatures_are_taken_from_a_mixer_of_the_directory_only() {
    let world = three();
    let body = world.body(ROUND, &[0, 1, 2]);
    let good = world.signed(0, &body);
    let mut board = world.announced(ROUND);
    assert!(!put_signed(&world, &mut board, 1, &good), "another's");
    assert!(!put_signed(&world, &mut board, 7, &good), "nobody's");
    let without = SignedRecord { mixers: vec![MixerIndex(1)], ..good.clone() };
    assert!(!put_signed(&world, &mut board, 0, &without), "the signer is not in it");
    let mut wrong = good.clone();
    wrong.signature[3] ^= 1;
    assert!(!put_signed(&world, &mut board, 0, &wrong));
    let other = DirectoryHash::from_bytes([1; 32]);
    assert!(!put_signed(&world, &mut board, 0, &SignedRecord { directory: other, ..good.clone() }));
    assert!(put_signed(&world, &mut board, 0, &good));
}

#[test]
fn the_directory_appears_when_all_its_mixers_have_signed_in_whatever_order_records_come() {
    let world = three();
    let now = world.schedule(ROUND).opens;
    let body = world.body(ROUND, &[0, 1, 2]);
    let mut records = world.announcements(ROUND);
    for i in 0..3 {
        let record = Record::Signed(world.signed(i, &body));
        records.push((key(RecordKind::Signed, ROUND, i), record));
    }
    let expected = world.agree(ROUND);
    for turn in 0..records.len() {
        let mut board = Board::new();
        records.rotate_left(1);
        if turn % 2 == 1 {
            records.reverse();
        }
        for (i, (key, record)) in records.iter().enumerate() {
            assert_eq!(board.directory(ROUND), None, "after {i}");
            assert!(world.put(&mut board, *key, record, now));
        }
        assert_eq!(board.directory(ROUND), Some(&expected[..]));
        let directory = Directory::parse(&expected).unwrap();
        assert!(directory.verify::<S>(&world.manifest(), true).is_ok());
    }
}

#[test]
fn without_agreement_there_is_no_directory() {
    let world =
        World::new(Parameters { min_mixers: 2, ..parameters(RouteMode::Round, 3, 3) }, 3, 1);
    let (all, two) = (world.body(ROUND, &[0, 1, 2]), world.body(ROUND, &[0, 1]));
    let mut board = world.announced(ROUND);
    assert!(put_signed(&world, &mut board, 0, &world.signed(0, &two)));
    assert!(put_signed(&world, &mut board, 1, &world.signed(1, &all)));
    assert!(put_signed(&world, &mut board, 2, &world.signed(2, &all)));
    assert_eq!(board.directory(ROUND), None);
}

#[test]
fn fewer_mixers_than_the_manifest_allows_make_no_directory() {
    let world = three();
    let body = world.body(ROUND, &[0, 1]);
    let mut board = world.announced(ROUND);
    for i in 0..2 {
        assert!(put_signed(&world, &mut board, i, &world.signed(i, &body)));
    }
    assert_eq!(board.directory(ROUND), None);
}

/// A mixer outside of the directory signs whatever it likes.
#[test]
fn garbage_from_a_corrupted_mixer_does_not_prevent_the_right_directory() {
    let world =
        World::new(Parameters { min_mixers: 2, ..parameters(RouteMode::Round, 3, 3) }, 3, 1);
    let (two, three) = (world.body(ROUND, &[0, 1]), world.body(ROUND, &[0, 1, 2]));
    let right = Directory::parse(&two).unwrap().hash();
    let signature = sign_directory::<S>(world.mixer_seed(2), &right);
    let garbage = DirectoryHash::from_bytes([3; 32]);
    let lists: [&[u16]; 4] = [&[2], &[0, 1, 2], &[0, 2], &[2, 60_000]];
    for mixers in lists {
        let mixers: Vec<_> = mixers.iter().copied().map(MixerIndex).collect();
        let for_right = SignedRecord { directory: right, mixers: mixers.clone(), signature };
        let signature = sign_directory::<S>(world.mixer_seed(2), &garbage);
        let for_garbage = SignedRecord { directory: garbage, mixers, signature };
        for bad in [for_right, for_garbage, world.signed(2, &three)] {
            let mut board = world.announced(ROUND);
            assert!(put_signed(&world, &mut board, 2, &bad));
            for i in 0..2 {
                assert_eq!(board.directory(ROUND), None);
                assert!(put_signed(&world, &mut board, i, &world.signed(i, &two)));
            }
            let directory = board.directory(ROUND).expect("both of its mixers have signed");
            assert_eq!(Directory::parse(directory).unwrap().hash(), right, "{bad:?}");
        }
    }
}

/// The signature does not cover the list of mixers: whoever passes a record on can change it.
#[test]
fn altered_lists_of_mixers_do_not_prevent_the_directory() {
    let world = three();
    let body = world.body(ROUND, &[0, 1, 2]);
    let mut board = world.announced(ROUND);
    for i in 0..3 {
        let altered = SignedRecord { mixers: vec![MixerIndex(i as u16)], ..world.signed(i, &body) };
        assert!(put_signed(&world, &mut board, i, &altered));
    }
    assert_eq!(board.directory(ROUND), Some(&world.agree(ROUND)[..]));
}

#[test]
fn what_is_missing_is_named_until_the_directory_is_there() {
    let world = three();
    let (manifest, now) = (world.manifest(), world.schedule(ROUND).opens);
    let mut board = Board::new();
    assert_eq!(board.missing(&manifest, ROUND).len(), 3 + 3 + 1);
    let mut records = world.announcements(ROUND);
    let body = world.body(ROUND, &[0, 1, 2]);
    for i in 0..3 {
        let record = Record::Signed(world.signed(i, &body));
        records.push((key(RecordKind::Signed, ROUND, i), record));
    }
    for (i, (key, record)) in records.iter().enumerate() {
        let missing = board.missing(&manifest, ROUND);
        assert!(missing.len() == 7 - i && missing.contains(key));
        assert!(world.put(&mut board, *key, record, now));
        assert!(!board.missing(&manifest, ROUND).contains(key));
    }
    assert!(board.missing(&manifest, ROUND).is_empty());
}

#[test]
fn readiness_never_goes_back() {
    let world = three();
    let (manifest, now) = (world.manifest(), world.schedule(ROUND).opens);
    let mut board = Board::new();
    let mut put = |mixer: usize, signer: usize, phase| {
        let seed = world.mixer_seed(signer);
        let record = ReadyRecord::sign::<S>(seed, manifest.network(), ROUND, phase);
        let at = key(RecordKind::Ready, ROUND, mixer);
        world.put(&mut board, at, &Record::Ready(record), now)
    };
    assert!(put(0, 0, 2) && put(0, 0, 1) && put(1, 1, 0) && !put(2, 1, 2));
    assert_eq!([0, 1, 2, 3].map(|phase| board.ready(ROUND, phase)), [2, 1, 1, 0]);
    assert_eq!(board.ready(Round(8), 0), 0);
}

#[test]
fn a_thousand_rounds_take_no_more_memory_than_a_few() {
    let world = World::simple(RouteMode::Round, 1, 1);
    let manifest = world.manifest();
    let mut board = Board::new();
    let pkg = world.pkg_key(0, ROUND);
    let mut sizes = Vec::new();
    for round in (0..1000).map(Round) {
        let now = world.schedule(round).opens;
        let records = [
            (RecordKind::MixerKey, Record::MixerKey(world.mixer_announcement(0, round, [9; 32]))),
            (RecordKind::PkgKey, Record::PkgKey(world.sign_pkg_key(0, round, pkg))),
        ];
        for (kind, record) in records {
            assert!(world.put(&mut board, key(kind, round, 0), &record, now));
        }
        board.prune(&manifest, now);
        sizes.push(format!("{board:?}").len());
    }
    let most = sizes[10..20].iter().max().unwrap();
    // Numbers get longer, by some digits in each of the few rounds.
    assert!(sizes[20..].iter().all(|size| *size < most + most / 10), "{most}");
    assert_eq!(board.announced(Round(0)), (Vec::new(), Vec::new()));
    board.prune(&manifest, UnixMs(u64::MAX));
    assert!(format!("{board:?}").len() < 100, "all are gone");
}
