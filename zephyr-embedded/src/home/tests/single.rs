//! One home, and what it is told.

use zephyr_core::ServerId;
use zephyr_core::session::Draft;

use super::disk::{Memory, PowerLost};
use super::*;
use crate::registration::Registration;
use crate::storage::Key;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const CAROL: &str = "carol@example.org";

fn open(disk: &Memory) -> Home<'static, Memory> {
    ok(block_on(home(disk.clone(), ALICE)))
}

fn draft(sequence: u32, message: u64, fragment: u16, fragments: u16) -> Draft<'static> {
    let head = Draft::acknowledgement((0, 0));
    let (content, stream) = (Content::Text, 9);
    Draft { content, stream, sequence, message, fragment, fragments, body: b"text", ..head }
}

fn receive(home: &mut Home<'_, Memory>, from: &str, draft: &Draft<'_>) -> bool {
    let payload = payload(from, draft);
    ok(block_on(home.receive(Round(1), &payload, |_| {})))
}

fn next(home: &mut Home<'_, Memory>) -> Option<(String, u64, u16)> {
    let mut buffer = [0; PAYLOAD_LEN];
    let part = ok(block_on(home.next_part(&mut buffer)))?;
    assert_eq!(&buffer[..part.len], b"text");
    Some((part.from.map_or("".into(), |from| from.as_str().into()), part.message, part.fragment))
}

fn take(home: &mut Home<'_, Memory>) -> Option<(String, u64, u16)> {
    let part = next(home);
    ok(block_on(home.taken()));
    part
}

fn disk() -> Memory {
    Memory::new(100_000, true)
}

fn add(home: &mut Home<'_, Memory>, contact: &str) -> Result<(), ContactError<PowerLost>> {
    block_on(home.add_contact(&address(contact), Some(NOW)))
}

#[test]
fn contacts_rounds_and_registrations_survive() {
    let disk = disk();
    let mut here = open(&disk);
    let (a, b) = (ServerId::from_bytes([1; 32]), ServerId::from_bytes([2; 32]));
    assert_eq!(add(&mut here, ALICE), Err(ContactError::Oneself));
    let unknown = block_on(here.add_contact(&address(BOB), None));
    assert_eq!(unknown, Err(ContactError::ClockUnknown));
    assert_eq!(add(&mut here, BOB), Ok(()));
    assert_eq!(add(&mut here, BOB), Ok(()));
    assert_eq!(add(&mut here, CAROL), Ok(()));
    assert_eq!(add(&mut here, "dave@example.org"), Err(ContactError::Full));
    ok(block_on(here.set_registration(&a, Registration::CodeSent)));
    ok(block_on(here.set_registration(&b, Registration::Waiting { until: NOW })));
    ok(block_on(here.set_registration(&a, Registration::Registered)));
    let hash = DirectoryHash::from_bytes([3; 32]);
    ok(block_on(here.opened(Round(5), hash, NOW)));
    let mut here = open(&disk);
    assert_eq!(here.contacts().map(Address::as_str).collect::<Vec<_>>(), [BOB, CAROL]);
    assert_eq!((here.last_round(), here.clock()), (Some((Round(5), hash)), NOW));
    let registration = |here: &mut Home<'_, _>, pkg| ok(block_on(here.registration(pkg)));
    assert_eq!(registration(&mut here, &a), Registration::Registered);
    assert_eq!(registration(&mut here, &b), Registration::Waiting { until: NOW });
    assert_eq!(registration(&mut here, &ServerId::from_bytes([3; 32])), Registration::None);
}

#[test]
fn signed_manifests_survive_two_versions_at_a_time() {
    let disk = disk();
    let mut here = open(&disk);
    let mut buffer = [0; 3_000];
    assert_eq!(ok(block_on(here.version(0, &mut buffer))), None);
    let signed = |version: u32| std::vec![version as u8; 2_000 + version as usize];
    for version in 1..5 {
        ok(block_on(here.set_version(version, &signed(version))));
    }
    let mut here = open(&disk);
    for (parity, version) in [(0, 4), (1, 3)] {
        let len = ok(block_on(here.version(parity, &mut buffer)));
        assert_eq!(len.map(|len| &buffer[..len]), Some(&signed(version)[..]));
    }
    assert_eq!(ok(block_on(here.version(0, &mut buffer[..700]))), Some(2_004));
    assert!(block_on(here.set_version(5, &[0; 5_000])).is_err());
}

