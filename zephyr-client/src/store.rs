//! The home: everything a client must remember, in a SQLite database that one program uses at a time.
//!
//! Each step is one transaction on disk before the method returns, so a program that is killed goes on where it
//! was. What comes from other people is bounded by [`MAX_MESSAGE`], the window of a contact's stream, and the limits
//! of the inbox.

mod backup;
mod blocked;
mod contacts;
mod conversation;
mod error;
mod home;
mod inbox;
mod lock;
mod outbox;
mod registrations;
mod versions;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlSafeStr, SqlitePool};
use zephyr_core::Address;

use crate::network::Network;

pub use backup::{BackupError, MIN_PASSPHRASE};
pub use contacts::Contact;
pub use error::StoreError;
pub use home::Home;
pub use inbox::{InboxMessage, Incoming, Receipt, Refused};
pub use outbox::{Delivery, MessageId, OutboxMessage};
pub use registrations::Registration;

use lock::Lock;

/// The longest message in bytes: 1 MiB.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The folder `migrations`. (The macro that would read it compiles every database driver a second time.)
fn migrator() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "home", include_str!("../migrations/0001_home.sql")),
        migration(2, "streams", include_str!("../migrations/0002_streams.sql")),
        migration(3, "manifests", include_str!("../migrations/0003_manifests.sql")),
        migration(4, "blocked", include_str!("../migrations/0004_blocked.sql")),
    ])
}

/// A home that is open. Clones are the same home; it closes with the last of them.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    home: Arc<Home>,
    /// Held as long as the home is open.
    _lock: Option<Arc<Lock>>,
}

impl Store {
    /// Opens the home in the folder `dir`.
    ///
    /// # Errors
    /// If there is none, another program uses it, or the database cannot be used.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        if !Self::exists(dir) {
            return Err(StoreError::NoHome(dir.to_owned()));
        }
        Self::open_locked(dir, Lock::take(dir)?).await
    }

    /// Whether there is a home in the folder `dir`.
    pub fn exists(dir: &Path) -> bool {
        dir.join(lock::DATABASE).exists()
    }

    async fn open_locked(dir: &Path, lock: Lock) -> Result<Self, StoreError> {
        let pool = Self::pool(&lock).await?;
        let home = Home::load(&pool).await?.ok_or_else(|| StoreError::NoHome(dir.to_owned()))?;
        Ok(Self::over(pool, home, Some(lock)))
    }

    /// Creates a home for `address` in `network` in the folder `dir`, with a new secret. If there is one for the
    /// same address and network, opens it.
    ///
    /// # Errors
    /// If the home is somebody else's, another program uses it, or the database cannot be used.
    pub async fn create(
        dir: &Path,
        address: &Address,
        network: &Network,
    ) -> Result<Self, StoreError> {
        let lock = Lock::take(dir)?;
        let pool = Self::pool(&lock).await?;
        let home = Home::create(&pool, address, network).await?;
        Ok(Self::over(pool, home, Some(lock)))
    }

    /// A home that is kept in memory and gone with its last clone.
    ///
    /// # Errors
    /// If the database cannot be made.
    pub async fn in_memory(address: &Address, network: &Network) -> Result<Self, StoreError> {
        let pool = connect(options().in_memory(true)).await?;
        migrator().run(&pool).await?;
        let home = Home::create(&pool, address, network).await?;
        Ok(Self::over(pool, home, None))
    }

    async fn pool(lock: &Lock) -> Result<SqlitePool, StoreError> {
        lock.create_database()?;
        let options = options()
            .filename(lock.database())
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = connect(options).await?;
        migrator().run(&pool).await?;
        Ok(pool)
    }

    fn over(pool: SqlitePool, home: Home, lock: Option<Lock>) -> Self {
        Self { pool, home: Arc::new(home), _lock: lock.map(Arc::new) }
    }

    /// Whose home it is.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Writes everything to the disk and closes the home for all its clones.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("secure_delete", "ON")
}

/// One connection for ever: SQLite has one writer, and a database in memory lives as long as its connection. It is not
/// tested before each use: a call that is cancelled meanwhile would drop it.
async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    Ok(pool)
}

#[cfg(test)]
mod tests;
