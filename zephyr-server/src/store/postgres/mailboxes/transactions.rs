//! What is done in one transaction each. Round trips cost most here, so a piece of an upload is one statement.

use zephyr_core::{Mailbox, MixerIndex, Round};

use super::super::Pools;
use super::sql;
use crate::store::StoreError;
use crate::store::mailboxes::{Chunk, Page, StoredList, StoredRound, UploadId};
use crate::store::row::{self, array, column, from_round, id};

/// How many lists or blocks one step of the sweep deletes.
const SWEEP_LISTS: i64 = 4096;
const SWEEP_BLOCKS: i64 = 256;

/// The row stays locked until the transaction ends, so that the upload is not discarded meanwhile.
const LOCK_COMING: &str =
    "SELECT round, mixer FROM mailbox_uploads WHERE upload = $1 AND state = 0 FOR UPDATE";

/// A piece of an upload: lists and blocks as columns, if the upload is still coming.
const APPEND: &str = "WITH coming AS \
        (SELECT upload FROM mailbox_uploads WHERE upload = $1 AND state = 0 FOR UPDATE), \
    lists AS (INSERT INTO mailbox_lists (upload, mailbox, first, messages, signature) \
        SELECT coming.upload, list.* FROM coming, \
        UNNEST($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[]) AS list), \
    blocks AS (INSERT INTO mailbox_blocks (id, length, messages) \
        SELECT block.id, $6, block.messages \
        FROM coming, UNNEST($7::bigint[], $8::bytea[]) AS block (id, messages)) \
    SELECT upload FROM coming";

impl Pools {
    pub(super) async fn restore(&self) -> Result<Vec<StoredRound>, StoreError> {
        let mut tx = self.durable.begin().await?;
        sqlx::query(sql::DISCARD_ALL_COMING).execute(&mut *tx).await?;
        let mut rounds = Vec::new();
        for row in sqlx::query(sql::ROUNDS).fetch_all(&mut *tx).await? {
            let uploads = sqlx::query(sql::COMPLETE_UPLOADS).bind(column::<i64>(&row, "round")?);
            rounds.push(row::round(&row, &uploads.fetch_all(&mut *tx).await?)?);
        }
        tx.commit().await?;
        Ok(rounds)
    }

    pub(super) async fn begin(
        &self,
        round: Round,
        directory: &[u8],
        mixer: MixerIndex,
    ) -> Result<UploadId, StoreError> {
        let mut tx = self.relaxed.begin().await?;
        let round = from_round(round)?;
        sqlx::query(sql::PUT_ROUND).bind(round).bind(directory).execute(&mut *tx).await?;
        let row = sqlx::query(sql::BEGIN).bind(round).bind(i64::from(mixer.0));
        let upload = row::upload(&row.fetch_one(&mut *tx).await?)?;
        tx.commit().await?;
        Ok(upload)
    }

    pub(super) async fn append(&self, upload: UploadId, chunk: &Chunk) -> Result<bool, StoreError> {
        let lists = &chunk.lists;
        let column = |f: fn(&(Mailbox, u32, u32, _)) -> u32| -> Vec<i64> {
            lists.iter().map(|list| f(list).into()).collect()
        };
        let signatures: Vec<&[u8]> = lists.iter().map(|(.., signature)| &signature[..]).collect();
        let (places, blocks): (Vec<_>, Vec<_>) = row::blocks(upload, chunk)?.into_iter().unzip();
        let coming = sqlx::query(APPEND)
            .bind(upload.0)
            .bind(column(|list| list.0.0))
            .bind(column(|list| list.1))
            .bind(column(|list| list.2))
            .bind(signatures)
            .bind(row::length(chunk)?)
            .bind(places)
            .bind(blocks)
            .fetch_optional(&self.relaxed)
            .await?;
        Ok(coming.is_some())
    }

