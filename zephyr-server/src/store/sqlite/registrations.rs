//! Registrations in SQLite.

use sqlx::SqlitePool;
use zephyr_core::{Address, Role, ServerId};

use super::{claim, open_sqlite};
use crate::store::row::{from_time, registration};
use crate::store::{Registrations, StoreError, sql::registrations as sql};
use zephyr_machine::pkg::Registration;

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

    pub(in crate::store) async fn claim(
        &self,
        role: Role,
        server: &ServerId,
    ) -> Result<[u8; 32], StoreError> {
        claim(&self.0, role, server).await
    }

    /// Closes the database when all that is under way is done.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl Registrations for SqliteRegistrations {
    async fn load(&self, address: &Address) -> Result<Option<Registration>, StoreError> {
        let row = sqlx::query(sql::LOAD).bind(address.as_str()).fetch_optional(&self.0).await?;
        row.as_ref().map(registration).transpose()
    }

    async fn put(&self, address: &Address, registration: &Registration) -> Result<(), StoreError> {
        let replacement = registration.replacement.as_ref();
        sqlx::query(sql::PUT)
            .bind(address.as_str())
            .bind(&registration.key.as_bytes()[..])
            .bind(from_time(registration.since))
            .bind(replacement.map(|next| &next.key.as_bytes()[..]))
            .bind(replacement.map(|next| from_time(next.from)))
            .execute(&self.0)
            .await?;
        Ok(())
    }

    async fn delete(&self, address: &Address) -> Result<(), StoreError> {
        sqlx::query(sql::DELETE).bind(address.as_str()).execute(&self.0).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use zephyr_core::{ClientKey, UnixMs};

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
