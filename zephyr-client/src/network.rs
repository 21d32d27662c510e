//! A network as a file that people can read and compare: `network.toml`, and the manifest that stands behind it.

mod file;
mod next;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zephyr_blst::Native;
use zephyr_core::{
    MAX_MANIFEST, Manifest, ManifestError, NetworkId, Parameters, Round, ServerEntry,
    SignedManifest, UpdateError,
};

use file::NetworkFile;

pub use next::NextVersion;

/// Why a network file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The file cannot be read.
    #[error("the network file {path} can't be read: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The text is not a network file.
    #[error("this is not a network file, get a fresh copy: {0}")]
    Syntax(String),
    /// A value is none that it can have.
    #[error("in the network file {field} is wrong: {wanted}")]
    Value {
        /// Which.
        field: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The contents are no network.
    #[error("the network file describes no usable network: {0}")]
    Manifest(#[from] ManifestError),
    /// Somebody or something changed the file.
    #[error(
        "the network file was altered: its id is {claimed} but its contents hash to {actual}; get a fresh copy"
    )]
    Altered {
        /// The id in the file.
        claimed: NetworkId,
        /// The id that its contents give.
        actual: NetworkId,
    },
    /// A later version does not follow.
    #[error("a later version of the network can't be used: {0}")]
    Update(#[from] UpdateError),
    /// The newest version lacks signatures.
    #[error(
        "version {version} in the network file is not signed by enough servers yet: see `zephyr network show`"
    )]
    Unsigned {
        /// Which.
        version: u32,
    },
    /// Two copies that should be alike are not.
    #[error("the two files hold different new versions of the network")]
    OtherVersion,
    /// A manifest whose servers stand in another order than a file has them.
    #[error("this manifest can't be written as a network file")]
    Unwritable,
}

/// A network that clients can join: its first manifest and all later versions that are known, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Network {
    first: Arc<[u8]>,
    /// Signed, each by the servers of the one before.
    updates: Vec<Arc<[u8]>>,
}

