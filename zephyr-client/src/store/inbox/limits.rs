//! Bounds on what people who are no contacts can make a client keep. Contacts are bounded by the window of their
//! stream: no more than one message that is not whole, and early fragments.

use sqlx::{Row, SqliteConnection};

use super::{Incoming, StoreError};

/// How many messages of one sender can be incomplete; all anonymous ones are of one sender.
pub(super) const INCOMPLETE_PER_SENDER: i64 = 16;
/// How many bytes incomplete messages of people who are no contacts take in all: 8 MiB.
pub(super) const INCOMPLETE_OF_STRANGERS: i64 = 8 << 20;
/// How many bytes complete messages of people who are no contacts take in all: 64 MiB.
pub(super) const INBOX_OF_STRANGERS: i64 = 64 << 20;
/// What a row costs in bytes beside its body, generously.
const ROW: i64 = 256;

/// Why a fragment was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The message would be longer than any may be.
    #[error("the message is longer than 1 MiB")]
    TooLong,
    /// It contradicts the message's other fragments.
    #[error("the message's fragments contradict each other")]
    Inconsistent,
    /// Its sender is blocked.
    #[error("its sender is blocked")]
    Blocked,
    /// People who are no contacts have filled their part of the inbox.
    #[error("there are too many messages from people who are no contacts")]
    InboxFull,
}

/// Drops the oldest incomplete messages that are too many or too much.
pub(super) async fn enforce(
    db: &mut SqliteConnection,
    incoming: &Incoming,
) -> Result<(), StoreError> {
    let query = "DELETE FROM incoming WHERE id IN
         (SELECT id FROM incoming WHERE sender = $1 ORDER BY id DESC LIMIT -1 OFFSET $2)";
    let query = sqlx::query(query).bind(incoming.sender()).bind(INCOMPLETE_PER_SENDER);
    query.execute(&mut *db).await?;
    // The newest are kept as long as their sum is within the limit.
    let query = "DELETE FROM incoming WHERE id IN (SELECT id FROM
             (SELECT id, SUM(bytes + (arrived + 1) * $1) OVER (ORDER BY id DESC) AS total FROM incoming)
         WHERE total > $2)";
    let query = sqlx::query(query).bind(ROW).bind(INCOMPLETE_OF_STRANGERS);
    query.execute(db).await?;
    Ok(())
}

/// Whether a message of `len` bytes is more than people who are no contacts may leave in the inbox.
pub(super) async fn inbox_full(db: &mut SqliteConnection, len: usize) -> Result<bool, StoreError> {
    let query = "SELECT COALESCE(SUM(length(body) + $1), 0) FROM inbox
         WHERE sender NOT IN (SELECT address FROM contacts)";
    let total: i64 = sqlx::query(query).bind(ROW).fetch_one(db).await?.try_get(0)?;
    Ok(total + ROW + len as i64 > INBOX_OF_STRANGERS)
}
