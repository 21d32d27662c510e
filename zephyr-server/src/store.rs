//! What servers keep.

#[cfg(test)]
mod conformance;
mod mailboxes;
mod memory;
mod registrations;
mod sql;
mod sqlite;

pub use mailboxes::{Chunk, Mailboxes, StoredList, StoredRound, UploadId};
pub use memory::MemoryRegistrations;
pub use registrations::Registrations;
pub use sqlite::{SqliteMailboxes, SqliteRegistrations, open_sqlite};

/// A database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused, or is not to be reached.
    #[error(
        "the database cannot be used (is the disk full, the file read-only, the server up?): {0}"
    )]
    Database(#[from] sqlx::Error),
    /// The tables are not those of this version.
    #[error(
        "the database's tables cannot be brought to this version (was it made by a newer one?): {0}"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// What is stored was not written by this program.
    #[error("the database has a row that makes no sense: restore it from a backup")]
    Corrupt,
}
