extern crate std;

use proptest::prelude::*;
use zephyr_core::{Round, UnixMs};

use super::zephyr_arrival_kind::*;
use super::*;
use crate::blocks::ZEPHYR_CONTENT_EMPTY;

const NOW: UnixMs = UnixMs(1_700_000_000_000);

fn fragment(draft: &zephyr_draft, round: u64) -> zephyr_fragment {
    zephyr_fragment {
        content: if draft.sequence == 0 { ZEPHYR_CONTENT_EMPTY } else { 0 },
        stream: draft.stream,
        sequence: draft.sequence,
        ack_stream: draft.ack_stream,
        ack: draft.ack,
        round,
        fragments: 1,
        ..zephyr_fragment::NONE
    }
}

fn reloaded(conversation: &zephyr_conversation) -> zephyr_conversation {
    saved::read(&saved::write(conversation)).expect("what was saved can be read")
}

#[test]
fn what_is_sent_is_acknowledged_and_forgotten() {
    let (mut alice, mut bob) = (zephyr_conversation::new(NOW), zephyr_conversation::new(NOW));
    assert_eq!(alice.push(2, NOW), Some(1));
    let draft = alice.fill(Round(5), 0, 3).expect("a fragment is due");
    assert_eq!(draft.sequence, 1);
    let arrival = bob.receive(&fragment(&draft, 5));
    assert_eq!((arrival.kind, arrival.arrived), (ZEPHYR_ARRIVAL_NEW, 1));
    let again = bob.receive(&fragment(&draft, 5));
    assert_eq!(again.kind, ZEPHYR_ARRIVAL_DUPLICATE);
    let answer = bob.fill(Round(6), 0, 3).expect("an acknowledgement is owed");
    assert_eq!((answer.sequence, answer.content), (0, ZEPHYR_CONTENT_EMPTY));
    assert!(bob.fill(Round(6), 1, 3).is_none(), "it is owed once");
    let arrival = alice.receive(&fragment(&answer, 6));
    assert_eq!((arrival.kind, arrival.acknowledged), (ZEPHYR_ARRIVAL_EMPTY, 1));
}

#[test]
fn what_no_mixer_took_is_due_at_once_and_what_one_took_is_not() {
    let mut alice = zephyr_conversation::new(NOW);
    alice.push(2, NOW);
    assert_eq!(alice.fill(Round(5), 0, 3).map(|d| d.sequence), Some(1));
    assert_eq!(alice.fill(Round(5), 1, 3).map(|d| d.sequence), Some(2));
    alice.slots.take(Round(5), 0);
    alice.failed(Round(5), 0);
    alice.failed(Round(5), 1);
    assert_eq!(alice.fill(Round(6), 0, 3).map(|d| d.sequence), Some(2));
    assert!(alice.fill(Round(6), 1, 3).is_none());
    alice.void(Round(5));
    assert_eq!(alice.fill(Round(6), 1, 3).map(|d| d.sequence), Some(1));
}

#[test]
fn after_a_restart_what_was_in_a_slot_is_due_and_what_was_taken_is_not() {
    let mut alice = zephyr_conversation::new(NOW);
    alice.push(2, NOW);
    let _ = alice.fill(Round(5), 0, 3);
    let _ = alice.fill(Round(5), 1, 3);
    alice.slots.take(Round(5), 0);
    let mut alice = reloaded(&alice);
    assert_eq!(alice.fill(Round(6), 0, 3).map(|d| d.sequence), Some(2));
    assert_eq!(alice.fill(Round(8), 0, 3).map(|d| d.sequence), Some(1));
}

#[test]
fn an_acknowledgement_that_did_not_go_out_is_owed_again() {
    let (mut alice, mut bob) = (zephyr_conversation::new(NOW), zephyr_conversation::new(NOW));
    alice.push(1, NOW);
    let draft = alice.fill(Round(5), 0, 3).expect("due");
    let _ = bob.receive(&fragment(&draft, 5));
    let _ = bob.fill(Round(6), 3, 3).expect("owed");
    bob.failed(Round(6), 3);
    let _ = bob.fill(Round(7), 3, 3).expect("owed again");
    let mut bob = reloaded(&bob);
    let _ = bob.fill(Round(8), 3, 3).expect("owed again after a restart");
    bob.slots.take(Round(8), 3);
    bob.void(Round(8));
    assert!(bob.fill(Round(9), 3, 3).is_some(), "nothing of a void round arrived");
}

#[test]
fn a_message_after_all_was_acknowledged_begins_a_new_stream() {
    let (mut alice, mut bob) = (zephyr_conversation::new(NOW), zephyr_conversation::new(NOW));
    alice.push(1, NOW);
    let draft = alice.fill(Round(5), 0, 3).expect("due");
    let _ = bob.receive(&fragment(&draft, 5));
    let answer = bob.fill(Round(6), 0, 3).expect("owed");
    let _ = alice.receive(&fragment(&answer, 6));
    assert_eq!(alice.push(1, NOW.plus(60_000)), Some(1));
    let next = alice.fill(Round(7), 0, 3).expect("due");
    assert!(next.stream > draft.stream);
    let arrival = bob.receive(&fragment(&next, 7));
    assert_eq!((arrival.kind, arrival.started_over), (ZEPHYR_ARRIVAL_NEW, 1));
}

proptest! {
    #[test]
    fn damaged_bytes_are_refused_or_harmless(
        at in 0usize..ZEPHYR_CONVERSATION_SAVED_LEN,
        byte: u8,
        cut in 0usize..=ZEPHYR_CONVERSATION_SAVED_LEN,
    ) {
        let mut alice = zephyr_conversation::new(NOW);
        alice.push(5, NOW);
        let _ = alice.fill(Round(5), 0, 3);
        let mut bytes = saved::write(&alice);
        bytes[at] = byte;
        if let Some(mut read) = saved::read(&bytes) {
            let _ = read.push(3, NOW);
            let _ = read.fill(Round(9), 1, 3);
            read.failed(Round(9), 1);
            read.void(Round(5));
            let _ = saved::read(&saved::write(&read));
        }
        if cut < bytes.len() {
            prop_assert!(saved::read(&bytes[..cut]).is_none());
        }
    }

    #[test]
    fn a_restart_changes_nothing_but_what_was_in_slots(rounds in proptest::collection::vec((0u64..4, 0u8..4, any::<bool>()), 0..40)) {
        let mut alice = zephyr_conversation::new(NOW);
        alice.push(30, NOW);
        let mut round = 1;
        for (passed, slot, sent) in rounds {
            round += passed;
            if alice.fill(Round(round), slot, 3).is_some() {
                if sent { alice.slots.take(Round(round), slot); } else { alice.failed(Round(round), slot); }
            }
        }
        let mut there = reloaded(&alice);
        for slot in 0..8 {
            let (a, b) = (alice.fill(Round(round + 1), slot, 3), there.fill(Round(round + 1), slot, 3));
            prop_assert_eq!(a.map(|d| d.sequence), b.map(|d| d.sequence));
        }
    }
}