impl Network {
    /// Reads a network file.
    ///
    /// # Errors
    /// See [`NetworkError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, NetworkError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| NetworkError::Read { path: path.to_owned(), error })?;
        Self::parse(&text)
    }

    /// Reads the text of a network file. Its id must be the hash of its first version, and each later one be signed.
    ///
    /// # Errors
    /// See [`NetworkError`].
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        match Self::parse_next(text)? {
            (network, None) => Ok(network),
            (_, Some(next)) => Err(NetworkError::Unsigned { version: next.manifest().version() }),
        }
    }

    /// Reads the text of a network file whose last version may still lack signatures.
    ///
    /// # Errors
    /// See [`NetworkError`].
    pub fn parse_next(text: &str) -> Result<(Self, Option<NextVersion>), NetworkError> {
        let file: NetworkFile =
            toml::from_str(text).map_err(|e| NetworkError::Syntax(e.to_string()))?;
        let mut network = Self::from_manifest(&file.first()?)?;
        let count = file.updates();
        for place in 0..count {
            let signed = file.update(place, &network.manifest())?;
            match network.add(&signed) {
                Ok(()) => {}
                Err(NetworkError::Update(
                    UpdateError::PkgMissing(_) | UpdateError::MixersMissing,
                )) if place + 1 == count => {
                    let next = NextVersion::from_bytes(&network, &signed)?;
                    return Ok((network, Some(next)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((network, None))
    }

    /// A new network of these servers.
    ///
    /// # Errors
    /// If there can be no such network.
    pub fn new(parameters: &Parameters, servers: &[ServerEntry<'_>]) -> Result<Self, NetworkError> {
        Ok(Self { first: first_version(parameters, servers)?.into(), updates: Vec::new() })
    }

    /// The network of a first manifest.
    ///
    /// # Errors
    /// If the bytes are none.
    pub fn from_manifest(bytes: &[u8]) -> Result<Self, NetworkError> {
        if Manifest::parse(bytes)?.version() > 0 {
            return Err(UpdateError::Version.into());
        }
        Ok(Self { first: bytes.into(), updates: Vec::new() })
    }

    /// The network as if no later version were known.
    pub(crate) fn first_alone(&self) -> Self {
        Self { first: self.first.clone(), updates: Vec::new() }
    }

    /// Adds the signed manifest that follows the newest version.
    ///
    /// # Errors
    /// If it does not follow, or is not signed by those who must.
    pub fn add(&mut self, signed: &[u8]) -> Result<(), NetworkError> {
        SignedManifest::parse(signed)?.verify::<Native>(&self.manifest())?;
        self.updates.push(signed.into());
        Ok(())
    }

    /// The first manifest.
    pub fn first(&self) -> Manifest<'_> {
        Manifest::parse(&self.first).expect("the bytes were checked when they came in")
    }

    /// The manifest's newest version, which may not be in effect yet.
    pub fn manifest(&self) -> Manifest<'_> {
        self.versions().next_back().expect("there is a first")
    }

    /// All versions, the first one first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = Manifest<'_>> {
        std::iter::once(self.first()).chain(self.updates.iter().map(|signed| later(signed)))
    }

    /// The version in effect in `round`.
    pub fn at(&self, round: Round) -> Manifest<'_> {
        let in_effect = |manifest: &Manifest<'_>| manifest.from_round() <= round;
        self.versions().rev().find(in_effect).expect("the first is in effect from round 0 on")
    }

    /// The round in which the version in effect in `round` gives way to another one that is known.
    pub fn until(&self, round: Round) -> Option<Round> {
        self.versions().map(|manifest| manifest.from_round()).find(|&from| from > round)
    }

    /// The signed manifests of versions 1, 2, …
    pub fn updates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.updates.iter().map(|signed| &signed[..])
    }

    /// The network's id.
    pub fn id(&self) -> NetworkId {
        *self.first().network()
    }

    /// The text of the network file, from which [`Network::parse`] gives the same network.
    ///
    /// # Errors
    /// If a manifest has its servers in another order than a file.
    pub fn to_toml(&self) -> Result<String, NetworkError> {
        Ok(self.file()?.to_text())
    }

    fn file(&self) -> Result<NetworkFile, NetworkError> {
        let mut previous = self.first();
        let mut file = NetworkFile::of(&previous).ok_or(NetworkError::Unwritable)?;
        let in_order = |manifest: &Manifest<'_>| manifest.all().is_sorted_by_key(|s| s.role as u8);
        if !in_order(&previous) {
            return Err(NetworkError::Unwritable);
        }
        for bytes in &self.updates {
            let signed = signed(bytes);
            let written = in_order(signed.manifest()).then(|| file.push(&signed, &previous));
            written.flatten().ok_or(NetworkError::Unwritable)?;
            previous = signed.manifest().clone();
        }
        Ok(file)
    }
}

fn signed(bytes: &[u8]) -> SignedManifest<'_> {
    SignedManifest::parse(bytes).expect("the bytes were checked when they came in")
}

fn later(bytes: &[u8]) -> Manifest<'_> {
    signed(bytes).manifest().clone()
}

/// The bytes of a network's first manifest.
fn first_version(
    parameters: &Parameters,
    servers: &[ServerEntry<'_>],
) -> Result<Vec<u8>, NetworkError> {
    let mut bytes = vec![0; MAX_MANIFEST];
    let len = Manifest::encode(parameters, by_role(servers).into_iter(), &mut bytes)?;
    bytes.truncate(len);
    Ok(bytes)
}

/// As a file lists them.
fn by_role<'s>(servers: &[ServerEntry<'s>]) -> Vec<ServerEntry<'s>> {
    let mut servers = servers.to_vec();
    servers.sort_by_key(|server| server.role as u8);
    servers
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(&self.id()).finish()
    }
}

#[cfg(test)]
mod tests;
