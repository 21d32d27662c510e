//! PostgreSQL: for more than one machine.

mod attempts;
mod mailboxes;
mod registrations;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Row};
use tokio::time::timeout;
use zephyr_core::{Role, ServerId};
use zeroize::Zeroizing;

use super::{Database, StoreError, row, sql};

pub use mailboxes::PostgresMailboxes;
pub use registrations::PostgresRegistrations;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Connections that wait for what they write to be on disk, and those that do not.
const CONNECTIONS: (u32, u32) = (16, 4);

/// Connections to one database whose tables are of this version.
#[derive(Clone, Debug)]
struct Pools {
    /// What is committed has been written to disk.
    durable: PgPool,
    /// What is committed will have been when anything durable is committed later: there is one log, in order.
    relaxed: PgPool,
}

/// Connects to a database and brings its tables to this version.
async fn open(database: &Database) -> Result<Pools, StoreError> {
    let options = options(database)?;
    let mut first = connect(&options).await?;
    sql::migrator(MIGRATIONS).run(&mut first).await?;
    // The tables are there: that it was not said goodbye to properly does not matter.
    let _ = first.close().await;
    Ok(Pools::new(&options))
}

/// Connects to a database whose tables another process keeps at its version, which must be this one.
async fn open_to_read(database: &Database) -> Result<Pools, StoreError> {
    let options = options(database)?;
    let mut first = connect(&options).await?;
    let newest = sqlx::query(sql::VERSION).fetch_one(&mut first).await;
    let newest = newest.and_then(|row| row.try_get::<Option<i64>, _>(0));
    let _ = first.close().await;
    // Without tables there is no version either.
    match newest {
        Ok(newest) if newest == MIGRATIONS.last().map(|(version, ..)| *version) => {
            Ok(Pools::new(&options))
        }
        _ => Err(StoreError::NotReady),
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connected = timeout(2 * CONNECT, options.connect()).await;
    let connected = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    connected.map_err(|error| StoreError::Unreachable { at: place(options), error })
}

impl Pools {
    fn new(options: &PgConnectOptions) -> Self {
        let pool = |connections, commit| {
            let options = options.clone().options([("synchronous_commit", commit)]);
            let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(CONNECT);
            pool.connect_lazy_with(options)
        };
        Self { durable: pool(CONNECTIONS.0, "on"), relaxed: pool(CONNECTIONS.1, "off") }
    }

    /// Whose tables these are.
    async fn owner(&self, role: Role) -> Result<[u8; 32], StoreError> {
        let owner = sqlx::query(sql::OWNER).bind(role.to_string());
        let row = owner.fetch_optional(&self.durable).await?.ok_or(StoreError::NotReady)?;
        row::array(&row, "server")
    }

    async fn claim(&self, role: Role, server: &ServerId) -> Result<[u8; 32], StoreError> {
        let claim = sqlx::query(sql::OWN).bind(role.to_string()).bind(&server.as_bytes()[..]);
        claim.execute(&self.durable).await?;
        self.owner(role).await
    }

    async fn close(&self) {
        self.durable.close().await;
        self.relaxed.close().await;
    }
}

/// What the URL and the environment say. To another machine the connection is encrypted and its certificate checked,
/// unless they say otherwise.
fn options(database: &Database) -> Result<PgConnectOptions, StoreError> {
    let mut options = PgConnectOptions::from_str(&database.url).map_err(StoreError::Url)?;
    if let Some(file) = &database.password_file {
        options = options.password(&password(file)?);
    }
    let chosen = database.url.contains("sslmode=")
        || database.url.contains("ssl-mode=")
        || std::env::var_os("PGSSLMODE").is_some();
    if !chosen && !is_here(&options) {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    Ok(options)
}

fn password(file: &Path) -> Result<Zeroizing<String>, StoreError> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|error| StoreError::Password(file.to_owned(), error))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Whether the server is on this machine.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host.starts_with('/') || host == "localhost" || loopback
}

/// Where the server is, for messages.
fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// The folder `migrations/postgres`.
const MIGRATIONS: &[sql::Migration] = &[
    (1, "registrations", include_str!("../../migrations/postgres/0001_registrations.sql")),
    (2, "mailboxes", include_str!("../../migrations/postgres/0002_mailboxes.sql")),
    (3, "message blocks", include_str!("../../migrations/postgres/0003_message_blocks.sql")),
];

#[cfg(test)]
mod tests;
