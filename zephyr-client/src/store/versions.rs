//! The versions of the network's manifest that the home knows.

use sqlx::SqlitePool;

use super::home::Home;
use super::{Store, StoreError};
use crate::network::Network;

pub(super) async fn load(pool: &SqlitePool, first: &[u8]) -> Result<Network, StoreError> {
    let mut network = Network::from_manifest(first).map_err(|_| StoreError::Damaged)?;
    let query = sqlx::query_scalar("SELECT signed FROM manifests ORDER BY version");
    for signed in query.fetch_all(pool).await? {
        let signed: Vec<u8> = signed;
        network.add(&signed).map_err(|_| StoreError::Damaged)?;
    }
    Ok(network)
}

/// Takes over what `network` knows and the home does not.
pub(super) async fn follow(
    pool: &SqlitePool,
    home: &Home,
    network: &Network,
) -> Result<(), StoreError> {
    let known = home.network();
    let common = known.updates().zip(network.updates());
    if known.id() != network.id() || common.into_iter().any(|(a, b)| !same_version(a, b)) {
        return Err(StoreError::OtherNetwork);
    }
    for signed in network.updates().skip(known.updates().len()) {
        add(pool, home, signed).await?;
    }
    Ok(())
}

/// The same manifest may have been signed by more or fewer.
fn same_version(a: &[u8], b: &[u8]) -> bool {
    let hash = |bytes| Some(zephyr_core::SignedManifest::parse(bytes).ok()?.manifest().hash());
    hash(a) == hash(b)
}

async fn add(pool: &SqlitePool, home: &Home, signed: &[u8]) -> Result<bool, StoreError> {
    let mut network = home.network();
    if let Err(error) = network.add(signed) {
        tracing::warn!(%error, "a new version of the network is refused");
        return Ok(false);
    }
    let query = sqlx::query("INSERT INTO manifests (version, signed) VALUES ($1, $2)");
    let version = network.manifest().version();
    query.bind(i64::from(version)).bind(signed).execute(pool).await?;
    home.set_network(network);
    Ok(true)
}

impl Store {
    /// Keeps the signed manifest that follows the network's newest version. `false` if it does not follow, or is not
    /// signed by those who must.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_version(&self, signed: &[u8]) -> Result<bool, StoreError> {
        add(&self.pool, &self.home, signed).await
    }
}
