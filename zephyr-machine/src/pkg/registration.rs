//! Whose address it is.

use zephyr_core::wire::PkgReply;
use zephyr_core::{ClientKey, UnixMs};

/// What a PKG keeps of a registered address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The registered key.
    pub key: ClientKey,
    /// Since when it is registered.
    pub since: UnixMs,
    /// The key that is to replace it, if any.
    pub replacement: Option<Replacement>,
}

/// A key that waits for its registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The key.
    pub key: ClientKey,
    /// When it replaces the registered one.
    pub from: UnixMs,
}

impl Registration {
    /// Of `key`, from now on.
    pub fn new(key: ClientKey, since: UnixMs) -> Self {
        Self { key, since, replacement: None }
    }

    /// What it has become by `now`: a replacement takes effect when its time has come.
    pub fn at(&self, now: UnixMs) -> Self {
        match self.replacement {
            Some(next) if next.from <= now => Self::new(next.key, next.from),
            _ => *self,
        }
    }

    /// Where `key` stands; `None` if it is neither registered nor waiting.
    pub(super) fn state_of(&self, key: &ClientKey) -> Option<PkgReply> {
        match self.replacement {
            _ if self.key == *key => Some(PkgReply::Registered),
            Some(next) if next.key == *key => Some(PkgReply::Waiting { until: next.from }),
            _ => None,
        }
    }
}
