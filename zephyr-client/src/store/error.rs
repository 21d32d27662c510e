//! What can go wrong with a home.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::MigrateError;
use zephyr_core::Address;

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is nothing there.
    #[error("there is no zephyr home at {0}: create one with `zephyr --home {0} register`")]
    NoHome(PathBuf),
    /// Another process has it open.
    #[error("another zephyr program is using this home ({0}): stop it, or use another home")]
    InUse(PathBuf),
    /// It was made for somebody else.
    #[error("this home belongs to {0}: use another home for another address")]
    OtherAddress(Box<Address>),
    /// It was made for another network.
    #[error("this home belongs to another network: use another home, or that network's file")]
    OtherNetwork,
    /// It cannot be written.
    #[error("the home is read-only: make its folder and files writable for yourself")]
    ReadOnly,
    /// The disk or the quota is used up.
    #[error("the disk is full: free some space and start again, nothing that was saved is lost")]
    Full,
    /// The database is damaged.
    #[error(
        "the home's database is damaged: restore a backup into another folder, or register with a new home"
    )]
    Damaged,
    /// A newer version of the program wrote it.
    #[error("the home was written by a newer version of zephyr: update this program")]
    Newer,
    /// Nothing goes to somebody from whom nothing is taken.
    #[error("{0} is blocked: unblock it first")]
    Blocked(Box<Address>),
    /// No such message.
    #[error("there is no message {0}")]
    NoMessage(u64),
    /// A folder or file cannot be made or opened.
    #[error("the home at {path} can't be used: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// Anything else that the database says.
    #[error("the home's database can't be used: {0}")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // The lower byte is SQLite's primary result code (sqlite.org/rescode.html).
        let code = error.as_database_error().and_then(|e| e.code()?.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            Some(8) => Self::ReadOnly,
            Some(11 | 26) => Self::Damaged,
            Some(13) => Self::Full,
            _ => Self::Database(error),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => Self::Newer,
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => Self::Damaged,
            error => Self::Database(sqlx::Error::Migrate(Box::new(error))),
        }
    }
}
