//! What comes, in a home in a file as in memory.

use tempfile::TempDir;
use zephyr_core::stream::WINDOW;
use zephyr_core::{Address, Content, Payload, Round};

use super::super::*;
use super::conformance::{NOW, carol, complete, conform, fragments, receive};
use crate::testing::{alice, bob, sample};

conform! {
    a_message_is_put_together_in_any_order
    copies_are_dropped_also_after_the_message_is_complete
    fragments_that_contradict_each_other_are_dropped
    messages_that_would_be_too_long_are_dropped
    a_stranger_has_few_incomplete_messages
    a_contact_has_one_incomplete_message
    what_makes_no_message_of_a_contact_is_dropped_and_blocks_nothing
    strangers_cannot_fill_the_disk
    contacts_are_acknowledged_up_to_the_first_gap
    a_text_that_is_none_becomes_a_file
}

fn stranger(n: usize) -> Address {
    Address::parse(&format!("stranger{n}@example.org")).unwrap()
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
