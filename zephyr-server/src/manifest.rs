//! A manifest that the parts of a server share.

use std::sync::Arc;

use zephyr_core::{Manifest, ManifestError, Role, ServerEntry, ServerId};

/// A checked manifest, cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedManifest(Arc<[u8]>);

impl SharedManifest {
    /// Checks `bytes` and keeps them.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ManifestError> {
        let bytes = bytes.into();
        Manifest::parse(&bytes)?;
        Ok(Self(bytes))
    }

    /// The manifest.
    pub fn get(&self) -> Manifest<'_> {
        Manifest::parse(&self.0).expect("checked when it was shared")
    }

    /// The server with the identity `id`, with its role and index.
    pub fn find(&self, id: &ServerId) -> Option<(Role, usize, ServerEntry<'_>)> {
        let manifest = self.get();
        let (role, index) = manifest.find(id)?;
        Some((role, index, manifest.server(role, index)?))
    }
}