#[test]
fn parts_come_in_order_a_message_at_once_and_again_until_they_are_taken() {
    let disk = disk();
    let mut here = open(&disk);
    ok(add(&mut here, BOB));
    ok(add(&mut here, CAROL));
    // Two of Bob's three fragments, the second first; Carol's whole message.
    assert!(receive(&mut here, BOB, &draft(2, 7, 1, 3)));
    assert!(receive(&mut here, BOB, &draft(1, 7, 0, 3)));
    assert!(receive(&mut here, CAROL, &draft(1, 8, 0, 1)));
    assert_eq!(next(&mut here), Some((CAROL.into(), 8, 0)));
    let mut here = open(&disk);
    assert_eq!(take(&mut here), Some((CAROL.into(), 8, 0)));
    assert_eq!(take(&mut here), None);
    assert!(receive(&mut here, BOB, &draft(3, 7, 2, 3)));
    assert_eq!(take(&mut here), Some((BOB.into(), 7, 0)));
    assert!(receive(&mut here, CAROL, &draft(2, 9, 0, 1)));
    let mut here = open(&disk);
    assert_eq!(next(&mut here), Some((BOB.into(), 7, 1)));
    assert_eq!(take(&mut here), Some((BOB.into(), 7, 1)));
    assert_eq!(take(&mut here), Some((BOB.into(), 7, 2)));
    assert_eq!(take(&mut here), Some((CAROL.into(), 9, 0)));
    assert_eq!(take(&mut here), None);
}

#[test]
fn what_has_no_room_is_not_acknowledged_and_does_not_stop_what_was_lost_before_it() {
    let disk = Memory::new(23_000, true);
    let mut here = open(&disk);
    ok(add(&mut here, BOB));
    let room = here.limits.inbox;
    assert!(room < 60, "{room}");
    for sequence in (2..=room + 3).rev() {
        assert_eq!(
            receive(&mut here, BOB, &draft(sequence, sequence.into(), 0, 1)),
            sequence <= room
        );
    }
    assert!(receive(&mut here, BOB, &draft(1, 1, 0, 1)));
    assert!(!receive(&mut here, BOB, &draft(room + 1, 99, 0, 1)));
    let told = here.state(0).map(|state| state.conversation.receiving().ack());
    assert_eq!(told, Some((9, room)));
    assert_eq!(take(&mut here).map(|part| part.1), Some(1));
    assert!(receive(&mut here, BOB, &draft(room + 1, 99, 0, 1)));
}

#[test]
fn a_contact_that_starts_over_in_the_middle_of_a_message_is_shown_all_the_same() {
    let disk = disk();
    let mut here = open(&disk);
    ok(add(&mut here, BOB));
    let later = |draft: Draft<'static>| Draft { stream: 10, ..draft };
    assert!(receive(&mut here, BOB, &draft(1, 7, 0, 3)));
    assert!(receive(&mut here, BOB, &draft(3, 7, 2, 3)));
    assert_eq!(take(&mut here), None, "it is not whole");
    // The same message again, of which the first part is known, and a message that was given up.
    for (sequence, fragment) in [(2, 1), (1, 0), (3, 2)] {
        assert!(receive(&mut here, BOB, &later(draft(sequence, 7, fragment, 3))));
    }
    let mut here = open(&disk);
    let parts: Vec<_> = std::iter::from_fn(|| take(&mut here)).map(|p| (p.1, p.2)).collect();
    assert_eq!(parts, [(7, 0), (7, 1), (7, 2)]);
    assert!(receive(&mut here, BOB, &later(draft(4, 8, 0, 2))));
    let last = |draft| Draft { stream: 11, ..draft };
    assert!(receive(&mut here, BOB, &last(draft(1, 9, 0, 1))));
    // A message of which the contact did not know any more that it had arrived.
    assert!(receive(&mut here, BOB, &last(draft(2, 7, 0, 1))));
    let parts: Vec<_> = std::iter::from_fn(|| take(&mut here)).map(|p| (p.1, p.2)).collect();
    assert_eq!(parts, [(8, 0), (9, 0)]);
}

