//! What contacts send: kept by number, acknowledged, and handed on in order.

use std::sync::Arc;

use sqlx::{Row, SqliteConnection};
use zephyr_core::stream::{Arrival, Receiving};
use zephyr_core::{Content, UnixMs};

use super::super::conversation::Conversation;
use super::super::outbox::{content, narrow};
use super::{
    InboxMessage, Incoming, MAX_MESSAGE, Receipt, Received, Refused, StoreError, Whole, is_here,
    most_fragments, put,
};

/// Takes a contact's payload in: first what it acknowledges, then its fragment.
pub(super) async fn receive(
    db: &mut SqliteConnection,
    mut conversation: Conversation,
    incoming: &Incoming,
    capacity: usize,
    now: UnixMs,
) -> Result<Received, StoreError> {
    let ack = (incoming.ack_stream, incoming.ack);
    let changes = conversation.acknowledged(db, incoming.round, ack, now).await?;
    let mut received = Received { receipt: Receipt::Empty, messages: Vec::new(), changes };
    if incoming.content != Content::Empty {
        received.receipt = arrive(db, &mut conversation, incoming, capacity).await?;
        let (_, ack) = conversation.receiving.ack();
        let (messages, refused) = hand_on(db, incoming, ack, now).await?;
        received.receipt = match refused {
            Some(refused) => Receipt::Refused(refused),
            None if messages.is_empty() => received.receipt,
            None => Receipt::Complete,
        };
        received.messages = messages;
    }
    conversation.save(db).await?;
    Ok(received)
}

/// Notes the fragment's number, and keeps the fragment if it is new.
async fn arrive(
    db: &mut SqliteConnection,
    conversation: &mut Conversation,
    incoming: &Incoming,
    capacity: usize,
) -> Result<Receipt, StoreError> {
    let (known, _) = conversation.receiving.ack();
    let arrival = conversation.receiving.receive(incoming.stream, incoming.sequence);
    let (stream, _) = conversation.receiving.ack();
    if stream != known {
        // The contact started over: what is not complete comes again.
        forget(db, incoming).await?;
    }
    let too_long = usize::from(incoming.fragments) > most_fragments(capacity);
    match arrival {
        Arrival::Refused => Ok(Receipt::Late),
        _ if too_long => Ok(Receipt::Refused(Refused::TooLong)),
        _ if is_here(db, incoming).await? => Ok(Receipt::Duplicate),
        Arrival::New => keep(db, incoming).await,
        Arrival::Duplicate => {
            if !is_kept(db, incoming).await? {
                // The number was another fragment's: the contact has forgotten that it used it. Told that nothing
                // of its stream is known, it starts over.
                forget(db, incoming).await?;
                let nothing = Receiving::from_parts(stream, 0, 0, true);
                conversation.receiving = nothing.ok_or(StoreError::Damaged)?;
            }
            Ok(Receipt::Duplicate)
        }
    }
}

async fn forget(db: &mut SqliteConnection, incoming: &Incoming) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM arrived WHERE contact = $1").bind(incoming.sender());
    query.execute(db).await?;
    Ok(())
}

async fn is_kept(db: &mut SqliteConnection, incoming: &Incoming) -> Result<bool, StoreError> {
    let query = "SELECT 1 FROM arrived WHERE contact = $1 AND message = $2 AND fragment = $3";
    let query = sqlx::query(query).bind(incoming.sender()).bind(incoming.message.cast_signed());
    Ok(query.bind(i64::from(incoming.fragment)).fetch_optional(db).await?.is_some())
}

async fn keep(db: &mut SqliteConnection, incoming: &Incoming) -> Result<Receipt, StoreError> {
    let query =
        "INSERT INTO arrived (contact, sequence, message, content, fragment, fragments, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(query)
        .bind(incoming.sender())
        .bind(i64::from(incoming.sequence))
        .bind(incoming.message.cast_signed())
        .bind(incoming.content as i64)
        .bind(i64::from(incoming.fragment))
        .bind(i64::from(incoming.fragments))
        .bind(&incoming.body)
        .execute(&mut *db)
        .await?;
    let query = "SELECT COUNT(*) FROM arrived WHERE contact = $1 AND message = $2";
    let query = sqlx::query_scalar(query).bind(incoming.sender());
    let arrived: i64 = query.bind(incoming.message.cast_signed()).fetch_one(db).await?;
    Ok(Receipt::Kept { arrived: narrow(arrived)?, of: incoming.fragments.into() })
}

/// The fragment with the lowest number.
struct Head {
    sequence: i64,
    message: i64,
    content: i64,
    fragment: i64,
    fragments: i64,
}

/// Puts the messages into the inbox whose numbers are all up to `ack`, and drops what makes no message.
///
/// As a message's fragments have the numbers behind its first one's, no more than one message's fragments and the
/// early ones are ever kept.
async fn hand_on(
    db: &mut SqliteConnection,
    incoming: &Incoming,
    ack: u32,
    now: UnixMs,
) -> Result<(Vec<Arc<InboxMessage>>, Option<Refused>), StoreError> {
    let (mut messages, mut refused) = (Vec::new(), None);
    while let Some(head) = head(db, incoming, ack).await? {
        let last = head.sequence + head.fragments - 1;
        if head.fragment == 0 && last > i64::from(ack) {
            break;
        }
        let body = body(db, incoming, &head, last).await?;
        let until = if body.is_some() { last } else { head.sequence };
        let query = sqlx::query("DELETE FROM arrived WHERE contact = $1 AND sequence <= $2");
        query.bind(incoming.sender()).bind(until).execute(&mut *db).await?;
        match body {
            None => refused = Some(Refused::Inconsistent),
            Some(body) if body.len() > MAX_MESSAGE => refused = Some(Refused::TooLong),
            Some(body) => {
                let (sender, round) = (incoming.sender.as_ref(), incoming.round);
                let content = content(head.content)?;
                let whole = Whole { sender, message: head.message, content, body, round };
                messages.extend(put(db, whole, now).await?);
            }
        }
    }
    Ok((messages, refused))
}

async fn head(
    db: &mut SqliteConnection,
    incoming: &Incoming,
    ack: u32,
) -> Result<Option<Head>, StoreError> {
    let query = "SELECT sequence, message, content, fragment, fragments FROM arrived
         WHERE contact = $1 AND sequence <= $2 ORDER BY sequence LIMIT 1";
    let query = sqlx::query(query).bind(incoming.sender()).bind(i64::from(ack));
    let Some(row) = query.fetch_optional(db).await? else { return Ok(None) };
    Ok(Some(Head {
        sequence: row.try_get("sequence")?,
        message: row.try_get("message")?,
        content: row.try_get("content")?,
        fragment: row.try_get("fragment")?,
        fragments: row.try_get("fragments")?,
    }))
}

/// The message from `head` to the number `last`, if that is one.
async fn body(
    db: &mut SqliteConnection,
    incoming: &Incoming,
    head: &Head,
    last: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let query = "SELECT body FROM arrived WHERE contact = $1 AND sequence BETWEEN $2 AND $3
             AND message = $4 AND content = $5 AND fragments = $6 AND fragment = sequence - $2
         ORDER BY sequence";
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(query)
        .bind(incoming.sender())
        .bind(head.sequence)
        .bind(last)
        .bind(head.message)
        .bind(head.content)
        .bind(head.fragments)
        .fetch_all(db)
        .await?;
    Ok((bodies.len() as i64 == head.fragments).then(|| bodies.concat()))
}
