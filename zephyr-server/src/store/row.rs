//! What is read of a row, from either database. Rows are checked: others may have written them.

use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use zephyr_core::{ClientKey, MixerIndex, Round, UnixMs};

use super::StoreError;
use super::mailboxes::{Chunk, Page, StoredList, StoredRound, UploadId};
use zephyr_machine::pkg::{Registration, Replacement};

/// A row of either database.
pub(super) trait SqlRow {
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError>;
    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError>;
}

impl SqlRow for SqliteRow {
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }
}

impl SqlRow for PgRow {
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        Ok(self.try_get(column)?)
    }
    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }
}

pub(super) fn registration(row: &impl SqlRow) -> Result<Registration, StoreError> {
    let key =
        |bytes: &[u8]| bytes.try_into().map(ClientKey::from_bytes).map_err(|_| StoreError::Corrupt);
    let next = (row.bytes("replacement_key")?, row.integer("replacement_from_ms")?);
    let replacement = match next {
        (Some(bytes), Some(from)) => {
            Some(Replacement { key: key(bytes)?, from: UnixMs(number(from)?) })
        }
        (None, None) => None,
        _ => return Err(StoreError::Corrupt),
    };
    let since = UnixMs(column(row, "since_ms")?);
    Ok(Registration { key: ClientKey::from_bytes(array(row, "client_key")?), since, replacement })
}

pub(super) fn round<R: SqlRow>(row: &R, uploads: &[R]) -> Result<StoredRound, StoreError> {
    let delivered = uploads.iter().map(|row| Ok((mixer(row)?, array(row, "digest")?)));
    Ok(StoredRound {
        round: Round(column(row, "round")?),
        directory: row.bytes("directory")?.map(<[u8]>::to_vec),
        delivered: delivered.collect::<Result<_, StoreError>>()?,
    })
}

pub(super) fn list(row: &impl SqlRow) -> Result<StoredList, StoreError> {
    Ok(StoredList {
        upload: upload(row)?,
        mixer: mixer(row)?,
        first: column(row, "first")?,
        messages: column(row, "messages")?,
        signature: array(row, "signature")?,
    })
}

pub(super) fn upload(row: &impl SqlRow) -> Result<UploadId, StoreError> {
    column(row, "upload").map(UploadId)
}

fn mixer(row: &impl SqlRow) -> Result<MixerIndex, StoreError> {
    column(row, "mixer").map(MixerIndex)
}

pub(super) fn column<T: TryFrom<i64>>(row: &impl SqlRow, column: &str) -> Result<T, StoreError> {
    number(row.integer(column)?.ok_or(StoreError::Corrupt)?)
}

pub(super) fn array<const N: usize>(
    row: &impl SqlRow,
    column: &str,
) -> Result<[u8; N], StoreError> {
    row.bytes(column)?.and_then(|bytes| bytes.try_into().ok()).ok_or(StoreError::Corrupt)
}

fn number<T: TryFrom<i64>>(n: i64) -> Result<T, StoreError> {
    T::try_from(n).map_err(|_| StoreError::Corrupt)
}

/// At most `limit` messages of a block, from the one with the key `first` on.
pub(super) fn page(row: &impl SqlRow, first: i64, limit: u32) -> Result<Page, StoreError> {
    let bytes = row.bytes("messages")?.ok_or(StoreError::Corrupt)?;
    let length: usize = column(row, "length")?;
    let place = |places: usize| places.saturating_mul(length).min(bytes.len());
    let skipped: usize = number(first - column::<i64>(row, "id")?)?;
    let wanted = place(skipped)..place(skipped.saturating_add(limit as usize));
    Page::new(length, bytes[wanted].to_vec()).ok_or(StoreError::Corrupt)
}

/// The key of a block: where its first message is.
pub(super) fn id(upload: UploadId, place: u32) -> Result<i64, StoreError> {
    let upload = i32::try_from(upload.0).map_err(|_| StoreError::Corrupt)?;
    Ok(i64::from(upload) << 32 | i64::from(place))
}

/// The blocks of a chunk, with their keys.
pub(super) fn blocks(upload: UploadId, chunk: &Chunk) -> Result<Vec<(i64, &[u8])>, StoreError> {
    let mut place = chunk.first as usize;
    let blocks = chunk.messages.pieces().map(|piece| {
        let first = u32::try_from(place).map_err(|_| StoreError::Corrupt)?;
        place += piece.len() / chunk.messages.item_len();
        Ok((id(upload, first)?, piece))
    });
    blocks.collect()
}

/// The length of a chunk's messages.
pub(super) fn length(chunk: &Chunk) -> Result<i64, StoreError> {
    i64::try_from(chunk.messages.item_len()).map_err(|_| StoreError::Corrupt)
}

/// SQL has no unsigned integers. No clock will show a round beyond.
pub(super) fn from_round(round: Round) -> Result<i64, StoreError> {
    i64::try_from(round.0).map_err(|_| StoreError::Corrupt)
}

/// The times beyond are 292 million years away.
pub(super) fn from_time(time: UnixMs) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
