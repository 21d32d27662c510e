//! The network's manifest in all versions that are known, which the parts of a server share.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use zephyr_core::{
    Manifest, ManifestError, NetworkId, Role, Round, ServerEntry, ServerId, SignedManifest, Suite,
    UnixMs, UpdateError,
};

use crate::board::SPARE_ROUNDS;

/// All versions of a manifest, checked, cheap to clone and to look at. Clones are the same: a version that is added to
/// one is known to all. Its bytes stay in memory as long as the program runs: servers look at it for every packet and
/// record, and parsing is too much for that; and there are only as many versions as the network's servers sign.
#[derive(Clone, Debug)]
pub struct SharedManifest(Arc<RwLock<Vec<Version>>>);

#[derive(Clone, Debug)]
struct Version {
    manifest: Manifest<'static>,
    /// With the signatures of the version before; empty for the first.
    signed: &'static [u8],
}

/// Why a version is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// The bytes are no signed manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It does not follow the newest version, or is not signed by those who must.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

impl SharedManifest {
    /// Checks `bytes`, the first version of a manifest, and keeps them.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, ManifestError> {
        if Manifest::parse(bytes.as_ref())?.version() > 0 {
            return Err(ManifestError::Malformed);
        }
        let manifest = Manifest::parse(Box::leak(bytes.as_ref().into()))?;
        Ok(Self(Arc::new(RwLock::new(vec![Version { manifest, signed: &[] }]))))
    }

    /// Adds a signed manifest that follows the newest version; `false` if it is known already.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub fn add<S: Suite>(&self, signed: &[u8]) -> Result<bool, VersionError> {
        let mut versions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = SignedManifest::parse(signed)?;
        let hash = new.manifest().hash();
        if versions.iter().any(|known| known.manifest.hash() == hash) {
            return Ok(false);
        }
        let newest = versions.last().expect("there is a first version");
        new.verify::<S>(&newest.manifest)?;
        let signed: &'static [u8] = Box::leak(signed.into());
        let manifest = SignedManifest::parse(signed)?.manifest().clone();
        versions.push(Version { manifest, signed });
        Ok(true)
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Version>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest version, which may not be in effect yet: for what all versions have in common, as the network's id
    /// and the times of rounds.
    pub fn get(&self) -> Manifest<'static> {
        self.read().last().expect("there is a first version").manifest.clone()
    }

    /// The network.
    pub fn network(&self) -> NetworkId {
        *self.get().network()
    }

    /// The version in effect in `round`: everything of a round goes by it.
    pub fn at(&self, round: Round) -> Manifest<'static> {
        let versions = self.read();
        let in_effect = |version: &&Version| version.manifest.from_round() <= round;
        let version = versions.iter().rev().find(in_effect);
        version.expect("the first is in effect from round 0 on").manifest.clone()
    }

    /// The signed manifest of a version; `None` of the first one, which nobody signs, and of those not known.
    pub fn signed(&self, version: u32) -> Option<&'static [u8]> {
        let versions = self.read();
        let found = versions.iter().find(|known| known.manifest.version() == version)?;
        Some(found.signed).filter(|signed| !signed.is_empty())
    }

    /// The server with the identity `id`, with its role and index, in the newest version that lists it.
    pub fn find(&self, id: &ServerId) -> Option<(Role, usize, ServerEntry<'static>)> {
        self.read().iter().rev().find_map(|Version { manifest, .. }| {
            let (role, index) = manifest.find(id)?;
            Some((role, index, manifest.server(role, index)?))
        })
    }

    /// All servers that have, or will have, something to say to each other: those of the version in effect at `now`,
    /// then those of later ones, and of an earlier one while its last rounds are under way. Each stands here once, as the
    /// first of these versions lists it.
    pub fn servers(&self, now: UnixMs) -> Vec<ServerEntry<'static>> {
        let versions = self.read();
        let parameters = *versions[0].manifest.parameters();
        let opened = |at| parameters.opened_by(at).unwrap_or(Round(0));
        let spare = SPARE_ROUNDS * u64::from(parameters.round_ms);
        // The longest way of a round; `hops` may differ between versions.
        let spans = versions.iter().map(|version| version.manifest.parameters().span_ms());
        let span = spans.max().unwrap_or_default() + spare;
        let (current, oldest) = (opened(now), opened(UnixMs(now.0.saturating_sub(span))));
        let place = |round| versions.iter().rposition(|v| v.manifest.from_round() <= round);
        let (current, oldest) = (place(current).unwrap_or(0), place(oldest).unwrap_or(0));
        let order = (current..versions.len()).chain((oldest..current).rev());
        let mut seen = HashSet::new();
        order
            .flat_map(|place| versions[place].manifest.all())
            .filter(|server| seen.insert(server.id))
            .collect()
    }
}

#[cfg(test)]
mod tests;
