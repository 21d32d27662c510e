//! What people send who are no contacts: kept by message, never acknowledged.

use sqlx::{Row, SqliteConnection};
use zephyr_core::{Content, UnixMs};

use super::super::outbox::narrow;
use super::limits::{enforce, inbox_full};
use super::{
    Incoming, MAX_MESSAGE, Receipt, Received, Refused, StoreError, Whole, is_here, most_fragments,
    put,
};

/// Takes a stranger's payload in.
pub(super) async fn receive(
    db: &mut SqliteConnection,
    incoming: &Incoming,
    capacity: usize,
    now: UnixMs,
) -> Result<Received, StoreError> {
    let mut received =
        Received { receipt: Receipt::Empty, messages: Vec::new(), changes: Vec::new() };
    if incoming.content == Content::Empty {
        return Ok(received);
    }
    if usize::from(incoming.fragments) > most_fragments(capacity) {
        received.receipt = Receipt::Refused(Refused::TooLong);
        return Ok(received);
    }
    if is_here(db, incoming).await? {
        received.receipt = Receipt::Duplicate;
        return Ok(received);
    }
    let body = match take_in(db, incoming).await? {
        Ok(body) => body,
        Err(receipt) => return Ok(Received { receipt, ..received }),
    };
    if inbox_full(db, body.len()).await? {
        received.receipt = Receipt::Refused(Refused::InboxFull);
        return Ok(received);
    }
    let whole = Whole {
        sender: incoming.sender.as_ref(),
        message: incoming.message.cast_signed(),
        content: incoming.content,
        body,
        round: incoming.round,
    };
    received.messages.extend(put(db, whole, now).await?);
    received.receipt = Receipt::Complete;
    Ok(received)
}

/// The message's bytes, if the fragment makes it whole.
async fn take_in(
    db: &mut SqliteConnection,
    incoming: &Incoming,
) -> Result<Result<Vec<u8>, Receipt>, StoreError> {
    if incoming.fragments == 1 {
        return Ok(Ok(incoming.body.clone()));
    }
    let (id, arrived) = match keep(db, incoming).await? {
        Ok(kept) => kept,
        Err(receipt) => return Ok(Err(receipt)),
    };
    if arrived < u32::from(incoming.fragments) {
        enforce(db, incoming).await?;
        return Ok(Err(Receipt::Kept { arrived, of: incoming.fragments.into() }));
    }
    let query = "SELECT body FROM incoming_fragments WHERE incoming = $1 ORDER BY fragment";
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(query).bind(id).fetch_all(&mut *db).await?;
    sqlx::query("DELETE FROM incoming WHERE id = $1").bind(id).execute(db).await?;
    Ok(Ok(bodies.concat()))
}

/// Keeps one of several fragments: the message's number among the incomplete ones, and how much of it is here.
async fn keep(
    db: &mut SqliteConnection,
    incoming: &Incoming,
) -> Result<Result<(i64, u32), Receipt>, StoreError> {
    let query = "INSERT INTO incoming (sender, message, content, fragments) VALUES ($1, $2, $3, $4)
         ON CONFLICT (sender, message) DO UPDATE SET id = id
         RETURNING id, content, fragments, arrived, bytes";
    let row = sqlx::query(query)
        .bind(incoming.sender())
        .bind(incoming.message.cast_signed())
        .bind(incoming.content as i64)
        .bind(i64::from(incoming.fragments))
        .fetch_one(&mut *db)
        .await?;
    let int = |name| row.try_get::<i64, _>(name);
    let (id, bytes) = (int("id")?, int("bytes")? + incoming.body.len() as i64);
    let same = int("content")? == incoming.content as i64
        && int("fragments")? == i64::from(incoming.fragments);
    if !same {
        return Ok(Err(Receipt::Refused(Refused::Inconsistent)));
    }
    if bytes > MAX_MESSAGE as i64 {
        return Ok(Err(Receipt::Refused(Refused::TooLong)));
    }
    let query = "INSERT INTO incoming_fragments (incoming, fragment, body) VALUES ($1, $2, $3)
         ON CONFLICT (incoming, fragment) DO NOTHING";
    let query = sqlx::query(query).bind(id).bind(i64::from(incoming.fragment)).bind(&incoming.body);
    if query.execute(&mut *db).await?.rows_affected() == 0 {
        return Ok(Err(Receipt::Duplicate));
    }
    let arrived = int("arrived")? + 1;
    let query = sqlx::query("UPDATE incoming SET arrived = $2, bytes = $3 WHERE id = $1");
    query.bind(id).bind(arrived).bind(bytes).execute(db).await?;
    Ok(Ok((id, narrow(arrived)?)))
}
