//! Registrations that end with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zephyr_core::Address;

use super::{Registrations, StoreError};
use zephyr_machine::pkg::Registration;

/// Registrations in memory, for tests and simulations.
#[derive(Debug, Default)]
pub struct MemoryRegistrations(Mutex<HashMap<Address, Registration>>);

impl MemoryRegistrations {
    fn table(&self) -> MutexGuard<'_, HashMap<Address, Registration>> {
        // Every change is a single operation: a panic elsewhere leaves no half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registrations for MemoryRegistrations {
    async fn load(&self, address: &Address) -> Result<Option<Registration>, StoreError> {
        Ok(self.table().get(address).copied())
    }

    async fn put(&self, address: &Address, registration: &Registration) -> Result<(), StoreError> {
        self.table().insert(address.clone(), *registration);
        Ok(())
    }

    async fn delete(&self, address: &Address) -> Result<(), StoreError> {
        self.table().remove(address);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn conforms() {
        conformance::registrations(async || MemoryRegistrations::default()).await;
    }
}
