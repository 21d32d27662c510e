//! `zephyr_client *` is a number that is never used again: whatever a program passes, nothing wrong is read.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::engine::Engine;
use crate::abi::Failure;
use crate::abi::zephyr_status::*;

/// A client with I/O inside: a home in a folder that is open, and the threads that work for it. All threads may use it
/// at any time. It is no pointer to anything: a client that was closed is always recognised (ZEPHYR_ERROR_HANDLE).
///
/// If it is closed while another thread is in a call, that call ends with ZEPHYR_ERROR_CLOSED; whether it had done its
/// work already shows when the home is opened again.
pub struct zephyr_client(());

struct Registry {
    last: usize,
    clients: BTreeMap<usize, Arc<Engine>>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { last: 0, clients: BTreeMap::new() });

fn registry() -> MutexGuard<'static, Registry> {
    // Each of the steps below is one that can't stop halfway.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a client its number.
pub(super) fn insert(engine: Arc<Engine>) -> *mut zephyr_client {
    let mut registry = registry();
    registry.last = registry.last.checked_add(1).expect("nobody opens so many clients");
    let number = registry.last;
    registry.clients.insert(number, engine);
    ptr::without_provenance_mut(number)
}

/// The client with this number.
pub(super) fn find(client: *mut zephyr_client) -> Result<Arc<Engine>, Failure> {
    if client.is_null() {
        return Err(ZEPHYR_ERROR_NULL.into());
    }
    registry().clients.get(&client.addr()).cloned().ok_or(ZEPHYR_ERROR_HANDLE.into())
}

/// From now on the number belongs to nobody.
pub(super) fn remove(client: *mut zephyr_client) -> Result<Arc<Engine>, Failure> {
    registry().clients.remove(&client.addr()).ok_or(ZEPHYR_ERROR_HANDLE.into())
}

#[cfg(test)]
mod tests {
    use super::super::testing::home;
    use super::*;

    fn status(result: Result<Arc<Engine>, Failure>) -> crate::abi::zephyr_status {
        result.map_or_else(|failure| failure.status, |_| ZEPHYR_OK)
    }

    #[test]
    fn a_closed_client_is_recognised_and_its_number_is_not_used_again() {
        let open = || insert(Engine::open(home).expect("a home in memory"));
        let (first, second) = (open(), open());
        assert_eq!((status(find(first)), status(find(second))), (ZEPHYR_OK, ZEPHYR_OK));
        remove(first).expect("it is there").close();
        assert_eq!(status(find(first)), ZEPHYR_ERROR_HANDLE);
        assert_eq!(status(remove(first)), ZEPHYR_ERROR_HANDLE);
        let third = open();
        assert!(third != first && third != second);
        for client in [second, third] {
            remove(client).expect("it is there").close();
        }
        assert_eq!(status(find(ptr::null_mut())), ZEPHYR_ERROR_NULL);
        assert_eq!(status(find(ptr::without_provenance_mut(usize::MAX))), ZEPHYR_ERROR_HANDLE);
    }

    #[test]
    fn who_found_a_client_before_it_was_closed_is_told() {
        let client = insert(Engine::open(home).expect("a home in memory"));
        let found = find(client).expect("it is there");
        remove(client).expect("it is there").close();
        let result = found.call(async |_| Ok(()));
        assert_eq!(result.map_err(|failure| failure.status), Err(ZEPHYR_ERROR_CLOSED));
        found.close();
    }

    #[test]
    fn calls_from_a_runtime_are_refused() {
        let client = insert(Engine::open(home).expect("a home in memory"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let inside = runtime.block_on(async { find(client)?.call(async |_| Ok(())) });
        assert_eq!(inside.map_err(|failure| failure.status), Err(ZEPHYR_ERROR_IN_CALLBACK));
        remove(client).expect("it is there").close();
    }
}
