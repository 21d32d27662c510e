//! How far the registration with each PKG has come.

use sqlx::Row;
use zephyr_core::{Manifest, Role, ServerId, UnixMs};

use super::{Store, StoreError};

/// How far the registration with a PKG has come, as far as this home knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registration {
    /// Nothing was asked for.
    None,
    /// A code was asked for.
    CodeSent,
    /// The address is registered to this home's key.
    Registered,
    /// This home's key replaces another one later, unless that one vetoes.
    Waiting {
        /// When.
        until: UnixMs,
    },
}

impl Store {
    /// How far the registration with `pkg` has come.
    ///
    /// # Errors
    /// The database's.
    pub async fn registration(&self, pkg: &ServerId) -> Result<Registration, StoreError> {
        let query = sqlx::query("SELECT state, until FROM registrations WHERE pkg = $1");
        let row = query.bind(&pkg.as_bytes()[..]).fetch_optional(&self.pool).await?;
        let Some(row) = row else { return Ok(Registration::None) };
        let until: Option<i64> = row.try_get("until")?;
        Ok(match row.try_get::<i64, _>("state")? {
            0 => Registration::CodeSent,
            1 => Registration::Registered,
            _ => Registration::Waiting { until: UnixMs(until.unwrap_or(0).cast_unsigned()) },
        })
    }

    /// Notes how far the registration with `pkg` has come.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn set_registration(
        &self,
        pkg: &ServerId,
        registration: Registration,
    ) -> Result<(), StoreError> {
        let pkg = &pkg.as_bytes()[..];
        let (state, until) = match registration {
            Registration::None => {
                let query = sqlx::query("DELETE FROM registrations WHERE pkg = $1").bind(pkg);
                query.execute(&self.pool).await?;
                return Ok(());
            }
            Registration::CodeSent => (0, None),
            Registration::Registered => (1, None),
            Registration::Waiting { until } => (2, Some(until.0.cast_signed())),
        };
        let query = "INSERT INTO registrations (pkg, state, until) VALUES ($1, $2, $3)
             ON CONFLICT (pkg) DO UPDATE SET state = excluded.state, until = excluded.until";
        sqlx::query(query).bind(pkg).bind(state).bind(until).execute(&self.pool).await?;
        Ok(())
    }

    /// All PKGs of `manifest` gave their shares: the address is registered with each of them.
    pub(crate) async fn confirm_registrations(
        &self,
        manifest: &Manifest<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        for pkg in manifest.servers(Role::Pkg) {
            let query = "INSERT INTO registrations (pkg, state) VALUES ($1, 1)
                 ON CONFLICT (pkg) DO UPDATE SET state = 1, until = NULL WHERE state <> 1";
            sqlx::query(query).bind(&pkg.id.as_bytes()[..]).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
