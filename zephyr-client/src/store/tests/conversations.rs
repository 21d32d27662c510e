//! What two people go through together: strangers who become contacts, lost homes, old backups.

use zephyr_core::stream::WINDOW;

use super::super::*;
use super::pair::{CHUNK, Fate, Pair};

/// Enough for a message, its acknowledgement, and another try of both.
const ENOUGH: u64 = 20;

#[tokio::test]
async fn a_message_is_delivered_when_its_acknowledgement_is_here() {
    let mut pair = Pair::new().await;
    let id = pair.write(0, b"three fragms").await;
    assert_eq!(pair.delivery(0, id).await, Delivery::Queued);
    pair.rounds(1).await;
    assert_eq!(pair.delivery(0, id).await, Delivery::Sending { sent: 2, of: 3 });
    pair.rounds(1).await;
    assert!(matches!(pair.delivery(0, id).await, Delivery::Sent { .. }));
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(1).await, [b"three fragms"]);
    let message = pair.store(0).outbox_message(id).await.unwrap();
    assert_eq!((message.delivery, message.len), (Delivery::Delivered, 12));
    assert!(message.delivered_at.is_some());
    let body: Vec<u8> =
        sqlx::query_scalar("SELECT body FROM outbox").fetch_one(&pair.store(0).pool).await.unwrap();
    assert!(body.is_empty(), "its contents are erased");
}

#[tokio::test]
async fn somebody_who_was_away_gets_everything_in_order() {
    let mut pair = Pair::new().await;
    let bodies: Vec<_> = (0..40_u8).map(|n| vec![n; usize::from(n)]).collect();
    for body in &bodies {
        pair.write(0, body).await;
    }
    for _ in 0..30 {
        pair.round(|who| if who == 0 { Fate::Lost } else { Fate::Read(0) }).await;
    }
    assert!(pair.inbox(1).await.is_empty());
    pair.rounds(200).await;
    assert_eq!(pair.inbox(1).await, bodies);
    assert!(pair.all_delivered(0).await);
}

#[tokio::test]
async fn an_acknowledgement_costs_no_more_than_a_slot_and_comes_again_only_if_asked() {
    let mut pair = Pair::new().await;
    pair.write(0, b"hi").await;
    let mut from_bob = 0;
    for _ in 0..ENOUGH {
        pair.round(|_| Fate::Read(0)).await;
        let query = "SELECT COUNT(*) FROM contacts WHERE told_round = $1";
        let told: i64 = sqlx::query_scalar(query)
            .bind(pair.round as i64 - 1)
            .fetch_one(&pair.store(1).pool)
            .await
            .unwrap();
        from_bob += told;
    }
    assert_eq!(from_bob, 1);
}

#[tokio::test]
async fn an_acknowledgement_that_no_mixer_took_is_owed_again() {
    let mut pair = Pair::new().await;
    let id = pair.write(0, b"hi").await;
    pair.rounds(2).await;
    pair.round(|_| Fate::NotTaken).await;
    pair.void(pair.round - 1).await;
    pair.rounds(1).await;
    pair.void(pair.round - 1).await;
    pair.rounds(3).await;
    assert_eq!(pair.delivery(0, id).await, Delivery::Delivered, "before it is sent again");
}

#[tokio::test]
async fn strangers_get_messages_but_acknowledge_only_when_they_are_contacts() {
    let mut pair = Pair::strangers().await;
    let first = pair.write(0, b"hello stranger").await;
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(1).await, [b"hello stranger"]);
    assert!(matches!(pair.delivery(0, first).await, Delivery::Sent { .. }));
    pair.add(1).await;
    pair.rounds(ENOUGH).await;
    let second = pair.write(0, b"hello friend").await;
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(1).await, [&b"hello stranger"[..], b"hello friend"]);
    for id in [first, second] {
        assert_eq!(pair.delivery(0, id).await, Delivery::Delivered);
    }
}