#[test]
fn parts_of_two_streams_are_never_mixed_whenever_the_power_is_lost() {
    for (cut, last_counts) in (1..8).flat_map(|cut| [(cut, false), (cut, true)]) {
        let disk = Memory::new(100_000, last_counts);
        let mut here = open(&disk);
        ok(add(&mut here, BOB));
        assert!(receive(&mut here, BOB, &draft(2, 2, 0, 1)));
        let later = |sequence, message| Draft { stream: 10, ..draft(sequence, message, 0, 1) };
        disk.cut_after(Some(cut));
        let payload = payload(BOB, &later(2, 12));
        let _ = block_on(here.receive(Round(1), &payload, |_| {}));
        disk.cut_after(None);
        let mut here = open(&disk);
        // One of the last stream that was late, if that is not over.
        assert!(receive(&mut here, BOB, &draft(1, 1, 0, 1)));
        assert!(receive(&mut here, BOB, &later(1, 11)));
        assert!(receive(&mut here, BOB, &later(2, 12)));
        let parts: Vec<_> = std::iter::from_fn(|| take(&mut here)).map(|part| part.1).collect();
        assert!(parts == [1, 2, 11, 12] || parts == [11, 12], "cut {cut}: {parts:?}");
    }
}

#[test]
fn a_contact_that_lost_its_memory_gets_whole_messages_again() {
    let disk = disk();
    let mut here = open(&disk);
    ok(add(&mut here, BOB));
    let bob = address(BOB);
    ok(block_on(here.send(&bob, Content::Text, b"texttexttext", 7, 4, None)));
    ok(block_on(here.send(&bob, Content::Text, b"text", 8, 4, None)));
    let stream = here.state(0).map(|s| s.conversation.sending().stream()).expect("a contact");
    let mut delivered = Vec::new();
    let mut acknowledge = |here: &mut Home<'_, Memory>, round, ack| {
        let payload = payload(BOB, &Draft::acknowledgement(ack));
        let done = here.receive(Round(round), &payload, |message| delivered.push(message.0));
        assert!(ok(block_on(done)));
        delivered.clone()
    };
    assert_eq!(acknowledge(&mut here, 3, (stream, 2)), []);
    // It says that it never heard of this stream's beginning.
    assert_eq!(acknowledge(&mut here, 4, (stream, 0)), []);
    let mut here = open(&disk);
    ok(block_on(here.opened(Round(9), DirectoryHash::from_bytes([0; 32]), NOW)));
    let mut buffer = [0; PAYLOAD_LEN];
    for (slot, expected) in [(0, (1, 7, 0)), (1, (2, 7, 1)), (2, (3, 7, 2)), (3, (4, 8, 0))] {
        let draft = ok(block_on(here.fill(Round(9), slot, &bob, 3, &mut buffer))).expect("due");
        assert_eq!((draft.sequence, draft.message, draft.fragment), expected);
        assert_eq!((draft.stream, draft.body), (stream + 1, &b"text"[..]));
    }
    assert_eq!(acknowledge(&mut here, 10, (stream + 1, 3)), [7]);
    assert_eq!(acknowledge(&mut here, 11, (stream + 1, 4)), [7, 8]);
    assert_eq!(disk.keys().iter().filter(|key| key.number() >= Key::GROUP).count(), 2);
}

