//! What every home must do, in a file as in memory.

use std::sync::Arc;

use tempfile::TempDir;
use zephyr_core::stream::WINDOW;
use zephyr_core::{Address, Content, DirectoryHash, Payload, Round, UnixMs};

use super::super::inbox::Received;
use super::super::outbox::Fragment;
use super::super::*;
use crate::testing::{alice, bob, sample};

pub(super) const NOW: UnixMs = UnixMs(1_800_000_000_000);
pub(super) const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([7; 32]);

pub(super) fn carol() -> Address {
    Address::parse("carol@example.org").unwrap()
}

fn stranger(n: usize) -> Address {
    Address::parse(&format!("stranger{n}@example.org")).unwrap()
}

/// Runs a test over a home in memory and over one in a file.
macro_rules! conform {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test]
            async fn in_memory() {
                let store = super::Store::in_memory(&super::alice(), &super::sample()).await;
                super::$name(store.unwrap()).await;
            }

            #[tokio::test]
            async fn in_a_file() {
                let dir = super::TempDir::new().unwrap();
                let store = super::Store::create(dir.path(), &super::alice(), &super::sample()).await;
                super::$name(store.unwrap()).await;
            }
        }
    )*};
}

conform! {
    settings_are_kept
    registrations_are_kept_for_each_pkg
    contacts_come_and_go
    a_message_goes_out_in_order_and_once
    what_no_mixer_took_goes_out_again
    a_slot_is_never_filled_in_an_older_round_or_another_directory
    messages_to_others_do_not_take_a_contacts_slot
    removing_a_contact_empties_its_queue
    a_message_is_put_together_in_any_order
    copies_are_dropped_also_after_the_message_is_complete
    fragments_that_contradict_each_other_are_dropped
    messages_that_would_be_too_long_are_dropped
    a_stranger_has_few_incomplete_messages
    a_contact_has_one_incomplete_message
    what_makes_no_message_of_a_contact_is_dropped_and_blocks_nothing
    an_acknowledgement_goes_alone_only_if_nothing_else_does
    strangers_cannot_fill_the_disk
    contacts_are_acknowledged_up_to_the_first_gap
    a_text_that_is_none_becomes_a_file
    a_full_disk_and_a_read_only_one_are_said_clearly
}

async fn settings_are_kept(store: Store) {
    assert!(!store.contacts_only().await.unwrap());
    store.set_contacts_only(true).await.unwrap();
    assert!(store.contacts_only().await.unwrap());
    assert_eq!(store.last_round().await.unwrap(), None);
    assert_eq!(*store.home().address(), alice());
    assert!(!format!("{store:?}").contains("alice"));
}

async fn registrations_are_kept_for_each_pkg(store: Store) {
    let network = store.home().network();
    let manifest = network.manifest();
    let pkg = |i| manifest.server(zephyr_core::Role::Pkg, i).unwrap().id;
    assert_eq!(store.registration(&pkg(0)).await.unwrap(), Registration::None);
    for state in [
        Registration::CodeSent,
        Registration::Waiting { until: UnixMs(5) },
        Registration::Registered,
        Registration::None,
    ] {
        store.set_registration(&pkg(0), state).await.unwrap();
        assert_eq!(store.registration(&pkg(0)).await.unwrap(), state);
        assert_eq!(store.registration(&pkg(1)).await.unwrap(), Registration::None);
    }
    store.set_registration(&pkg(1), Registration::Waiting { until: UnixMs(5) }).await.unwrap();
    store.confirm_registrations(&manifest).await.unwrap();
    for i in 0..2 {
        assert_eq!(store.registration(&pkg(i)).await.unwrap(), Registration::Registered);
    }
}

