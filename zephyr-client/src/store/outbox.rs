//! Messages on their way out: cut into fragments, kept until the recipient has acknowledged them.

mod slots;
mod states;

use getrandom::SysRng;
use rand_core::TryRng;
use sqlx::Row;
use zephyr_core::{Address, Content, UnixMs};

use super::conversation::Conversation;
use super::{Store, StoreError, contacts};

pub use states::{Delivery, MessageId, OutboxMessage};

#[cfg(test)]
pub(super) use slots::Fragment;
pub(super) use states::{delivered, states};

impl Store {
    /// Puts a message into the outbox, in fragments of `chunk` bytes, which must be at most 65,535. Who gets it
    /// becomes a contact.
    pub(crate) async fn enqueue(
        &self,
        to: &Address,
        content: Content,
        body: &[u8],
        chunk: usize,
        now: UnixMs,
    ) -> Result<MessageId, StoreError> {
        let fragments = body.len().div_ceil(chunk).max(1) as u32;
        let mut tx = self.pool.begin().await?;
        contacts::insert(&mut tx, to, now).await?;
        let loaded = Conversation::load(&mut tx, to.as_str()).await?;
        let mut conversation = loaded.ok_or(StoreError::Damaged)?;
        let first = conversation.number(&mut tx, fragments, now).await?;
        conversation.save(&mut tx).await?;
        let query =
            "INSERT INTO outbox (message, contact, content, body, len, chunk, fragments, first, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
        let id: i64 = sqlx::query_scalar(query)
            .bind(SysRng.try_next_u64()?.cast_signed())
            .bind(to.as_str())
            .bind(content as i64)
            .bind(body)
            .bind(body.len() as i64)
            .bind(chunk as i64)
            .bind(i64::from(fragments))
            .bind(i64::from(first))
            .bind(now.0.cast_signed())
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(MessageId(id.cast_unsigned()))
    }

    /// How many fragments no mixer has taken yet, or only in void rounds.
    pub(crate) async fn unsent(&self) -> Result<u64, StoreError> {
        let query = "SELECT (SELECT COALESCE(SUM(next_sequence - 1 - acked), 0) FROM contacts)
             - (SELECT COUNT(*) FROM under_way WHERE taken IS NOT NULL)";
        Ok(sqlx::query_scalar(query).fetch_one(&self.pool).await.map(i64::cast_unsigned)?)
    }

    /// How many fragments wait for `contact`, and how many contacts there are.
    pub(crate) async fn queue(&self, contact: &Address) -> Result<(u64, u64), StoreError> {
        let query = "SELECT (SELECT COALESCE(SUM(next_sequence - 1 - acked), 0)
                     FROM contacts WHERE address = $1)
                 - (SELECT COUNT(*) FROM under_way WHERE contact = $1 AND taken IS NOT NULL) AS queued,
             (SELECT COUNT(*) FROM contacts) AS contacts";
        let row = sqlx::query(query).bind(contact.as_str()).fetch_one(&self.pool).await?;
        let count = |name| row.try_get::<i64, _>(name).map(i64::cast_unsigned);
        Ok((count("queued")?, count("contacts")?))
    }
}

pub(super) fn content(number: i64) -> Result<Content, StoreError> {
    match number {
        0 => Ok(Content::Text),
        1 => Ok(Content::File),
        _ => Err(StoreError::Damaged),
    }
}

pub(super) fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T, StoreError> {
    number.try_into().map_err(|_| StoreError::Damaged)
}