#[test]
fn people_who_are_no_contacts_are_shown_once_within_bounds() {
    let disk = disk();
    let mut here = open(&disk);
    assert!(receive(&mut here, BOB, &draft(1, 7, 0, 1)));
    assert!(receive(&mut here, BOB, &draft(1, 7, 0, 1)));
    let anonymous = |message| {
        let payload = payload(BOB, &draft(0, message, 0, 1));
        let header = PayloadHeader { sender: None, ..payload.header };
        Payload { header, ..payload }
    };
    assert!(ok(block_on(here.receive(Round(1), &anonymous(8), |_| {}))));
    let mut here = open(&disk);
    assert!(receive(&mut here, BOB, &draft(1, 7, 0, 1)));
    assert_eq!(take(&mut here), Some((BOB.into(), 7, 0)));
    assert_eq!(take(&mut here), Some(("".into(), 8, 0)));
    let mut here = open(&disk);
    assert!(receive(&mut here, BOB, &draft(1, 7, 0, 1)), "which is known");
    assert_eq!(take(&mut here), None);
    let kept = (10..40).take_while(|n| receive(&mut here, CAROL, &draft(1, *n, 0, 1))).count();
    assert_eq!(kept, 15);
    let mut here = open(&disk);
    assert_eq!(std::iter::from_fn(|| take(&mut here)).count(), 15);
    // Who becomes a contact sends in numbers what was shown before.
    ok(add(&mut here, CAROL));
    assert!(receive(&mut here, CAROL, &draft(1, 24, 0, 1)));
    assert!(receive(&mut here, CAROL, &draft(2, 50, 0, 1)));
    assert_eq!(take(&mut here), Some((CAROL.into(), 50, 0)));
}

#[test]
fn a_contact_is_removed_with_all_that_is_its_whenever_the_power_is_lost() {
    for (cut, last_counts) in (1..).flat_map(|cut| [(cut, false), (cut, true)]) {
        let disk = Memory::new(100_000, last_counts);
        let mut here = open(&disk);
        let empty = disk.keys();
        ok(add(&mut here, BOB));
        ok(block_on(here.send(&address(BOB), Content::Text, &[1; 300], 7, 100, None)));
        assert!(receive(&mut here, BOB, &draft(1, 7, 0, 1)));
        assert!(receive(&mut here, BOB, &draft(4, 9, 0, 1)));
        assert_eq!(next(&mut here), Some((BOB.into(), 7, 0)));
        disk.cut_after(Some(cut));
        let removed = block_on(here.remove_contact(&address(BOB)));
        disk.cut_after(None);
        let mut again = open(&disk);
        if again.contacts().next().is_some() {
            assert!(removed.is_err());
            ok(block_on(again.remove_contact(&address(BOB))));
        }
        assert_eq!(disk.keys(), empty, "cut {cut}");
        if removed.is_ok() {
            // The part that was shown is not another one's.
            ok(add(&mut here, CAROL));
            assert!(receive(&mut here, CAROL, &draft(1, 8, 0, 1)));
            ok(block_on(here.taken()));
            assert_eq!(next(&mut here), Some((CAROL.into(), 8, 0)));
            break;
        }
    }
}

#[test]
fn what_is_too_long_or_too_much_is_refused() {
    let disk = Memory::new(23_000, true);
    let mut here = open(&disk);
    ok(add(&mut here, BOB));
    let (bob, room) = (address(BOB), here.limits.outbox as usize);
    let mut send = |to: &Address, text: &[u8], capacity| {
        block_on(here.send(to, Content::Text, text, 1, capacity, None)).map(drop)
    };
    assert_eq!(send(&address(CAROL), b"text", 9), Err(SendError::NoContact));
    assert_eq!(send(&bob, b"", 9), Err(SendError::Length));
    assert_eq!(send(&bob, &[0; MAX_TEXT + 1], 1_000), Err(SendError::Length));
    assert_eq!(send(&bob, b"text", 0), Err(SendError::Length), "addresses can be too long");
    assert_eq!(send(&bob, &std::vec![0; room + 1], 1), Err(SendError::Length));
    assert_eq!(send(&bob, &std::vec![0; room], 1), Ok(()));
    assert_eq!(send(&bob, b"text", 9), Err(SendError::Full));
}