#[tokio::test]
async fn half_a_message_of_a_stranger_is_made_whole_when_they_are_a_contact() {
    let mut pair = Pair::strangers().await;
    let id = pair.write(0, b"in two halves, or four").await;
    pair.rounds(1).await;
    for _ in 0..4 {
        pair.round(|_| Fate::Lost).await;
    }
    assert!(pair.inbox(1).await.is_empty());
    pair.add(1).await;
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(1).await, [b"in two halves, or four"]);
    assert_eq!(pair.delivery(0, id).await, Delivery::Delivered);
}

#[tokio::test]
async fn a_long_message_leaves_as_it_is_acknowledged() {
    let mut pair = Pair::strangers().await;
    let of = WINDOW + 10;
    let id = pair.write(0, &vec![7; CHUNK * of as usize]).await;
    pair.rounds(40).await;
    // What is sent again comes first, and takes all slots.
    assert_eq!(pair.delivery(0, id).await, Delivery::Sending { sent: 10, of });
    pair.add(1).await;
    pair.rounds(u64::from(of)).await;
    assert_eq!(pair.delivery(0, id).await, Delivery::Delivered);
    assert_eq!(pair.inbox(1).await.len(), 1);
}

#[tokio::test]
async fn a_contact_that_was_removed_and_added_again_gets_what_is_written_then() {
    let mut pair = Pair::new().await;
    for body in [b"one", b"two"] {
        pair.write(0, body).await;
    }
    pair.rounds(ENOUGH).await;
    pair.write(0, b"forgotten with the contact").await;
    // In the same second.
    pair.remove(0).await;
    pair.write(0, b"three").await;
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(1).await, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    assert!(pair.all_delivered(0).await || pair.store(0).outbox().await.unwrap().len() == 1);
    // The other side forgets as well.
    pair.write(0, b"this one is cut into several").await;
    pair.rounds(1).await;
    pair.remove(1).await;
    pair.rounds(3).await;
    pair.add(1).await;
    let last = pair.write(0, b"four").await;
    pair.rounds(2 * ENOUGH).await;
    let inbox = pair.inbox(1).await;
    assert_eq!(inbox[3..], [b"this one is cut into several".to_vec(), b"four".to_vec()]);
    assert_eq!(pair.delivery(0, last).await, Delivery::Delivered);
}

#[tokio::test]
async fn who_is_blocked_hears_nothing_and_gets_through_again_when_unblocked_and_added() {
    let mut pair = Pair::new().await;
    pair.write(0, b"before").await;
    pair.rounds(ENOUGH).await;
    pair.store(1).block(pair.address(0), pair.now()).await.unwrap();
    let id = pair.write(0, b"while blocked").await;
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(1).await, [b"before"]);
    assert!(matches!(pair.delivery(0, id).await, Delivery::Sent { .. }), "nothing is acknowledged");
    pair.store(1).unblock(pair.address(0)).await.unwrap();
    pair.add(1).await;
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(1).await, [&b"before"[..], b"while blocked"]);
    assert_eq!(pair.delivery(0, id).await, Delivery::Delivered);
}

#[tokio::test]
async fn a_contact_that_lost_its_home_gets_all_that_was_not_delivered() {
    let mut pair = Pair::new().await;
    pair.write(0, b"delivered").await;
    pair.rounds(ENOUGH).await;
    let id = pair.write(0, b"a message of many fragments, on its way").await;
    pair.rounds(5).await;
    assert_ne!(pair.delivery(0, id).await, Delivery::Delivered);
    pair.lose(1).await;
    let next = pair.write(0, b"and the next").await;
    pair.rounds(2 * ENOUGH).await;
    let inbox = pair.inbox(1).await;
    assert_eq!(inbox, [&b"a message of many fragments, on its way"[..], b"and the next"]);
    for id in [id, next] {
        assert_eq!(pair.delivery(0, id).await, Delivery::Delivered);
    }
    let answer = pair.write(1, b"from my new home").await;
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.inbox(0).await, [b"from my new home"]);
    assert_eq!(pair.delivery(1, answer).await, Delivery::Delivered);
}

