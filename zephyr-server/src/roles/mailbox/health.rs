//! Whether the database works, for the operator's log.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::StoreError;

/// Warns once when something begins to fail and says when it works again, not at every request.
#[derive(Debug)]
pub(super) struct Health {
    what: &'static str,
    failing: AtomicBool,
}

impl Health {
    /// Of `what`, such as "written".
    pub(super) const fn new(what: &'static str) -> Self {
        Self { what, failing: AtomicBool::new(false) }
    }

    pub(super) fn failed(&self, error: &StoreError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %error,
                "the mailboxes can't be {}: rounds are lost for this server until they can; free or mount the disk, the \
                 server goes on by itself",
                self.what
            );
        }
    }

    pub(super) fn works(&self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::warn!("the mailboxes can be {} again", self.what);
        }
    }
}
