extern crate std;

use proptest::prelude::*;
use zephyr_core::stream::Conversation;
use zephyr_core::{Round, UnixMs};

use super::zephyr_arrival_kind::*;
use super::*;
use crate::blocks::ZEPHYR_CONTENT_EMPTY;
use crate::session::fragment::zephyr_fragment;

const NOW: UnixMs = UnixMs(1_700_000_000_000);

fn reloaded(conversation: &Conversation) -> Conversation {
    saved::read(&saved::write(conversation)).expect("what was saved can be read")
}

#[test]
fn what_a_payload_leads_to_is_told_in_numbers() {
    let (mut alice, mut bob) = (Conversation::new(NOW), Conversation::new(NOW));
    alice.push(1, NOW);
    let draft = zephyr_draft::of(&alice.fill(Round(5), 0, 3).expect("a fragment is due"));
    assert_eq!((draft.sequence, draft.fragments, draft.body_len), (1, 1, 0));
    let fragment = |draft: &zephyr_draft, content, round| zephyr_fragment {
        content,
        stream: draft.stream,
        sequence: draft.sequence,
        ack_stream: draft.ack_stream,
        ack: draft.ack,
        round,
        fragments: 1,
        ..zephyr_fragment::NONE
    };
    let arrival = zephyr_arrival::of(&mut bob, &fragment(&draft, 0, 5));
    assert_eq!((arrival.kind, arrival.arrived), (ZEPHYR_ARRIVAL_NEW, 1));
    let again = zephyr_arrival::of(&mut bob, &fragment(&draft, 0, 5));
    assert_eq!((again.kind, again.started_over), (ZEPHYR_ARRIVAL_DUPLICATE, 0));
    let answer = zephyr_draft::of(&bob.fill(Round(6), 0, 3).expect("an acknowledgement is owed"));
    assert_eq!((answer.sequence, answer.content), (0, ZEPHYR_CONTENT_EMPTY));
    let arrival = zephyr_arrival::of(&mut alice, &fragment(&answer, answer.content, 6));
    assert_eq!((arrival.kind, arrival.acknowledged), (ZEPHYR_ARRIVAL_EMPTY, 1));
    let lost = zephyr_fragment { ack_stream: u32::MAX - 1, ..fragment(&answer, answer.content, 7) };
    assert_eq!(zephyr_arrival::of(&mut alice, &lost).restart, u32::MAX);
}

#[test]
fn after_a_restart_what_was_in_a_slot_is_due_and_what_was_taken_is_not() {
    let mut alice = Conversation::new(NOW);
    alice.push(2, NOW);
    let _ = alice.fill(Round(5), 0, 3);
    let _ = alice.fill(Round(5), 1, 3);
    alice.sent(Round(5), 0);
    let mut alice = reloaded(&alice);
    assert_eq!(alice.fill(Round(6), 0, 3).map(|d| d.sequence), Some(2));
    assert_eq!(alice.fill(Round(8), 0, 3).map(|d| d.sequence), Some(1));
}

proptest! {
    #[test]
    fn damaged_bytes_are_refused_or_harmless(
        at in 0usize..ZEPHYR_CONVERSATION_SAVED_LEN,
        byte: u8,
        cut in 0usize..=ZEPHYR_CONVERSATION_SAVED_LEN,
    ) {
        let mut alice = Conversation::new(NOW);
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
        let mut alice = Conversation::new(NOW);
        alice.push(30, NOW);
        let mut round = 1;
        for (passed, slot, sent) in rounds {
            round += passed;
            if alice.fill(Round(round), slot, 3).is_some() {
                if sent { alice.sent(Round(round), slot); } else { alice.failed(Round(round), slot); }
            }
        }
        let mut there = reloaded(&alice);
        for slot in 0..8 {
            let (a, b) = (alice.fill(Round(round + 1), slot, 3), there.fill(Round(round + 1), slot, 3));
            prop_assert_eq!(a.map(|d| d.sequence), b.map(|d| d.sequence));
        }
    }
}
