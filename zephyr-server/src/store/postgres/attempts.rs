//! Asking PostgreSQL again.

use std::time::Duration;

use tokio::time::timeout;

use crate::store::StoreError;

/// How long a transaction may take. A server that cannot be reached any more says nothing at all.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a transaction is tried.
const ATTEMPTS: u32 = 8;

/// Runs a transaction, and runs it again if the server took it back because it met another one. Nothing of it has
/// happened then; what ends otherwise may have, and is not repeated.
macro_rules! attempt {
    ($transaction:expr) => {{
        let mut attempts = $crate::store::postgres::attempts::Attempts::default();
        loop {
            match attempts.judge($transaction).await {
                Some(result) => break result,
                None => continue,
            }
        }
    }};
}
pub(super) use attempt;

/// The attempts at one transaction.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// What it ended with; `None` if it is to be tried again.
    pub(super) async fn judge<T>(
        &mut self,
        transaction: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<Result<T, StoreError>> {
        self.0 += 1;
        match timeout(PATIENCE, transaction).await {
            Err(_) => Some(Err(StoreError::Silent)),
            Ok(Err(error)) if self.0 < ATTEMPTS && was_taken_back(&error) => None,
            Ok(result) => Some(result),
        }
    }
}

/// Whether the server took a transaction back because of another one: it could not be put into an order with it, waited
/// for it in a circle, or wrote the same key.
fn was_taken_back(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(error)) = error else { return false };
    matches!(error.code().as_deref(), Some("40001" | "40P01" | "23505"))
}
