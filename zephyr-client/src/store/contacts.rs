//! The people to whom slots go.

use sqlx::{Row, SqliteConnection};
use zephyr_core::stream::stream_at;
use zephyr_core::{Address, UnixMs};

use super::blocked::is_blocked;
use super::home::address;
use super::{Store, StoreError};

/// How far ahead of the time a stream can be that its contact did not cause, in seconds.
pub(super) const OWN_STREAMS: u32 = 3_600;

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its address.
    pub address: Address,
    /// When it was added.
    pub added_at: UnixMs,
    /// What the user wrote about it.
    pub note: String,
}

impl Store {
    /// Adds a contact, or sets the note of one. `false` if it was one already.
    ///
    /// # Errors
    /// If it is blocked, or the database's.
    pub(crate) async fn add_contact(
        &self,
        address: &Address,
        note: Option<&str>,
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let added = insert(&mut tx, address, now).await?;
        if let Some(note) = note {
            let query = sqlx::query("UPDATE contacts SET note = $2 WHERE address = $1");
            query.bind(address.as_str()).bind(note).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(added)
    }

    /// Removes a contact and what is in the outbox for it. `false` if it was none.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn remove_contact(
        &self,
        address: &Address,
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let removed = remove(&mut tx, address, now).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// All contacts, the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn contacts(&self) -> Result<Vec<Contact>, StoreError> {
        let query = "SELECT address, added_at, note FROM contacts ORDER BY added_at, address";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let contact = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Contact {
                address: address(row.try_get("address")?)?,
                added_at: UnixMs(row.try_get::<i64, _>("added_at")?.cast_unsigned()),
                note: row.try_get("note")?,
            })
        };
        rows.iter().map(contact).collect()
    }
}

/// Adds a contact with a new stream, newer than any to a contact with this address before. `false` if it is one
/// already; refused if it is blocked.
pub(super) async fn insert(
    db: &mut SqliteConnection,
    address: &Address,
    now: UnixMs,
) -> Result<bool, StoreError> {
    if is_blocked(db, address.as_str()).await? {
        return Err(StoreError::Blocked(Box::new(address.clone())));
    }
    let query = "INSERT INTO contacts (address, added_at, stream)
         VALUES ($1, $2, (SELECT MAX($3, last_stream + 1) FROM home))
         ON CONFLICT (address) DO NOTHING";
    let query = sqlx::query(query).bind(address.as_str()).bind(now.0.cast_signed());
    let query = query.bind(i64::from(stream_at(now)));
    if query.execute(&mut *db).await?.rows_affected() == 0 {
        return Ok(false);
    }
    // A contact sends again whatever it was not told of, and that is all of it.
    let query = sqlx::query("DELETE FROM incoming WHERE sender = $1").bind(address.as_str());
    query.execute(db).await?;
    Ok(true)
}

/// Removes a contact and what is in the outbox for it. `false` if it was none.
pub(super) async fn remove(
    db: &mut SqliteConnection,
    address: &Address,
    now: UnixMs,
) -> Result<bool, StoreError> {
    // A contact can make its own stream grow, but not those of all others.
    let most = stream_at(now).saturating_add(OWN_STREAMS);
    let query = "UPDATE home SET last_stream = MAX(last_stream, MIN($2,
         COALESCE((SELECT stream FROM contacts WHERE address = $1), 0)))";
    let query = sqlx::query(query).bind(address.as_str()).bind(i64::from(most));
    query.execute(&mut *db).await?;
    let query = sqlx::query("DELETE FROM contacts WHERE address = $1").bind(address.as_str());
    Ok(query.execute(db).await?.rows_affected() > 0)
}
