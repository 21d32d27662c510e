//! A network as a file that people can read and compare: `network.toml`, and the manifest that stands behind it.

mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zephyr_core::{MAX_MANIFEST, Manifest, ManifestError, NetworkId, Parameters, ServerEntry};

use file::NetworkFile;

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
    /// A manifest of a later version, or with its servers in another order.
    #[error(
        "this manifest can't be written as a network file, because it isn't the first version of its network"
    )]
    NotFirst,
}

/// A network that clients can join: the bytes of its manifest, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Network {
    manifest: Arc<[u8]>,
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

    /// Reads the text of a network file. Its id must be the hash of its contents.
    ///
    /// # Errors
    /// See [`NetworkError`].
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let file: NetworkFile =
            toml::from_str(text).map_err(|e| NetworkError::Syntax(e.to_string()))?;
        let claimed = NetworkId::from_bytes(file::bytes("id", &file.id)?);
        let network = file.network()?;
        let actual = *network.manifest().network();
        if claimed != actual {
            return Err(NetworkError::Altered { claimed, actual });
        }
        Ok(network)
    }

    /// A new network of these servers.
    ///
    /// # Errors
    /// If there can be no such network.
    pub fn new(parameters: &Parameters, servers: &[ServerEntry<'_>]) -> Result<Self, NetworkError> {
        let mut servers = servers.to_vec();
        // The file lists servers by role.
        servers.sort_by_key(|server| server.role as u8);
        let mut bytes = vec![0; MAX_MANIFEST];
        let len = Manifest::encode(parameters, servers.into_iter(), &mut bytes)?;
        Ok(Self { manifest: bytes[..len].into() })
    }

    /// The network of a manifest.
    ///
    /// # Errors
    /// If the bytes are none.
    pub fn from_manifest(bytes: &[u8]) -> Result<Self, NetworkError> {
        Manifest::parse(bytes)?;
        Ok(Self { manifest: bytes.into() })
    }

    /// The manifest.
    pub fn manifest(&self) -> Manifest<'_> {
        Manifest::parse(&self.manifest).expect("the bytes were checked when they came in")
    }

    /// The manifest's bytes, which servers take.
    pub fn as_bytes(&self) -> &[u8] {
        &self.manifest
    }

    /// The network's id.
    pub fn id(&self) -> NetworkId {
        *self.manifest().network()
    }

    /// The text of the network file, from which [`Network::parse`] gives the same network.
    ///
    /// # Errors
    /// If the manifest is not the first of its network.
    pub fn to_toml(&self) -> Result<String, NetworkError> {
        let manifest = self.manifest();
        let servers: Vec<_> = manifest.all().collect();
        if Self::new(manifest.parameters(), &servers)? != *self {
            return Err(NetworkError::NotFirst);
        }
        Ok(NetworkFile::of(&manifest).ok_or(NetworkError::NotFirst)?.to_text())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(&self.id()).finish()
    }
}

#[cfg(test)]
mod tests;
