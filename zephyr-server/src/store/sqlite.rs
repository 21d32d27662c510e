//! SQLite: a file, or memory.

mod mailboxes;
mod registrations;

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqlitePool};
use zephyr_core::{Role, ServerId};

use super::{StoreError, row, sql};

pub use mailboxes::SqliteMailboxes;
pub use registrations::SqliteRegistrations;

/// Opens the database at `url` (`sqlite:///var/lib/zephyr/pkg.db`, or `sqlite::memory:`), makes it if it is not
/// there, and brings its tables to this version.
///
/// # Errors
/// If it cannot be opened or written, or was made by a newer version.
pub async fn open_sqlite(url: &str) -> Result<SqlitePool, StoreError> {
    open(url, options(url)?.pragma(CACHE.0, CACHE.1)).await
}

/// What is read is read once a round, and the system has the file in memory anyway: each connection's own copy would be
/// up to 2 MB.
const CACHE: (&str, &str) = ("cache_size", "-256");

async fn open(url: &str, options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    // Where much is deleted the file is to shrink again.
    let shrinking = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
    if is_memory(url) {
        // A database in memory lives in its connection and vanishes with the last one.
        let pool = pool(1).connect_with(shrinking).await?;
        sql::migrator(MIGRATIONS).run(&pool).await?;
        return Ok(pool);
    }
    // The file remembers that it shrinks; a connection that set it anew would wait for whoever is writing.
    let mut first = shrinking.connect().await?;
    sql::migrator(MIGRATIONS).run(&mut first).await?;
    first.close().await?;
    Ok(pool(4).connect_with(options).await?)
}

/// As [`open_sqlite`], for much that comes at once: whoever commits leaves it in the log, up to 64 MB, for somebody else
/// to put it into the file. And one connection more to the same file: what that one commits will be on disk when
/// anything is committed later on the others, since there is one log, in order.
async fn open_for_uploads(url: &str) -> Result<(SqlitePool, SqlitePool), StoreError> {
    // With pages of 16 KiB an upload takes a fifth less time than with SQLite's usual 4 KiB; longer ones gain nothing.
    let options = options(url)?.page_size(16 * 1024).pragma("wal_autocheckpoint", "4096");
    let durable = open(url, options.clone().pragma(CACHE.0, CACHE.1)).await?;
    if is_memory(url) {
        return Ok((durable.clone(), durable));
    }
    let relaxed = pool(1).connect_with(options.synchronous(SqliteSynchronous::Normal)).await?;
    Ok((durable, relaxed))
}

fn is_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    let options = SqliteConnectOptions::from_str(url).map_err(StoreError::Url)?;
    Ok(options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered must survive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5)))
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
}

/// Makes `server` the owner of these tables if they have none, and tells who is.
async fn claim(pool: &SqlitePool, role: Role, server: &ServerId) -> Result<[u8; 32], StoreError> {
    let (role, id) = (role.to_string(), &server.as_bytes()[..]);
    sqlx::query(sql::OWN).bind(&role).bind(id).execute(pool).await?;
    row::array(&sqlx::query(sql::OWNER).bind(&role).fetch_one(pool).await?, "server")
}

/// The folder `migrations/sqlite`.
const MIGRATIONS: &[sql::Migration] = &[
    (1, "registrations", include_str!("../../migrations/sqlite/0001_registrations.sql")),
    (2, "mailboxes", include_str!("../../migrations/sqlite/0002_mailboxes.sql")),
    (3, "list signatures", include_str!("../../migrations/sqlite/0003_list_signatures.sql")),
    (4, "void rounds", include_str!("../../migrations/sqlite/0004_void_rounds.sql")),
    (5, "message blocks", include_str!("../../migrations/sqlite/0005_message_blocks.sql")),
];
