//! What every home must do, in a file as in memory.

use std::sync::Arc;

use tempfile::TempDir;
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
pub(super) use conform;

conform! {
    settings_are_kept
    registrations_are_kept_for_each_pkg
    contacts_come_and_go
    a_call_that_is_cancelled_costs_nothing
    a_message_goes_out_in_order_and_once
    what_no_mixer_took_goes_out_again
    a_slot_is_never_filled_in_an_older_round_or_another_directory
    messages_to_others_do_not_take_a_contacts_slot
    removing_a_contact_empties_its_queue
    somebody_who_is_blocked_is_no_contact_and_gets_nothing
    nothing_of_somebody_who_is_blocked_has_any_effect
    an_acknowledgement_goes_alone_only_if_nothing_else_does
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

async fn a_call_that_is_cancelled_costs_nothing(store: Store) {
    assert!(store.add_contact(&bob(), None, NOW).await.unwrap());
    for turns in 0..300 {
        let patience = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            contacts = store.contacts() => assert_eq!(contacts.unwrap().len(), 1),
            () = patience => {}
        }
    }
    assert_eq!(store.contacts().await.unwrap().len(), 1);
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
    let sequences: Vec<_> = sent.iter().map(|(f, ..)| f.head.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
    let stream = sent[0].0.head.stream;
    assert!(sent.iter().all(|(f, ..)| f.head.stream == stream && stream != 0));
    assert!(
        sent[..3]
            .iter()
            .all(|(f, ..)| { f.head.message == sent[0].0.head.message && f.head.fragments == 3 })
    );
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
    let stream = next(&store, 9, 0).await.unwrap().head.stream;
    store.remove_contact(&bob(), NOW).await.unwrap();
    assert_eq!(store.unsent().await.unwrap(), 0);
    assert!(store.outbox().await.unwrap().is_empty());
    store.enqueue(&bob(), Content::Text, b"hi", 100, NOW).await.unwrap();
    let again = next(&store, 10, 0).await.unwrap();
    assert!(again.head.stream != stream && again.head.sequence == 1, "a stream of its own");
}

async fn somebody_who_is_blocked_is_no_contact_and_gets_nothing(store: Store) {
    store.enqueue(&bob(), Content::Text, b"hi", 100, NOW).await.unwrap();
    let stream = next(&store, 9, 0).await.unwrap().head.stream;
    assert!(store.block(&bob(), NOW).await.unwrap());
    assert!(!store.block(&bob(), NOW.plus(1)).await.unwrap());
    assert!(store.block(&carol(), NOW.plus(1)).await.unwrap(), "somebody who never was a contact");
    assert_eq!(store.blocked().await.unwrap(), [bob(), carol()]);
    assert!(store.contacts().await.unwrap().is_empty() && store.outbox().await.unwrap().is_empty());
    assert_eq!((store.unsent().await.unwrap(), next(&store, 10, 0).await), (0, None));

    let added = store.add_contact(&bob(), None, NOW).await.unwrap_err();
    assert!(matches!(&added, StoreError::Blocked(who) if **who == bob()), "{added}");
    let sent = store.enqueue(&bob(), Content::Text, b"hi", 100, NOW).await.unwrap_err();
    assert!(sent.to_string().contains("bob@example.org is blocked: unblock it first"), "{sent}");
    assert!(store.outbox().await.unwrap().is_empty());

    assert!(store.unblock(&bob()).await.unwrap());
    assert!(!store.unblock(&bob()).await.unwrap());
    assert_eq!(store.blocked().await.unwrap(), [carol()]);
    assert!(store.contacts().await.unwrap().is_empty());
    store.enqueue(&bob(), Content::Text, b"hi", 100, NOW).await.unwrap();
    assert!(next(&store, 11, 0).await.unwrap().head.stream > stream, "a stream of its own");
}

async fn nothing_of_somebody_who_is_blocked_has_any_effect(store: Store) {
    let parts = fragments(Some(bob()), 1, b"abcdef", 3);
    assert!(matches!(receive(&store, &parts[0]).await, Receipt::Kept { .. }), "a stranger's");
    store.block(&bob(), NOW).await.unwrap();
    let refused = Receipt::Refused(Refused::Blocked);
    assert_eq!(receive(&store, &parts[1]).await, refused);
    assert_eq!(receive(&store, &fragments(Some(bob()), 2, b"a", 3)[0]).await, refused);
    assert_eq!(
        receive(&store, &Incoming { content: Content::Empty, ..parts[0].clone() }).await,
        refused
    );
    assert!(store.inbox(false).await.unwrap().is_empty());
    for other in [None, Some(carol())] {
        complete(&store, &fragments(other, 3, b"a", 3)[0]).await;
    }
    // What was here before is not kept either.
    store.unblock(&bob()).await.unwrap();
    assert_eq!(receive(&store, &parts[1]).await, Receipt::Kept { arrived: 1, of: 2 });
    assert_eq!(receive(&store, &parts[0]).await, Receipt::Complete);
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
pub(super) async fn complete(store: &Store, incoming: &Incoming) -> Arc<InboxMessage> {
    let mut received = receive_all(store, incoming).await;
    assert_eq!((received.receipt, received.messages.len()), (Receipt::Complete, 1));
    received.messages.remove(0)
}

async fn receive_all(store: &Store, incoming: &Incoming) -> Received {
    let capacity = Payload::capacity(1_024, incoming.sender.as_ref());
    store.receive(incoming, capacity, NOW).await.unwrap()
}

async fn an_acknowledgement_goes_alone_only_if_nothing_else_does(store: Store) {
    store.add_contact(&bob(), None, NOW).await.unwrap();
    assert_eq!(next(&store, 9, 0).await, None, "nothing has come");
    complete(&store, &fragments(Some(bob()), 1, b"a", 1)[0]).await;
    let empty = next(&store, 9, 1).await.unwrap().head;
    assert_eq!((empty.content, empty.stream, empty.sequence), (Content::Empty, 0, 0));
    assert_eq!((empty.ack_stream, empty.ack), (5, 1));
    assert_eq!(next(&store, 9, 2).await, None, "it was said");
    assert_eq!(store.mark_sent(Round(9), 1).await.unwrap(), None, "it is no message");
    assert_eq!(store.unsent().await.unwrap(), 0);

    receive(&store, &fragments(Some(bob()), 1, b"a", 1)[0]).await;
    store.enqueue(&bob(), Content::Text, b"hi", 10, NOW).await.unwrap();
    let fragment = next(&store, 9, 3).await.unwrap();
    assert_eq!(
        (fragment.body.as_slice(), fragment.head.ack_stream, fragment.head.ack),
        (&b"hi"[..], 5, 1)
    );
    assert_eq!(next(&store, 10, 0).await, None);
    assert!(store.requeue_slot(Round(9), 3).await.unwrap());
    assert_eq!(next(&store, 10, 1).await.unwrap().body, b"hi");
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
