//! What servers keep.

#[cfg(test)]
mod conformance;
mod database;
mod either;
mod mailboxes;
mod memory;
mod postgres;
mod registrations;
mod row;
mod sql;
mod sqlite;

use std::io;
use std::path::PathBuf;

pub use database::Database;
pub use either::{SqlMailboxes, SqlRegistrations};
pub use mailboxes::{Chunk, Mailboxes, Page, StoredList, StoredRound, UploadId};
pub use memory::MemoryRegistrations;
pub use postgres::{PostgresMailboxes, PostgresRegistrations};
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
    /// The URL is none of a database.
    #[error(
        "the database's URL can't be read ({0}): write sqlite:///path/to/file.db or postgres://user@host/name, and in a \
         password @ as %40, : as %3A, / as %2F, % as %25"
    )]
    Url(#[source] sqlx::Error),
    /// The file with the password can't be read.
    #[error("can't read the database's password from {0}: {1}")]
    Password(PathBuf, #[source] io::Error),
    /// No connection to PostgreSQL.
    #[error(
        "the PostgreSQL database at {at} can't be used: {error}. Is it running there, does pg_hba.conf let this user and \
         machine in, is the password right, does the database exist?"
    )]
    Unreachable {
        /// Where it should be: host and port, or the folder of its socket.
        at: String,
        /// What went wrong.
        #[source]
        error: sqlx::Error,
    },
    /// PostgreSQL does not answer.
    #[error("the database does not answer: is it overloaded, is the network between broken?")]
    Silent,
    /// Several processes are to use a database of one process.
    #[error(
        "a front shares the database of its mailbox server, which takes PostgreSQL: postgres://user@host/name"
    )]
    NotShared,
    /// A database to be read has no tables yet, or those of another version.
    #[error(
        "the database has no tables of this version: start the mailbox server first, with the same version of this program"
    )]
    NotReady,
    /// The tables are another server's.
    #[error("the database is another server's: give each server a database of its own")]
    Another,
    /// The tables are not those of this version.
    #[error(
        "the database's tables cannot be brought to this version (was it made by a newer one?): {0}"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// What is stored was not written by this program.
    #[error("the database has a row that makes no sense: restore it from a backup")]
    Corrupt,
}
