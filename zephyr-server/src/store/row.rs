//! What is read of a row, from either database. Rows are checked: others may have written them.

use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use zephyr_core::{ClientKey, MixerIndex, Round, UnixMs};

use super::StoreError;
use super::mailboxes::{StoredList, StoredRound, UploadId};
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

/// The key of a message.
pub(super) fn id(upload: UploadId, place: u32) -> Result<i64, StoreError> {
    let upload = i32::try_from(upload.0).map_err(|_| StoreError::Corrupt)?;
    Ok(i64::from(upload) << 32 | i64::from(place))
}

/// SQL has no unsigned integers. No clock will show a round beyond.
pub(super) fn from_round(round: Round) -> Result<i64, StoreError> {
    i64::try_from(round.0).map_err(|_| StoreError::Corrupt)
}

/// The times beyond are 292 million years away.
pub(super) fn from_time(time: UnixMs) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
