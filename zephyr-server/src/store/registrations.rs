//! Registered addresses.

use std::future::Future;

use zephyr_core::Address;

use super::StoreError;
use zephyr_machine::pkg::Registration;

/// Where a PKG keeps its registrations. What a method has returned from survives a crash.
pub trait Registrations: Send + Sync + 'static {
    /// The registration of `address`.
    fn load(
        &self,
        address: &Address,
    ) -> impl Future<Output = Result<Option<Registration>, StoreError>> + Send;

    /// Inserts or replaces the registration of `address`, whole or not at all.
    fn put(
        &self,
        address: &Address,
        registration: &Registration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes the registration of `address`, if there is one.
    fn delete(&self, address: &Address) -> impl Future<Output = Result<(), StoreError>> + Send;
}
