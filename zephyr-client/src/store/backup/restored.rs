//! What a home from a backup forgets: since the backup the home that is lost may have used other slots, numbers and
//! streams, and nobody knows which.

use sqlx::SqlitePool;
use zephyr_core::UnixMs;
use zephyr_core::stream::stream_at;

use super::super::contacts::OWN_STREAMS;
use super::super::conversation::Conversation;
use super::super::{Network, StoreError};

/// So far ahead of the time new streams begin, in seconds: beyond those of the lost home, also if its clock was ahead
/// of this one, and not so far that they would count as caused by the contact.
const AHEAD: u32 = OWN_STREAMS / 2;

/// Refuses a database that no home's program wrote.
pub(super) async fn check(pool: &SqlitePool) -> Result<(), StoreError> {
    let sound: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(pool).await?;
    // They would run with every query.
    let query = "SELECT COUNT(*) FROM sqlite_schema WHERE type IN ('trigger', 'view')";
    let foreign: i64 = sqlx::query_scalar(query).fetch_one(pool).await?;
    if sound == "ok" && foreign == 0 { Ok(()) } else { Err(StoreError::Damaged) }
}

/// Lets the home take part in rounds that open after `now` only, with new streams in which everything is sent again
/// that is not known to be delivered. What has come from contacts stays as it is, and they are told how far that is:
/// whoever the lost home has told more starts over.
pub(super) async fn begin_again(
    pool: &SqlitePool,
    network: &Network,
    now: UnixMs,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    if let Some(open) = network.first().parameters().opened_by(now) {
        // Nobody knows its directory.
        let query = "UPDATE home SET last_round = $1, last_directory = zeroblob(32)
             WHERE last_round IS NULL OR last_round < $1";
        sqlx::query(query).bind(open.0.cast_signed()).execute(&mut *tx).await?;
    }
    let stream = stream_at(now).saturating_add(AHEAD);
    // Contacts that the lost home has added are added again with a newer one.
    let query = sqlx::query("UPDATE home SET last_stream = MAX(last_stream, $1)");
    query.bind(i64::from(stream)).execute(&mut *tx).await?;
    let contacts: Vec<String> =
        sqlx::query_scalar("SELECT address FROM contacts").fetch_all(&mut *tx).await?;
    for contact in contacts {
        let conversation = Conversation::load(&mut tx, &contact).await?;
        conversation.ok_or(StoreError::Damaged)?.begin_again(&mut tx, stream).await?;
    }
    tx.commit().await?;
    Ok(())
}
