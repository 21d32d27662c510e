//! Mailboxes in SQLite.

use std::sync::Arc;

use sqlx::{QueryBuilder, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard};
use zephyr_core::{Mailbox, MixerIndex, Role, Round, ServerId};

use super::{claim, open_for_uploads};
use crate::store::mailboxes::{Chunk, Mailboxes, Page, StoredList, StoredRound, UploadId};
use crate::store::row::{self, array, column, from_round, id};
use crate::store::{StoreError, sql::mailboxes as sql};

/// How many lists or blocks one step of the sweep deletes.
const SWEEP_LISTS: i64 = 256;
const SWEEP_BLOCKS: i64 = 16;
/// Rows of one insert: five variables each at most, of which SQLite takes 32,766.
const INSERT_ROWS: usize = 1024;

/// Mailboxes in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteMailboxes {
    pool: SqlitePool,
    /// Waits for no disk when it commits: for what nobody is told of until something else is committed.
    relaxed: SqlitePool,
    /// SQLite has one writer at a time. Those that wait here are served in order; in SQLite they would try their luck.
    writer: Arc<Mutex<()>>,
}

type Write<'a> = (MutexGuard<'a, ()>, Transaction<'static, Sqlite>);

impl SqliteMailboxes {
    /// In a database that [`open_sqlite`](super::open_sqlite) opened.
    pub fn new(pool: SqlitePool) -> Self {
        Self { relaxed: pool.clone(), pool, writer: Arc::default() }
    }

