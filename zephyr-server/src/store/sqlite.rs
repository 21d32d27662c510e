//! SQLite: a file, or memory.

mod mailboxes;

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row, SqlStr, SqlitePool};
use zephyr_core::{Address, ClientKey, UnixMs};

use super::{Registrations, StoreError};
use zephyr_machine::pkg::{Registration, Replacement};

pub use mailboxes::SqliteMailboxes;

/// Opens the database at `url` (`sqlite:///var/lib/zephyr/pkg.db`, or `sqlite::memory:`), makes it if it is not
/// there, and brings its tables to this version.
///
/// # Errors
/// If it cannot be opened or written, or was made by a newer version.
pub async fn open_sqlite(url: &str) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered must survive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    // Where much is deleted the file is to shrink again.
    let shrinking = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
    let pool = SqlitePoolOptions::new()
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10));
    if url.contains(":memory:") || url.contains("mode=memory") {
        // A database in memory lives in its connection and vanishes with the last one.
        let pool = pool.max_connections(1).connect_with(shrinking).await?;
        migrator().run(&pool).await?;
        return Ok(pool);
    }
    // The file remembers that it shrinks; a connection that set it anew would wait for whoever is writing.
    let mut first = shrinking.connect().await?;
    migrator().run(&mut first).await?;
    first.close().await?;
    Ok(pool.max_connections(4).connect_with(options).await?)
}

/// The folder `migrations/sqlite`. (The macro that would read it compiles every database driver a second time.)
fn migrator() -> Migrator {
    let migration = |version, description: &'static str, sql| {
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            SqlStr::from_static(sql),
            false,
        )
    };
    Migrator::with_migrations(vec![
        migration(
            1,
            "registrations",
            include_str!("../../migrations/sqlite/0001_registrations.sql"),
        ),
        migration(2, "mailboxes", include_str!("../../migrations/sqlite/0002_mailboxes.sql")),
        migration(
            3,
            "list signatures",
            include_str!("../../migrations/sqlite/0003_list_signatures.sql"),
        ),
    ])
}

/// Registrations in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteRegistrations(SqlitePool);

impl SqliteRegistrations {
    /// In a database that [`open_sqlite`] opened.
    pub fn new(pool: SqlitePool) -> Self {
        Self(pool)
    }

    /// Opens a database of its own.
    ///
    /// # Errors
    /// As [`open_sqlite`].
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        open_sqlite(url).await.map(Self)
    }

    /// Closes the database when all that is under way is done.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

const LOAD: &str = "SELECT client_key, since_ms, replacement_key, replacement_from_ms \
    FROM registrations WHERE address = $1";
const PUT: &str = "INSERT INTO registrations \
    (address, client_key, since_ms, replacement_key, replacement_from_ms) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (address) DO UPDATE SET \
    client_key = excluded.client_key, since_ms = excluded.since_ms, \
    replacement_key = excluded.replacement_key, \
    replacement_from_ms = excluded.replacement_from_ms";
const DELETE: &str = "DELETE FROM registrations WHERE address = $1";

impl Registrations for SqliteRegistrations {
    async fn load(&self, address: &Address) -> Result<Option<Registration>, StoreError> {
        let row = sqlx::query(LOAD).bind(address.as_str()).fetch_optional(&self.0).await?;
        row.as_ref().map(read).transpose()
    }

    async fn put(&self, address: &Address, registration: &Registration) -> Result<(), StoreError> {
        let replacement = registration.replacement.as_ref();
        sqlx::query(PUT)
            .bind(address.as_str())
            .bind(&registration.key.as_bytes()[..])
            .bind(to_sql(registration.since))
            .bind(replacement.map(|next| &next.key.as_bytes()[..]))
            .bind(replacement.map(|next| to_sql(next.from)))
            .execute(&self.0)
            .await?;
        Ok(())
    }

    async fn delete(&self, address: &Address) -> Result<(), StoreError> {
        sqlx::query(DELETE).bind(address.as_str()).execute(&self.0).await?;
        Ok(())
    }
}

fn read(row: &SqliteRow) -> Result<Registration, StoreError> {
    let key =
        |bytes: &[u8]| bytes.try_into().map(ClientKey::from_bytes).map_err(|_| StoreError::Corrupt);
    let next: (Option<&[u8]>, Option<i64>) =
        (row.try_get("replacement_key")?, row.try_get("replacement_from_ms")?);
    let replacement = match next {
        (Some(bytes), Some(from)) => Some(Replacement { key: key(bytes)?, from: from_sql(from)? }),
        (None, None) => None,
        _ => return Err(StoreError::Corrupt),
    };
    Ok(Registration {
        key: key(row.try_get("client_key")?)?,
        since: from_sql(row.try_get("since_ms")?)?,
        replacement,
    })
}

/// SQL has no unsigned integers; the times beyond are 292 million years away.
fn to_sql(time: UnixMs) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn from_sql(time: i64) -> Result<UnixMs, StoreError> {
    u64::try_from(time).map(UnixMs).map_err(|_| StoreError::Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    fn url(folder: &tempfile::TempDir) -> String {
        format!("sqlite://{}", folder.path().join("pkg.db").display())
    }

    #[tokio::test]
    async fn memory_conforms() {
        let open = async || SqliteRegistrations::open("sqlite::memory:").await.unwrap();
        conformance::registrations(open).await;
    }

    #[tokio::test]
    async fn a_file_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = 0;
        conformance::registrations(async || {
            files += 1;
            let file = folder.path().join(format!("{files}.db"));
            SqliteRegistrations::open(&format!("sqlite://{}", file.display())).await.unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn a_file_keeps_what_was_put() {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::parse("bob@example.org").unwrap();
        let bob = Registration::new(ClientKey::from_bytes([1; 32]), UnixMs(5));
        let store = SqliteRegistrations::open(&url(&folder)).await.unwrap();
        store.put(&address, &bob).await.unwrap();
        store.close().await;
        let store = SqliteRegistrations::open(&url(&folder)).await.unwrap();
        assert_eq!(store.load(&address).await.unwrap(), Some(bob));
        store.close().await;
    }

    #[tokio::test]
    async fn a_file_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pool = open_sqlite(&url(&folder)).await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'later', true, x'00', 0)",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
        let refused = open_sqlite(&url(&folder)).await;
        assert!(matches!(refused, Err(StoreError::Migration(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_full_database_refuses_and_keeps_what_it_has() {
        let store = SqliteRegistrations::open("sqlite::memory:").await.unwrap();
        let bob = Registration::new(ClientKey::from_bytes([1; 32]), UnixMs(5));
        let address = |i: u32| Address::parse(&format!("u{i}@example.org")).unwrap();
        store.put(&address(0), &bob).await.unwrap();
        sqlx::query("PRAGMA max_page_count = 1").execute(&store.0).await.unwrap();
        let mut full = None;
        for i in 1..1_000 {
            if let Err(error) = store.put(&address(i), &bob).await {
                full = Some((i, error));
                break;
            }
        }
        let (i, error) = full.expect("a page holds far fewer rows");
        assert!(matches!(error, StoreError::Database(_)), "{error}");
        assert_eq!(store.load(&address(i)).await.unwrap(), None);
        assert_eq!(store.load(&address(0)).await.unwrap(), Some(bob));
    }
}