    pub(super) async fn complete(
        &self,
        upload: UploadId,
        digest: &[u8; 32],
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let mut tx = self.durable.begin().await?;
        let coming = sqlx::query(LOCK_COMING).bind(upload.0).fetch_optional(&mut *tx).await?;
        let Some(row) = coming else { return Ok(None) };
        let (round, mixer): (i64, i64) = (column(&row, "round")?, column(&row, "mixer")?);
        let first = sqlx::query(sql::COMPLETE_UPLOAD_OF).bind(round).bind(mixer);
        let visible = match first.fetch_optional(&mut *tx).await? {
            Some(first) => {
                sqlx::query(sql::DISCARD).bind(upload.0).execute(&mut *tx).await?;
                array(&first, "digest")?
            }
            None => {
                // Another one that became complete meanwhile has the key: then this is done again.
                let complete = sqlx::query(sql::COMPLETE).bind(upload.0).bind(&digest[..]);
                complete.execute(&mut *tx).await?;
                *digest
            }
        };
        tx.commit().await?;
        Ok(Some(visible))
    }

    pub(super) async fn discard(&self, upload: UploadId) -> Result<(), StoreError> {
        sqlx::query(sql::DISCARD).bind(upload.0).execute(&self.durable).await?;
        Ok(())
    }

    /// Ends a round by this statement, which locks its row, and discards its uploads.
    pub(super) async fn end(
        &self,
        round: Round,
        statement: &'static str,
    ) -> Result<(), StoreError> {
        let mut tx = self.durable.begin().await?;
        let round = from_round(round)?;
        sqlx::query(statement).bind(round).execute(&mut *tx).await?;
        sqlx::query(sql::DISCARD_ROUND).bind(round).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn sweep(&self) -> Result<bool, StoreError> {
        let discarded = sqlx::query(sql::DISCARDED).fetch_optional(&self.relaxed).await?;
        let Some(row) = discarded else { return Ok(false) };
        let upload = row::upload(&row)?;
        let mut tx = self.relaxed.begin().await?;
        let (from, to) = (id(upload, 0)?, id(upload, u32::MAX)?);
        let blocks = sqlx::query(sql::DELETE_BLOCKS).bind(from).bind(to).bind(SWEEP_BLOCKS);
        if blocks.execute(&mut *tx).await?.rows_affected() < SWEEP_BLOCKS as u64 {
            let lists = sqlx::query(sql::DELETE_LISTS).bind(upload.0).bind(SWEEP_LISTS);
            if lists.execute(&mut *tx).await?.rows_affected() < SWEEP_LISTS as u64 {
                sqlx::query(sql::DELETE_UPLOAD).bind(upload.0).execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// The uploads first: one that is complete afterwards is only found the next time.
    pub(super) async fn round(&self, round: Round) -> Result<Option<StoredRound>, StoreError> {
        let (pool, round) = (&self.durable, from_round(round)?);
        let uploads = sqlx::query(sql::COMPLETE_UPLOADS).bind(round).fetch_all(pool).await?;
        let row = sqlx::query(sql::ROUND).bind(round).fetch_optional(pool).await?;
        row.map(|row| row::round(&row, &uploads)).transpose()
    }

    pub(super) async fn lists(
        &self,
        round: Round,
        mailbox: Mailbox,
    ) -> Result<Vec<StoredList>, StoreError> {
        let lists = sqlx::query(sql::LISTS).bind(from_round(round)?).bind(i64::from(mailbox.0));
        lists.fetch_all(&self.durable).await?.iter().map(row::list).collect()
    }

    pub(super) async fn messages(
        &self,
        upload: UploadId,
        first: u32,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let first = id(upload, first)?;
        let block = sqlx::query(sql::BLOCK).bind(id(upload, 0)?).bind(first);
        let row = block.fetch_optional(&self.durable).await?;
        row.map_or(Ok(Page::default()), |row| row::page(&row, first, limit))
    }
}
