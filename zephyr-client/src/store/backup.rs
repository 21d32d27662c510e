//! Backups: the whole home in one encrypted file, and a home from such a file, which must not repeat what the lost
//! one may have done since.

mod error;
mod format;
mod restored;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteJournalMode;
use tempfile::NamedTempFile;
use zephyr_core::UnixMs;
use zeroize::Zeroizing;

use super::home::Home;
use super::lock::{Lock, private_file};
use super::{Store, StoreError, connect, migrator, options};
use crate::clock;

pub use error::BackupError;

/// The fewest characters of a backup's passphrase.
pub const MIN_PASSPHRASE: usize = 8;

/// The name of a home's database while it is being restored: it must not be taken for a home before that is done.
const RESTORING: &str = "restoring.db";

impl Store {
    /// Writes the whole home, encrypted under `passphrase`, into the new file `file`. Works while a client runs, and
    /// writes nothing unencrypted to the disk. Takes about as much memory as the home is long, and 64 MiB.
    ///
    /// # Errors
    /// See [`BackupError`]: there is no file then, or the one that was there before.
    pub async fn export_backup(&self, file: &Path, passphrase: &str) -> Result<(), BackupError> {
        if passphrase.chars().count() < MIN_PASSPHRASE {
            return Err(BackupError::ShortPassphrase);
        }
        if file.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(file.to_owned()));
        }
        let mut connection = self.pool.acquire().await?;
        let query = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let len: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await?;
        format::check_len(len.cast_unsigned())?;
        let home = connection.serialize(None).await?;
        drop(connection);
        let (file, passphrase) = (file.to_owned(), Zeroizing::new(passphrase.to_owned()));
        blocking(move || {
            let mut home = home;
            let header = format::seal(&mut home, &passphrase)?;
            write_new(&file, &[&header, &home])
        })
        .await
    }

    /// Makes a home in the folder `dir` from a backup, and opens it. The computer's clock must be right.
    ///
    /// The registrations go on. What was not delivered when the backup was made is sent again, and takes part from
    /// the round after the one that is open now; contacts send again what they were not told of. Nobody may use the
    /// home that was backed up any more.
    ///
    /// # Errors
    /// See [`BackupError`]: there is no home then.
    pub async fn restore_backup(
        file: &Path,
        passphrase: &str,
        dir: &Path,
    ) -> Result<Self, BackupError> {
        Self::restore_backup_at(file, passphrase, dir, clock::now()).await
    }

    /// As [`restore_backup`](Self::restore_backup), at another time.
    pub(super) async fn restore_backup_at(
        file: &Path,
        passphrase: &str,
        dir: &Path,
        now: UnixMs,
    ) -> Result<Self, BackupError> {
        let refuse = || {
            if Self::exists(dir) { Err(BackupError::HasHome(dir.to_owned())) } else { Ok(()) }
        };
        refuse()?;
        let (backup, passphrase) = (file.to_owned(), Zeroizing::new(passphrase.to_owned()));
        let database = blocking(move || format::open(&backup, &passphrase)).await?;
        let lock = Lock::take(dir)?;
        refuse()?;
        let new = Restoring::new(dir, &database)?;
        drop(database);
        new.prepare(now).await.map_err(|error| match error {
            // A good passphrase makes no good home.
            StoreError::Damaged | StoreError::NoHome(_) => BackupError::Unreadable(file.to_owned()),
            error => error.into(),
        })?;
        new.finish(&lock.database())?;
        Ok(Self::open_locked(dir, lock).await?)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|gone| match gone.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The runtime is being shut down.
        Err(error) => Err(BackupError::file(Path::new("backup"))(io::Error::other(error))),
    })
}

/// Writes a new file that is whole or not there, for its owner's eyes only.
fn write_new(path: &Path, parts: &[&[u8]]) -> Result<(), BackupError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut new = NamedTempFile::new_in(folder).map_err(BackupError::file(path))?;
    let written = parts.iter().try_for_each(|part| new.write_all(part));
    written.and_then(|()| new.as_file().sync_all()).map_err(BackupError::file(path))?;
    new.persist_noclobber(path).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(path.to_owned()),
        _ => BackupError::file(path)(failed.error),
    })?;
    sync_folder(folder).map_err(BackupError::file(path))
}

/// So that a file's name is on the disk as well.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A home's database that is not yet a home; removed unless it becomes one.
struct Restoring {
    dir: PathBuf,
}

impl Restoring {
    fn new(dir: &Path, database: &[u8]) -> Result<Self, BackupError> {
        let new = Self { dir: dir.to_owned() };
        // Of a program that was killed.
        new.remove();
        let written = private_file(&new.path()).and_then(|mut file| {
            file.write_all(database)?;
            file.sync_all()
        });
        written.map_err(BackupError::file(&new.path()))?;
        Ok(new)
    }

    /// Makes the home one that may take part.
    async fn prepare(&self, now: UnixMs) -> Result<(), StoreError> {
        let options = options()
            .filename(self.path())
            .journal_mode(SqliteJournalMode::Delete)
            .pragma("trusted_schema", "OFF");
        let pool = connect(options).await?;
        let prepared = async {
            restored::check(&pool).await?;
            migrator().run(&pool).await?;
            let home = Home::load(&pool).await?;
            let home = home.ok_or_else(|| StoreError::NoHome(self.dir.clone()))?;
            restored::begin_again(&pool, &home.network(), now).await
        };
        let prepared = prepared.await;
        pool.close().await;
        prepared
    }

    fn finish(self, database: &Path) -> Result<(), BackupError> {
        let renamed = private_file(&self.path())
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(self.path(), database))
            .and_then(|()| sync_folder(&self.dir));
        renamed.map_err(BackupError::file(database))
    }

    fn path(&self) -> PathBuf {
        self.dir.join(RESTORING)
    }

    fn remove(&self) {
        for ending in ["", "-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(self.dir.join(format!("{RESTORING}{ending}")));
        }
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        self.remove();
    }
}