async fn contacts_come_and_go(store: Store) {
    assert!(store.add_contact(&bob(), Some("from work"), NOW).await.unwrap());
    assert!(!store.add_contact(&bob(), None, NOW.plus(1)).await.unwrap());
    assert!(store.add_contact(&carol(), None, NOW.plus(1)).await.unwrap());
    let contacts = store.contacts().await.unwrap();
    assert_eq!(contacts[0].address, bob());
    assert_eq!((contacts[0].note.as_str(), contacts[0].added_at), ("from work", NOW));
    assert_eq!(contacts[1].address, carol());
    assert!(store.remove_contact(&bob(), NOW).await.unwrap());
    assert!(!store.remove_contact(&bob(), NOW).await.unwrap());
    assert_eq!(store.contacts().await.unwrap().len(), 1);
}

pub(super) async fn next(store: &Store, round: u64, slot: u8) -> Option<Fragment> {
    store.assign(Round(round), &DIRECTORY, slot, &bob()).await.unwrap()
}

async fn a_message_goes_out_in_order_and_once(store: Store) {
    let first = store.enqueue(&bob(), Content::File, b"abcdefg", 3, NOW).await.unwrap();
    let second = store.enqueue(&bob(), Content::Text, b"xy", 3, NOW).await.unwrap();
    assert_eq!(store.unsent().await.unwrap(), 4);
    let mut sent = Vec::new();
    for slot in 0..5 {
        let Some(fragment) = next(&store, 9, slot).await else { break };
        let (id, delivery) = store.mark_sent(Round(9), slot).await.unwrap().unwrap();
        sent.push((fragment, id, delivery));
    }
    let bodies: Vec<_> = sent.iter().map(|(f, ..)| f.body.clone()).collect();
    assert_eq!(bodies, [&b"abc"[..], b"def", b"g", b"xy"]);
    let sequences: Vec<_> = sent.iter().map(|(f, ..)| f.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
    assert!(sent.iter().all(|(f, ..)| f.stream == sent[0].0.stream && f.stream != 0));
    assert!(sent[..3].iter().all(|(f, ..)| f.message == sent[0].0.message && f.fragments == 3));
    let states: Vec<_> = sent.iter().map(|&(_, id, delivery)| (id, delivery)).collect();
    let done = Delivery::Sent { round: Round(9) };
    let part = |sent| Delivery::Sending { sent, of: 3 };
    assert_eq!(states, [(first, part(1)), (first, part(2)), (first, done), (second, done)]);
    assert_eq!(store.unsent().await.unwrap(), 0);
    assert_eq!(next(&store, 10, 0).await, None);
    let outbox = store.outbox().await.unwrap();
    assert_eq!((outbox[0].len, outbox[0].fragments, outbox[0].content), (7, 3, Content::File));
    assert_eq!(store.outbox_message(second).await.unwrap().delivery, done);
    let missing = store.outbox_message(MessageId(99)).await.unwrap_err();
    assert!(matches!(missing, StoreError::NoMessage(99)));
}

async fn what_no_mixer_took_goes_out_again(store: Store) {
    store.enqueue(&bob(), Content::File, b"abcdef", 3, NOW).await.unwrap();
    let first = next(&store, 9, 0).await.unwrap();
    assert!(store.requeue_slot(Round(9), 0).await.unwrap());
    assert_eq!(store.mark_sent(Round(9), 0).await.unwrap(), None, "it carries cover");
    let again = next(&store, 10, 0).await.unwrap();
    assert_eq!(again, first, "with the same sequence number");
    store.mark_sent(Round(10), 0).await.unwrap().unwrap();
    assert!(!store.requeue_slot(Round(10), 0).await.unwrap(), "a mixer has it");
    next(&store, 10, 1).await.unwrap();
    let (fragments, states) = store.requeue_round(Round(10)).await.unwrap();
    assert_eq!((fragments, states.len(), states[0].1), (2, 1, Delivery::Queued), "it was void");
    assert_eq!(next(&store, 11, 0).await.unwrap().body, b"abc");
    assert_eq!(store.requeue_unsent().await.unwrap(), 1, "the program was killed");
    assert_eq!(next(&store, 12, 3).await.unwrap().body, b"abc");
}

async fn a_slot_is_never_filled_in_an_older_round_or_another_directory(store: Store) {
    store.enqueue(&bob(), Content::File, b"abcdef", 3, NOW).await.unwrap();
    let other = DirectoryHash::from_bytes([8; 32]);
    assert!(next(&store, 9, 0).await.is_some());
    assert_eq!(store.last_round().await.unwrap(), Some((Round(9), DIRECTORY)));
    assert_eq!(store.assign(Round(9), &other, 1, &bob()).await.unwrap(), None);
    assert_eq!(store.assign(Round(8), &DIRECTORY, 1, &bob()).await.unwrap(), None);
    assert_eq!(store.last_round().await.unwrap(), Some((Round(9), DIRECTORY)));
    assert!(next(&store, 9, 1).await.is_some());
}

async fn messages_to_others_do_not_take_a_contacts_slot(store: Store) {
    store.enqueue(&carol(), Content::Text, b"hi carol", 100, NOW).await.unwrap();
    assert_eq!(next(&store, 9, 0).await, None);
    assert_eq!(store.queue(&carol()).await.unwrap(), (1, 1));
    let fragment = store.assign(Round(9), &DIRECTORY, 1, &carol()).await.unwrap().unwrap();
    assert_eq!(fragment.body, b"hi carol");
}

async fn removing_a_contact_empties_its_queue(store: Store) {
    store.enqueue(&bob(), Content::Text, b"hi", 100, NOW).await.unwrap();
    let stream = next(&store, 9, 0).await.unwrap().stream;
    store.remove_contact(&bob(), NOW).await.unwrap();
    assert_eq!(store.unsent().await.unwrap(), 0);
    assert!(store.outbox().await.unwrap().is_empty());
    store.enqueue(&bob(), Content::Text, b"hi", 100, NOW).await.unwrap();
    let again = next(&store, 10, 0).await.unwrap();
    assert!(again.stream != stream && again.sequence == 1, "a stream of its own");
}

/// The fragments of `body`, as a session hands them out.
pub(super) fn fragments(
    from: Option<Address>,
    message: u64,
    body: &[u8],
    chunk: usize,
) -> Vec<Incoming> {
    let parts: Vec<_> = if body.is_empty() { vec![body] } else { body.chunks(chunk).collect() };
    let fragments = parts.len() as u16;
    let part = |(fragment, part): (usize, &&[u8])| Incoming {
        sender: from.clone(),
        content: Content::File,
        message,
        stream: 5,
        sequence: fragment as u32 + 1,
        ack_stream: 0,
        ack: 0,
        fragment: fragment as u16,
        fragments,
        round: Round(3),
        body: part.to_vec(),
    };
    parts.iter().enumerate().map(part).collect()
}

pub(super) async fn receive(store: &Store, incoming: &Incoming) -> Receipt {
    receive_all(store, incoming).await.receipt
}

/// The last fragment of one message.
async fn complete(store: &Store, incoming: &Incoming) -> Arc<InboxMessage> {
    let mut received = receive_all(store, incoming).await;
    assert_eq!((received.receipt, received.messages.len()), (Receipt::Complete, 1));
    received.messages.remove(0)
}

async fn receive_all(store: &Store, incoming: &Incoming) -> Received {
    let capacity = Payload::capacity(1_024, incoming.sender.as_ref());
    store.receive(incoming, capacity, NOW).await.unwrap()
}

async fn a_message_is_put_together_in_any_order(store: Store) {
    let parts = fragments(Some(bob()), 1, b"abcdefgh", 3);
    assert_eq!(receive(&store, &parts[2]).await, Receipt::Kept { arrived: 1, of: 3 });
    assert_eq!(receive(&store, &parts[0]).await, Receipt::Kept { arrived: 2, of: 3 });
    assert!(store.inbox(false).await.unwrap().is_empty());
    let message = complete(&store, &parts[1]).await;
    assert_eq!(message.body, b"abcdefgh");
    assert_eq!((message.from.clone(), message.authenticated), (Some(bob()), true));
    assert_eq!((message.round, message.received_at), (Round(3), NOW));
    assert_eq!(store.inbox(true).await.unwrap(), std::slice::from_ref(&*message));
    store.mark_seen(message.id).await.unwrap();
    assert!(store.inbox(true).await.unwrap().is_empty());
    assert!(store.inbox(false).await.unwrap()[0].seen);

    let message = complete(&store, &fragments(None, 1, b"", 3)[0]).await;
    assert_eq!((&message.from, message.authenticated, message.body.len()), (&None, false, 0));
}

async fn copies_are_dropped_also_after_the_message_is_complete(store: Store) {
    let parts = fragments(Some(bob()), 1, b"abcdef", 3);
    receive(&store, &parts[0]).await;
    assert_eq!(receive(&store, &parts[0]).await, Receipt::Duplicate);
    assert!(matches!(receive(&store, &parts[1]).await, Receipt::Complete));
    for part in &parts {
        assert_eq!(receive(&store, part).await, Receipt::Duplicate);
    }
    let other = fragments(Some(carol()), 1, b"abc", 3);
    assert!(matches!(receive(&store, &other[0]).await, Receipt::Complete), "another sender");
    assert_eq!(store.inbox(false).await.unwrap().len(), 2);
}

async fn fragments_that_contradict_each_other_are_dropped(store: Store) {
    let parts = fragments(Some(bob()), 1, b"abcdef", 3);
    receive(&store, &parts[0]).await;
    let more = Incoming { fragments: 3, ..parts[1].clone() };
    assert_eq!(receive(&store, &more).await, Receipt::Refused(Refused::Inconsistent));
    let other = Incoming { content: Content::Text, ..parts[1].clone() };
    assert_eq!(receive(&store, &other).await, Receipt::Refused(Refused::Inconsistent));
    assert!(matches!(receive(&store, &parts[1]).await, Receipt::Complete));
}

async fn messages_that_would_be_too_long_are_dropped(store: Store) {
    let capacity = Payload::capacity(1_024, Some(&bob()));
    let part = &fragments(Some(bob()), 1, b"abcdef", 3)[0];
    let most = MAX_MESSAGE.div_ceil(capacity) as u16;
    let long = Incoming { fragments: most + 1, ..part.clone() };
    assert_eq!(receive(&store, &long).await, Receipt::Refused(Refused::TooLong));
    let longest = Incoming { fragments: most, ..part.clone() };
    assert!(matches!(receive(&store, &longest).await, Receipt::Kept { .. }));

    let body = vec![1; MAX_MESSAGE];
    let parts = fragments(Some(bob()), 2, &body, capacity);
    for part in &parts[1..] {
        assert!(matches!(receive(&store, part).await, Receipt::Kept { .. }));
    }
    let message = complete(&store, &parts[0]).await;
    assert_eq!(message.body, body);
}

async fn a_stranger_has_few_incomplete_messages(store: Store) {
    for message in 0..17 {
        let parts = fragments(Some(bob()), message, b"abcdef", 3);
        assert_eq!(receive(&store, &parts[0]).await, Receipt::Kept { arrived: 1, of: 2 });
    }
    let oldest = &fragments(Some(bob()), 0, b"abcdef", 3)[1];
    assert_eq!(receive(&store, oldest).await, Receipt::Kept { arrived: 1, of: 2 });
    let newest = &fragments(Some(bob()), 16, b"abcdef", 3)[1];
    assert!(matches!(receive(&store, newest).await, Receipt::Complete));
}

async fn strangers_cannot_fill_the_disk(store: Store) {
    store.add_contact(&bob(), None, NOW).await.unwrap();
    let body = vec![1; 700_000];
    let capacity = 70_000;
    let kept = fragments(Some(bob()), 7, &body, capacity);
    assert_eq!(receive(&store, &kept[0]).await, Receipt::Kept { arrived: 1, of: 10 });
    for n in 0..20 {
        let parts = fragments(Some(stranger(n)), 7, &body, capacity);
        for part in &parts[..9] {
            assert!(matches!(receive(&store, part).await, Receipt::Kept { .. }));
        }
    }
    let total: i64 = sqlx::query_scalar("SELECT SUM(bytes) FROM incoming WHERE sender <> $1")
        .bind(bob().as_str())
        .fetch_one(&store.pool)
        .await
        .unwrap();
    assert!((7 << 20..=8 << 20).contains(&total), "{total}");
    let newest = &fragments(Some(stranger(19)), 7, &body, capacity)[9];
    assert!(matches!(receive(&store, newest).await, Receipt::Complete));
    for part in &kept[1..9] {
        receive(&store, part).await;
    }
    assert!(matches!(receive(&store, &kept[9]).await, Receipt::Complete), "contacts are apart");

    let mut refused = None;
    for message in 100..200 {
        let parts = fragments(Some(stranger(0)), message, &vec![1; 1 << 20], 1 << 20);
        if let Receipt::Refused(why) = receive(&store, &parts[0]).await {
            refused = Some((message, why));
            break;
        }
    }
    assert_eq!(refused, Some((163, Refused::InboxFull)));
    let part = fragments(Some(bob()), 8, &vec![1; 1 << 20], 1 << 20).remove(0);
    let next = Incoming { sequence: 11, ..part };
    assert_eq!(receive(&store, &next).await, Receipt::Complete);
}

async fn a_contact_has_one_incomplete_message(store: Store) {
    store.add_contact(&bob(), None, NOW).await.unwrap();
    let kept = async || {
        let query = "SELECT COUNT(*) FROM arrived";
        sqlx::query_scalar::<_, i64>(query).fetch_one(&store.pool).await.unwrap()
    };
    // Each number begins a long message that none goes on with.
    for sequence in 1..200 {
        let part = fragments(Some(bob()), sequence.into(), &[1; 1_000], 1).remove(0);
        receive(&store, &Incoming { sequence, ..part }).await;
    }
    assert_eq!(kept().await, 199, "as one message could have");
    for sequence in 200..1_300 {
        let part = fragments(Some(bob()), sequence.into(), &[1; 1_000], 1).remove(0);
        receive(&store, &Incoming { sequence, ..part }).await;
        assert!(kept().await <= 1_000);
    }
    let early = fragments(Some(bob()), 9_999, b"ab", 1).remove(0);
    for ahead in 2..=WINDOW + 10 {
        let part = Incoming { sequence: 1_299 + ahead, message: ahead.into(), ..early.clone() };
        let receipt = receive(&store, &part).await;
        assert_eq!(receipt == Receipt::Late, ahead > WINDOW, "{ahead}");
    }
    assert!(kept().await <= 1_000 + i64::from(WINDOW));
}

async fn what_makes_no_message_of_a_contact_is_dropped_and_blocks_nothing(store: Store) {
    store.add_contact(&bob(), None, NOW).await.unwrap();
    let parts = fragments(Some(bob()), 1, b"abcdef", 3);
    assert!(matches!(receive(&store, &parts[0]).await, Receipt::Kept { arrived: 1, of: 2 }));
    let other = Incoming { fragments: 3, ..parts[1].clone() };
    assert_eq!(receive(&store, &other).await, Receipt::Refused(Refused::Inconsistent));
    let endless = Incoming { message: 2, sequence: 3, fragments: u16::MAX, ..parts[0].clone() };
    assert_eq!(receive(&store, &endless).await, Receipt::Refused(Refused::TooLong));
    assert_eq!(receive(&store, &endless).await, Receipt::Refused(Refused::TooLong));
    let good = Incoming { message: 3, sequence: 4, fragments: 1, ..parts[0].clone() };
    assert_eq!(complete(&store, &good).await.body, b"abc");
    assert_eq!(receive(&store, &Incoming { sequence: 0, ..good.clone() }).await, Receipt::Late);
    assert_eq!(receive(&store, &good).await, Receipt::Duplicate);
}

async fn an_acknowledgement_goes_alone_only_if_nothing_else_does(store: Store) {
    store.add_contact(&bob(), None, NOW).await.unwrap();
    assert_eq!(next(&store, 9, 0).await, None, "nothing has come");
    complete(&store, &fragments(Some(bob()), 1, b"a", 1)[0]).await;
    let empty = next(&store, 9, 1).await.unwrap();
    assert_eq!((empty.content, empty.stream, empty.sequence), (Content::Empty, 0, 0));
    assert_eq!((empty.ack_stream, empty.ack), (5, 1));
    assert_eq!(next(&store, 9, 2).await, None, "it was said");
    assert_eq!(store.mark_sent(Round(9), 1).await.unwrap(), None, "it is no message");
    assert_eq!(store.unsent().await.unwrap(), 0);

    receive(&store, &fragments(Some(bob()), 1, b"a", 1)[0]).await;
    store.enqueue(&bob(), Content::Text, b"hi", 10, NOW).await.unwrap();
    let fragment = next(&store, 9, 3).await.unwrap();
    assert_eq!((fragment.body.as_slice(), fragment.ack_stream, fragment.ack), (&b"hi"[..], 5, 1));
    assert_eq!(next(&store, 10, 0).await, None);
    assert!(store.requeue_slot(Round(9), 3).await.unwrap());
    assert_eq!(next(&store, 10, 1).await.unwrap().body, b"hi");
}

async fn contacts_are_acknowledged_up_to_the_first_gap(store: Store) {
    let from = |stream, sequence| Incoming {
        stream,
        sequence,
        body: vec![sequence as u8],
        ..fragments(Some(bob()), u64::from(sequence) << 32 | u64::from(stream), b"a", 1).remove(0)
    };
    let ack = async |store: &Store| {
        let query = "SELECT peer_stream, peer_ack FROM contacts";
        sqlx::query_as::<_, (i64, i64)>(query).fetch_one(&store.pool).await.unwrap()
    };
    receive(&store, &from(5, 1)).await;
    assert!(store.contacts().await.unwrap().is_empty(), "strangers are not noted");
    store.add_contact(&bob(), None, NOW).await.unwrap();
    for (sequence, acknowledged) in [(1, 1), (3, 1), (4, 1), (9_999, 1), (2, 4), (2, 4), (0, 4)] {
        receive(&store, &from(5, sequence)).await;
        assert_eq!(ack(&store).await, (5, acknowledged), "{sequence}");
    }
    let inbox = store.inbox(false).await.unwrap();
    let order: Vec<_> = inbox.iter().map(|message| message.body.clone()).collect();
    assert_eq!(order, [[1], [2], [3], [4]]);
    receive(&store, &from(6, 2)).await;
    assert_eq!(ack(&store).await, (6, 0), "the contact started over");
    assert_eq!(receive(&store, &from(5, 5)).await, Receipt::Late);
    let nothing = Incoming { content: Content::Empty, ..from(6, 1) };
    assert_eq!(receive(&store, &nothing).await, Receipt::Empty);
    assert_eq!(ack(&store).await, (6, 0));
}

async fn a_text_that_is_none_becomes_a_file(store: Store) {
    let part = &fragments(Some(bob()), 1, b"\xff\xfe", 10)[0];
    let text = Incoming { content: Content::Text, ..part.clone() };
    let message = complete(&store, &text).await;
    assert_eq!((message.content, message.text()), (Content::File, None));
    let good = Incoming { message: 2, body: b"hi".to_vec(), ..text };
    let message = complete(&store, &good).await;
    assert_eq!(message.text(), Some("hi"));
    assert!(!format!("{message:?}").contains("bob"));
}

async fn a_full_disk_and_a_read_only_one_are_said_clearly(store: Store) {
    store.enqueue(&bob(), Content::Text, b"first", 10, NOW).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&store.pool).await.unwrap();
    let limit = format!("PRAGMA max_page_count = {}", pages + 4);
    sqlx::query(sqlx::AssertSqlSafe(limit)).execute(&store.pool).await.unwrap();
    let body = vec![0; 100_000];
    let full = store.enqueue(&bob(), Content::File, &body, 10, NOW).await.unwrap_err();
    assert!(matches!(full, StoreError::Full), "{full:?}");
    sqlx::query("PRAGMA query_only = ON").execute(&store.pool).await.unwrap();
    let refused = store.enqueue(&bob(), Content::Text, b"x", 10, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly), "{refused:?}");
    assert_eq!(store.unsent().await.unwrap(), 1, "nothing is half done");
}
