//! The folder of a home, private to its user, and the lock that one program holds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;

/// The database's name in the folder.
pub(super) const DATABASE: &str = "zephyr.db";
const LOCK: &str = "lock";

/// A home's folder, locked until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    dir: PathBuf,
    /// The operating system gives the lock back when the file is closed, also when the program is killed.
    file: File,
}

impl Lock {
    /// Makes the folder if there is none, and locks it.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        make_private_dir(dir).map_err(failed(dir))?;
        let path = dir.join(LOCK);
        let file = private_file(&path).map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(&path)(error)),
        }
        Ok(Self { dir: dir.to_owned(), file })
    }

    /// Makes an empty file for the database if there is none. SQLite gives its other files the same permissions.
    pub(super) fn create_database(&self) -> Result<(), StoreError> {
        let database = self.database();
        if !database.exists() {
            private_file(&database).map_err(failed(&database))?;
        }
        Ok(())
    }

    pub(super) fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A process that is just being started holds a copy of the file until it has become another program.
        let _ = self.file.unlock();
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::File { path, error },
    }
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

/// Opens a file for its owner's eyes only, and makes it if there is none.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.read(true).write(true).create(true).truncate(false).open(path)
}
