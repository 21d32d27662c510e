//! The local clock.

use std::time::{SystemTime, UNIX_EPOCH};

use zephyr_core::UnixMs;

/// The local time.
pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(since.as_millis().try_into().unwrap_or(u64::MAX))
}
