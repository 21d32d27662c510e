//! What can go wrong with a backup.

use std::io;
use std::path::{Path, PathBuf};

use super::super::StoreError;
use super::{MIN_PASSPHRASE, format::MAX_HOME};

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Who has the file could guess the passphrase.
    #[error("the passphrase is too short: it needs at least {MIN_PASSPHRASE} characters")]
    ShortPassphrase,
    /// Files are never overwritten.
    #[error("there is a file {0} already: choose another name, backups are never overwritten")]
    Exists(PathBuf),
    /// Nothing tells a wrong passphrase from other reasons.
    #[error("{0} can't be opened: the passphrase is wrong, or it is damaged or no zephyr backup")]
    Unreadable(PathBuf),
    /// Homes are never overwritten.
    #[error(
        "there is a zephyr home at {0} already: choose another folder, homes are never overwritten"
    )]
    HasHome(PathBuf),
    /// The home is longer than any backup.
    #[error(
        "the home has {0} bytes, more than the {MAX_HOME} that a backup can have: copy its folder while no program uses it"
    )]
    TooLong(u64),
    /// A file or folder can't be read or written.
    #[error("{path} can't be used: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// There is not enough memory to turn the passphrase into a key.
    #[error("there is not enough memory for the passphrase: {0} MiB are needed")]
    Memory(u32),
    /// The home can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |error| Self::File { path, error }
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