#[test]
fn a_storage_that_is_too_small_or_of_another_network_is_refused() {
    let small = Memory::new(10_000, true);
    let opened = block_on(home(small, ALICE)).map(drop);
    assert!(matches!(opened, Err(Error::TooSmall { given: 10_000, .. })), "{opened:?}");
    let disk = disk();
    open(&disk);
    disk.change(|items| items.insert(keys::NETWORK, std::vec![8; 32]).map_or((), drop));
    let opened = block_on(home(disk, ALICE)).map(drop);
    assert!(matches!(opened, Err(Error::OtherNetwork)), "{opened:?}");
}

#[test]
fn damaged_items_are_errors_and_no_panic() {
    use rand_core::Rng;
    for seed in 0..2_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let disk = disk();
        let mut here = open(&disk);
        ok(add(&mut here, BOB));
        ok(block_on(here.send(&address(BOB), Content::Text, &[1; 300], 7, 100, None)));
        assert!(receive(&mut here, BOB, &draft(1, 7, 0, 1)));
        assert!(receive(&mut here, CAROL, &draft(1, 7, 0, 1)));
        disk.change(|items| {
            let at = rng.next_u32() as usize % items.len();
            let item = items.values_mut().nth(at).expect("it is there");
            match rng.next_u32() % 4 {
                0 => item.truncate(rng.next_u32() as usize % item.len()),
                1 => rng.fill_bytes(item),
                _ => {
                    let at = rng.next_u32() as usize % item.len();
                    item[at] = rng.next_u32() as u8;
                }
            }
        });
        let Ok(mut here) = block_on(home(disk, ALICE)) else { continue };
        let mut buffer = [0; PAYLOAD_LEN];
        for _ in 0..3 {
            let _ = block_on(here.next_part(&mut buffer));
            let _ = block_on(here.taken());
        }
        let _ = block_on(here.opened(Round(1), DirectoryHash::from_bytes([0; 32]), NOW));
        let _ = block_on(here.fill(Round(1), 0, &address(BOB), 3, &mut buffer));
        let payload =
            payload(BOB, &Draft { ack_stream: 1_700_000_000, ack: 3, ..draft(2, 8, 0, 1) });
        let _ = block_on(here.receive(Round(2), &payload, |_| {}));
        let _ = block_on(here.remove_contact(&address(BOB)));
    }
}

#[test]
fn what_its_calls_keep_is_small() {
    let disk = super::disk::Flash::new(20);
    let mut here = ok(block_on(home(super::disk::Disk::storage(&disk), ALICE)));
    let (bob, mut buffer) = (address(BOB), [0; PAYLOAD_LEN]);
    let payload = payload(BOB, &draft(1, 1, 0, 1));
    let receive = size_of_val(&here.receive(Round(1), &payload, |_| {}));
    let fill = size_of_val(&here.fill(Round(1), 0, &bob, 3, &mut buffer));
    let next_part = size_of_val(&here.next_part(&mut buffer));
    let taken = size_of_val(&here.taken());
    let send = size_of_val(&here.send(&bob, Content::Text, b"text", 1, 9, None));
    let add = size_of_val(&here.add_contact(&bob, Some(NOW)));
    let remove = size_of_val(&here.remove_contact(&bob));
    let opened = size_of_val(&here.opened(Round(1), DirectoryHash::from_bytes([0; 32]), NOW));
    let sizes = [receive, fill, next_part, taken, send, add, remove, opened];
    std::println!("futures of a home: {sizes:?} bytes");
    assert!(sizes.iter().all(|size| *size <= 1_700), "{sizes:?}");
}

#[test]
fn it_is_small() {
    let size = size_of::<Home<'_, ()>>() + 8 * size_of::<Option<Contact>>();
    std::println!("a home with 8 contacts: {size} bytes");
    assert!(size <= 6_000, "{size}");
}
