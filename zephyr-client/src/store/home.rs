//! Whose home it is, and what must not repeat.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use getrandom::SysRng;
use rand_core::TryRng;
use sqlx::{Row, SqlitePool};
use zephyr_core::{Address, DirectoryHash, Round};
use zeroize::Zeroizing;

use super::{Store, StoreError, versions};
use crate::clock;
use crate::network::Network;

/// The user, the secret and the network of a home.
pub struct Home {
    address: Address,
    seed: Zeroizing<[u8; 32]>,
    network: RwLock<Network>,
}

impl Home {
    /// The user's address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The network, with the versions of its manifest that are known now.
    pub fn network(&self) -> Network {
        self.network.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_network(&self, network: Network) {
        *self.network.write().unwrap_or_else(PoisonError::into_inner) = network;
    }

    /// The secret from which all the user's keys come.
    pub(crate) fn seed(&self) -> &Zeroizing<[u8; 32]> {
        &self.seed
    }

    pub(super) async fn load(pool: &SqlitePool) -> Result<Option<Self>, StoreError> {
        let query = sqlx::query("SELECT address, seed, manifest FROM home");
        let Some(row) = query.fetch_optional(pool).await? else { return Ok(None) };
        let bytes = Zeroizing::new(row.try_get::<Vec<u8>, _>("seed")?);
        let mut seed = Zeroizing::new([0; 32]);
        if bytes.len() != seed.len() {
            return Err(StoreError::Damaged);
        }
        seed.copy_from_slice(&bytes);
        let address = address(row.try_get("address")?)?;
        let network = versions::load(pool, row.try_get("manifest")?).await?;
        Ok(Some(Self { address, seed, network: RwLock::new(network) }))
    }

    pub(super) async fn create(
        pool: &SqlitePool,
        address: &Address,
        network: &Network,
    ) -> Result<Self, StoreError> {
        if let Some(home) = Self::load(pool).await? {
            return if home.address != *address {
                Err(StoreError::OtherAddress(Box::new(home.address)))
            } else {
                versions::follow(pool, &home, network).await?;
                Ok(home)
            };
        }
        let mut seed = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(&mut *seed)?;
        let query =
            "INSERT INTO home (id, address, seed, manifest, created_at) VALUES (1, $1, $2, $3, $4)";
        sqlx::query(query)
            .bind(address.as_str())
            .bind(&seed[..])
            .bind(network.first().as_bytes())
            .bind(clock::now().0.cast_signed())
            .execute(pool)
            .await?;
        let first = network.first_alone();
        let home = Self { address: address.clone(), seed, network: RwLock::new(first) };
        versions::follow(pool, &home, network).await?;
        Ok(home)
    }
}

/// Prints neither the secret nor the address.
impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("network", &self.network()).finish_non_exhaustive()
    }
}

impl Store {
    /// Whether messages of people who are no contacts are left unopened.
    ///
    /// # Errors
    /// The database's.
    pub async fn contacts_only(&self) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar("SELECT contacts_only <> 0 FROM home");
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Sets whether messages of people who are no contacts are left unopened, from the next start on.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_contacts_only(&self, on: bool) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE home SET contacts_only = $1").bind(on);
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// The newest round in which a slot may have been filled, with its directory.
    ///
    /// # Errors
    /// The database's.
    pub async fn last_round(&self) -> Result<Option<(Round, DirectoryHash)>, StoreError> {
        let query = "SELECT last_round, last_directory FROM home WHERE last_round IS NOT NULL";
        let row = sqlx::query(query).fetch_optional(&self.pool).await?;
        row.map(|row| {
            let directory: Vec<u8> = row.try_get("last_directory")?;
            let directory = directory.try_into().map_err(|_| StoreError::Damaged)?;
            let round = Round(row.try_get::<i64, _>("last_round")?.cast_unsigned());
            Ok((round, DirectoryHash::from_bytes(directory)))
        })
        .transpose()
    }
}

/// An address as it stands in the database.
pub(super) fn address(text: &str) -> Result<Address, StoreError> {
    Address::from_canonical(text).ok_or(StoreError::Damaged)
}
