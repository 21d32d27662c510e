//! People from whom nothing is taken.

use sqlx::SqliteConnection;
use zephyr_core::{Address, UnixMs};

use super::home::address;
use super::{Store, StoreError, contacts};

impl Store {
    /// Removes a contact, what is in the outbox for it and what of it is not complete, and drops what comes from
    /// this address from then on. `false` if it was blocked already.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn block(&self, address: &Address, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        contacts::remove(&mut tx, address, now).await?;
        let query = sqlx::query("DELETE FROM incoming WHERE sender = $1").bind(address.as_str());
        query.execute(&mut *tx).await?;
        let query = "INSERT INTO blocked (address, blocked_at) VALUES ($1, $2)
             ON CONFLICT (address) DO NOTHING";
        let query = sqlx::query(query).bind(address.as_str()).bind(now.0.cast_signed());
        let blocked = query.execute(&mut *tx).await?.rows_affected() > 0;
        tx.commit().await?;
        Ok(blocked)
    }

    /// Takes again what comes from this address. `false` if it was not blocked.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn unblock(&self, address: &Address) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM blocked WHERE address = $1").bind(address.as_str());
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// All addresses that are blocked, the one that was blocked first at the beginning.
    ///
    /// # Errors
    /// The database's.
    pub async fn blocked(&self) -> Result<Vec<Address>, StoreError> {
        let query = "SELECT address FROM blocked ORDER BY blocked_at, address";
        let addresses: Vec<String> = sqlx::query_scalar(query).fetch_all(&self.pool).await?;
        addresses.iter().map(|text| address(text)).collect()
    }
}

/// Whether nothing is taken from `address`.
pub(super) async fn is_blocked(
    db: &mut SqliteConnection,
    address: &str,
) -> Result<bool, StoreError> {
    let query = sqlx::query("SELECT 1 FROM blocked WHERE address = $1").bind(address);
    Ok(query.fetch_optional(db).await?.is_some())
}