    /// Opens a database of its own.
    ///
    /// # Errors
    /// As [`open_sqlite`](super::open_sqlite).
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let (pool, relaxed) = open_for_uploads(url).await?;
        Ok(Self { pool, relaxed, writer: Arc::default() })
    }

    pub(in crate::store) async fn claim(
        &self,
        role: Role,
        server: &ServerId,
    ) -> Result<[u8; 32], StoreError> {
        claim(&self.pool, role, server).await
    }

    /// Closes the database when all that is under way is done.
    pub async fn close(&self) {
        self.relaxed.close().await;
        self.pool.close().await;
    }

    /// A transaction that can write at once: one that begins with reading may find the way barred later.
    async fn write(&self) -> Result<Write<'_>, StoreError> {
        let turn = self.writer.lock().await;
        Ok((turn, self.pool.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// As [`Self::write`], for what need not be on disk before something else is.
    async fn write_relaxed(&self) -> Result<Write<'_>, StoreError> {
        let turn = self.writer.lock().await;
        Ok((turn, self.relaxed.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// Ends a round by this statement, and discards its uploads.
    async fn end(&self, round: Round, statement: &'static str) -> Result<(), StoreError> {
        let (_turn, mut tx) = self.write().await?;
        let round = from_round(round)?;
        sqlx::query(statement).bind(round).execute(&mut *tx).await?;
        sqlx::query(sql::DISCARD_ROUND).bind(round).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Mailboxes for SqliteMailboxes {
    async fn restore(&self) -> Result<Vec<StoredRound>, StoreError> {
        let (_turn, mut tx) = self.write().await?;
        sqlx::query(sql::DISCARD_ALL_COMING).execute(&mut *tx).await?;
        let mut rounds = Vec::new();
        for row in sqlx::query(sql::ROUNDS).fetch_all(&mut *tx).await? {
            let uploads = sqlx::query(sql::COMPLETE_UPLOADS).bind(column::<i64>(&row, "round")?);
            rounds.push(row::round(&row, &uploads.fetch_all(&mut *tx).await?)?);
        }
        tx.commit().await?;
        Ok(rounds)
    }

    async fn begin(
        &self,
        round: Round,
        directory: &[u8],
        mixer: MixerIndex,
    ) -> Result<UploadId, StoreError> {
        let (_turn, mut tx) = self.write_relaxed().await?;
        let round = from_round(round)?;
        sqlx::query(sql::PUT_ROUND).bind(round).bind(directory).execute(&mut *tx).await?;
        let row = sqlx::query(sql::BEGIN).bind(round).bind(i64::from(mixer.0));
        let upload = row::upload(&row.fetch_one(&mut *tx).await?)?;
        tx.commit().await?;
        Ok(upload)
    }

    async fn append(&self, upload: UploadId, chunk: &Chunk) -> Result<bool, StoreError> {
        let (_turn, mut tx) = self.write_relaxed().await?;
        let coming = sqlx::query(sql::IS_COMING).bind(upload.0).fetch_optional(&mut *tx).await?;
        if coming.is_none() {
            return Ok(false);
        }
        for lists in chunk.lists.chunks(INSERT_ROWS) {
            let mut insert = QueryBuilder::<Sqlite>::new(sql::PUT_LISTS);
            insert.push_values(lists, |mut row, (mailbox, first, messages, signature)| {
                row.push_bind(upload.0)
                    .push_bind(i64::from(mailbox.0))
                    .push_bind(i64::from(*first))
                    .push_bind(i64::from(*messages))
                    .push_bind(&signature[..]);
            });
            insert.build().execute(&mut *tx).await?;
        }
        let length = row::length(chunk)?;
        for blocks in row::blocks(upload, chunk)?.chunks(INSERT_ROWS) {
            let mut insert = QueryBuilder::<Sqlite>::new(sql::PUT_BLOCKS);
            insert.push_values(blocks, |mut row, (id, messages)| {
                row.push_bind(*id).push_bind(length).push_bind(*messages);
            });
            insert.build().execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn complete(
        &self,
        upload: UploadId,
        digest: &[u8; 32],
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let (_turn, mut tx) = self.write().await?;
        let coming = sqlx::query(sql::IS_COMING).bind(upload.0).fetch_optional(&mut *tx).await?;
        let Some(row) = coming else { return Ok(None) };
        let (round, mixer): (i64, i64) = (column(&row, "round")?, column(&row, "mixer")?);
        let first = sqlx::query(sql::COMPLETE_UPLOAD_OF).bind(round).bind(mixer);
        let visible = match first.fetch_optional(&mut *tx).await? {
            Some(first) => {
                sqlx::query(sql::DISCARD).bind(upload.0).execute(&mut *tx).await?;
                array(&first, "digest")?
            }
            None => {
                let complete = sqlx::query(sql::COMPLETE).bind(upload.0).bind(&digest[..]);
                complete.execute(&mut *tx).await?;
                *digest
            }
        };
        tx.commit().await?;
        Ok(Some(visible))
    }

    async fn discard(&self, upload: UploadId) -> Result<(), StoreError> {
        let _turn = self.writer.lock().await;
        sqlx::query(sql::DISCARD).bind(upload.0).execute(&self.pool).await?;
        Ok(())
    }

    async fn void(&self, round: Round) -> Result<(), StoreError> {
        self.end(round, sql::VOID).await
    }

    async fn forget(&self, round: Round) -> Result<(), StoreError> {
        self.end(round, sql::DELETE_ROUND).await
    }

    async fn sweep(&self) -> Result<bool, StoreError> {
        let discarded = sqlx::query(sql::DISCARDED).fetch_optional(&self.pool).await?;
        let Some(row) = discarded else {
            // Nothing is under way that would wait for it: what is in the log goes into the file.
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(&self.pool).await?;
            return Ok(false);
        };
        let upload = row::upload(&row)?;
        let (_turn, mut tx) = self.write_relaxed().await?;
        let (from, to) = (id(upload, 0)?, id(upload, u32::MAX)?);
        let blocks = sqlx::query(sql::DELETE_BLOCKS).bind(from).bind(to).bind(SWEEP_BLOCKS);
        let deleted = blocks.execute(&mut *tx).await?.rows_affected();
        if deleted < SWEEP_BLOCKS as u64 {
            let lists = sqlx::query(sql::DELETE_LISTS).bind(upload.0).bind(SWEEP_LISTS);
            let deleted = lists.execute(&mut *tx).await?.rows_affected();
            if deleted < SWEEP_LISTS as u64 {
                sqlx::query(sql::DELETE_UPLOAD).bind(upload.0).execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
        // Gives the free pages back to the file system, some at a time.
        sqlx::query("PRAGMA incremental_vacuum(1024)").fetch_all(&self.relaxed).await?;
        Ok(true)
    }

    async fn round(&self, round: Round) -> Result<Option<StoredRound>, StoreError> {
        let round = from_round(round)?;
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(sql::ROUND).bind(round).fetch_optional(&mut *tx).await?;
        let uploads = sqlx::query(sql::COMPLETE_UPLOADS).bind(round).fetch_all(&mut *tx).await?;
        row.map(|row| row::round(&row, &uploads)).transpose()
    }

    async fn lists(&self, round: Round, mailbox: Mailbox) -> Result<Vec<StoredList>, StoreError> {
        let rows = sqlx::query(sql::LISTS)
            .bind(from_round(round)?)
            .bind(i64::from(mailbox.0))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(row::list).collect()
    }

    async fn messages(&self, upload: UploadId, first: u32, limit: u32) -> Result<Page, StoreError> {
        let first = id(upload, first)?;
        let block = sqlx::query(sql::BLOCK).bind(id(upload, 0)?).bind(first);
        let row = block.fetch_optional(&self.pool).await?;
        row.map_or(Ok(Page::default()), |row| row::page(&row, first, limit))
    }
}

#[cfg(test)]
mod tests;