#[tokio::test]
async fn a_recipient_that_was_restored_from_a_backup_gets_what_is_sent_from_then_on() {
    let mut pair = Pair::new().await;
    pair.write(0, b"one").await;
    pair.rounds(ENOUGH).await;
    let backup = pair.backup(1).await;
    pair.write(0, b"a message that keeps the stream alive.").await;
    pair.write(0, b"two").await;
    pair.rounds(9).await;
    pair.write(0, b"three, with several fragments").await;
    pair.rounds(1).await;
    pair.restore(1, &backup).await;
    let four = pair.write(0, b"four").await;
    pair.rounds(2 * ENOUGH).await;
    let inbox = pair.inbox(1).await;
    assert!(inbox.ends_with(&[b"three, with several fragments".to_vec(), b"four".to_vec()]));
    assert_eq!(inbox[0], b"one");
    assert_eq!(pair.delivery(0, four).await, Delivery::Delivered);
}

/// Alice goes back to a home of `before` rounds ago, in which something was on its way, and writes `messages` new
/// ones before she hears of Bob.
async fn restored_sender(messages: u8) {
    let mut pair = Pair::new().await;
    pair.write(0, b"one").await;
    pair.round(|_| Fate::Lost).await;
    let backup = pair.backup(0).await;
    for n in 0..9_u8 {
        pair.write(0, &[n; 5]).await;
    }
    pair.rounds(2 * ENOUGH).await;
    assert_eq!(pair.inbox(1).await.len(), 10);
    pair.restore(0, &backup).await;
    let mut new = Vec::new();
    for n in 0..messages {
        new.push(pair.write(0, &[100 + n; 6]).await);
    }
    pair.rounds(3 * ENOUGH).await;
    let expected: Vec<_> = (0..messages).map(|n| vec![100 + n; 6]).collect();
    assert_eq!(pair.inbox(1).await[10..], expected);
    for id in new {
        assert_eq!(pair.delivery(0, id).await, Delivery::Delivered);
    }
}

#[tokio::test]
async fn a_sender_that_was_restored_from_a_backup_loses_nothing_of_what_it_writes_then() {
    for messages in [1, 3, 20] {
        restored_sender(messages).await;
    }
}

#[tokio::test]
async fn a_home_without_anything_under_way_can_be_restored_from_a_backup() {
    let mut pair = Pair::new().await;
    pair.write(0, b"one").await;
    pair.rounds(ENOUGH).await;
    let backup = pair.backup(0).await;
    for n in 0..5_u8 {
        pair.write(0, &[n; 5]).await;
        pair.rounds(ENOUGH).await;
    }
    pair.restore(0, &backup).await;
    // As many as there were.
    for n in 0..5_u8 {
        pair.write(0, &[10 + n; 5]).await;
    }
    pair.rounds(2 * ENOUGH).await;
    assert_eq!(pair.inbox(1).await.len(), 11);
    assert!(pair.inbox(1).await.ends_with(&[vec![14; 5]]));
}

#[tokio::test]
async fn only_the_last_thousand_delivered_messages_are_listed() {
    let mut pair = Pair::new().await;
    let first = pair.write(0, b"the first").await;
    pair.rounds(ENOUGH).await;
    let copies = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
         INSERT INTO outbox (message, contact, content, body, len, chunk, fragments, created_at, delivered_at)
         SELECT message + i, contact, content, body, len, chunk, fragments, created_at, delivered_at + i
         FROM n, outbox";
    sqlx::query(copies).execute(&pair.store(0).pool).await.unwrap();
    assert_eq!(pair.store(0).outbox().await.unwrap().len(), 1_000);
    let waiting = pair.write(0, b"another").await;
    assert_eq!(pair.store(0).outbox().await.unwrap().len(), 1_001);
    pair.rounds(ENOUGH).await;
    assert_eq!(pair.store(0).outbox().await.unwrap().len(), 1_000);
    assert_eq!(pair.delivery(0, waiting).await, Delivery::Delivered);
    let gone = pair.store(0).outbox_message(first).await.unwrap_err();
    assert!(matches!(gone, StoreError::NoMessage(_)));
}
