//! Registrations in PostgreSQL.

use zephyr_core::{Address, Role, ServerId};

use super::attempts::attempt;
use super::{Pools, open};
use crate::store::row::{from_time, registration};
use crate::store::{Database, Registrations, StoreError, sql::registrations as sql};
use zephyr_machine::pkg::Registration;

/// Registrations in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresRegistrations(Pools);

impl PostgresRegistrations {
    /// Connects to the database and brings its tables to this version.
    ///
    /// # Errors
    /// If it cannot be reached or written, or was made by a newer version.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        open(database).await.map(Self)
    }

    pub(in crate::store) async fn claim(
        &self,
        role: Role,
        server: &ServerId,
    ) -> Result<[u8; 32], StoreError> {
        self.0.claim(role, server).await
    }

    /// Closes the connections when all that is under way is done.
    pub async fn close(&self) {
        self.0.close().await;
    }

    async fn try_load(&self, address: &Address) -> Result<Option<Registration>, StoreError> {
        let load = sqlx::query(sql::LOAD).bind(address.as_str());
        let row = load.fetch_optional(&self.0.durable).await?;
        row.as_ref().map(registration).transpose()
    }

    async fn try_put(
        &self,
        address: &Address,
        registration: &Registration,
    ) -> Result<(), StoreError> {
        let replacement = registration.replacement.as_ref();
        sqlx::query(sql::PUT)
            .bind(address.as_str())
            .bind(&registration.key.as_bytes()[..])
            .bind(from_time(registration.since))
            .bind(replacement.map(|next| &next.key.as_bytes()[..]))
            .bind(replacement.map(|next| from_time(next.from)))
            .execute(&self.0.durable)
            .await?;
        Ok(())
    }

    async fn try_delete(&self, address: &Address) -> Result<(), StoreError> {
        sqlx::query(sql::DELETE).bind(address.as_str()).execute(&self.0.durable).await?;
        Ok(())
    }
}

impl Registrations for PostgresRegistrations {
    async fn load(&self, address: &Address) -> Result<Option<Registration>, StoreError> {
        attempt!(self.try_load(address))
    }

    async fn put(&self, address: &Address, registration: &Registration) -> Result<(), StoreError> {
        attempt!(self.try_put(address, registration))
    }

    async fn delete(&self, address: &Address) -> Result<(), StoreError> {
        attempt!(self.try_delete(address))
    }
}
