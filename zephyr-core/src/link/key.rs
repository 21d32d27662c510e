//! A server's key for its links.

use core::fmt;

use super::noise::Secret;
use crate::crypto::suite::Dh;

/// A server's static X25519 key, with the public half that the manifest names: computed once, not for each link.
///
/// The secret is wiped when it is dropped.
pub struct LinkKey {
    pub(super) secret: Secret<32>,
    public: [u8; 32],
}

impl LinkKey {
    /// The key whose secret is `secret`.
    pub fn new<D: Dh>(secret: &[u8; 32]) -> Self {
        Self { secret: Secret(*secret), public: D::public(secret) }
    }

    /// The public half.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }
}

/// Without the secret.
impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkKey").finish_non_exhaustive()
    }
}
