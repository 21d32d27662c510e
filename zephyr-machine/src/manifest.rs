//! A manifest that the parts of a server share.

use zephyr_core::{Manifest, ManifestError, Role, Round, ServerEntry, ServerId};

/// A checked manifest, cheap to clone and to look at. Its bytes stay in memory as long as the program runs: servers
/// look at it for every packet and record, and parsing is too much for that.
#[derive(Clone, Debug)]
pub struct SharedManifest(Manifest<'static>);

impl SharedManifest {
    /// Checks `bytes` and keeps them.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, ManifestError> {
        Manifest::parse(bytes.as_ref())?;
        Manifest::parse(Box::leak(bytes.as_ref().into())).map(Self)
    }

    /// The manifest.
    pub fn get(&self) -> Manifest<'_> {
        self.0.clone()
    }

    /// The version in effect in `round`: everything of a round goes by it.
    pub fn at(&self, _round: Round) -> Manifest<'_> {
        self.get()
    }

    /// The server with the identity `id`, with its role and index.
    pub fn find(&self, id: &ServerId) -> Option<(Role, usize, ServerEntry<'_>)> {
        let manifest = self.get();
        let (role, index) = manifest.find(id)?;
        Some((role, index, manifest.server(role, index)?))
    }
}
