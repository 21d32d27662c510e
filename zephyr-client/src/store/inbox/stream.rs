//! How much of a contact's stream has arrived: what acknowledgements say.

use sqlx::{Row, SqliteConnection};

use super::{Incoming, StoreError};

/// How far ahead of the first missing number others are remembered.
const WINDOW: i64 = 4_096;

/// Notes a fragment's sequence number if its sender is a contact, and returns whether it is one.
pub(super) async fn note(
    db: &mut SqliteConnection,
    incoming: &Incoming,
) -> Result<bool, StoreError> {
    let contact = incoming.sender();
    let query = "SELECT peer_stream, peer_ack FROM contacts WHERE address = $1";
    let row = sqlx::query(query).bind(contact).fetch_optional(&mut *db).await?;
    let Some(row) = row else { return Ok(false) };
    let (stream, sequence) = (i64::from(incoming.stream), i64::from(incoming.sequence));
    let mut ack: i64 = row.try_get("peer_ack")?;
    if stream == 0 || sequence == 0 {
        return Ok(true);
    }
    if row.try_get::<i64, _>("peer_stream")? != stream {
        // The contact started over.
        ack = 0;
        forget(db, contact, i64::MAX).await?;
    }
    if sequence > ack + 1 && sequence <= ack + WINDOW {
        let query = "INSERT INTO early (contact, sequence) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query(query).bind(contact).bind(sequence).execute(&mut *db).await?;
    } else if sequence == ack + 1 {
        ack = advance(db, contact, sequence).await?;
        forget(db, contact, ack).await?;
    }
    let query = "UPDATE contacts SET peer_stream = $2, peer_ack = $3 WHERE address = $1";
    sqlx::query(query).bind(contact).bind(stream).bind(ack).execute(db).await?;
    Ok(true)
}

/// The last of the numbers that follow `ack` without a gap.
async fn advance(
    db: &mut SqliteConnection,
    contact: &str,
    mut ack: i64,
) -> Result<i64, StoreError> {
    let query = "SELECT sequence FROM early WHERE contact = $1 AND sequence > $2 ORDER BY sequence";
    let early: Vec<i64> = sqlx::query_scalar(query).bind(contact).bind(ack).fetch_all(db).await?;
    for sequence in early {
        if sequence != ack + 1 {
            break;
        }
        ack = sequence;
    }
    Ok(ack)
}

async fn forget(db: &mut SqliteConnection, contact: &str, until: i64) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM early WHERE contact = $1 AND sequence <= $2");
    query.bind(contact).bind(until).execute(db).await?;
    Ok(())
}
