//! Where a server keeps what must survive.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// The URL of a database: `sqlite:///path/to/file.db`, `sqlite::memory:`, or `postgres://user@host/name`.
///
/// A password may stand in the URL, so it is never shown.
#[derive(Clone)]
pub struct Database {
    pub(super) url: Zeroizing<String>,
    pub(super) password_file: Option<PathBuf>,
}

impl Database {
    /// The database at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Zeroizing::new(url.into()), password_file: None }
    }

    /// A database that ends with the process.
    pub fn memory() -> Self {
        Self::new("sqlite::memory:")
    }

    /// With the password in this file, for PostgreSQL.
    pub fn with_password_file(self, file: Option<PathBuf>) -> Self {
        Self { password_file: file, ..self }
    }

    /// Whether it is PostgreSQL's, which several processes and machines can use at a time.
    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres://") || self.url.starts_with("postgresql://")
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split(':').next().unwrap_or_default();
        write!(f, "Database({scheme}:…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let database = Database::new("postgres://zephyr:secret@host/name");
        assert_eq!(format!("{database:?}"), "Database(postgres:…)");
        assert!(database.is_postgres() && !Database::memory().is_postgres());
    }
}
