//! The layout of `network.toml`: the first version of a network, and behind it each later one with its signatures.

mod entries;

use serde::{Deserialize, Serialize};
use zephyr_core::{
    MAX_MANIFEST, MAX_SIGNED_MANIFEST, Manifest, ManifestSignature, Role, Round, ServerId,
    SignedManifest, encode_signed_manifest,
};

use super::{NetworkError, first_version};
use entries::{ParametersFile, ServerFile, bytes, decoded, servers};

const HEAD: &str = "\
# A Zephyr network: everybody in it has the same file.
# The id is a hash of all the rest, so compare the id with somebody you trust; nothing here can be changed by hand.
";
const HEAD_LATER: &str = "\
# A Zephyr network: everybody in it has the same file.
# The id is a hash of the first version, so compare the id with somebody you trust. Each later version, [[update]], is
# signed by the servers of the one before; nothing here can be changed by hand.
";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkFile {
    /// The network's id: 64 hexadecimal digits.
    id: String,
    parameters: ParametersFile,
    #[serde(default)]
    mixer: Vec<ServerFile>,
    #[serde(default)]
    pkg: Vec<ServerFile>,
    #[serde(default)]
    info: Vec<ServerFile>,
    #[serde(default)]
    mailbox: Vec<ServerFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    update: Vec<UpdateFile>,
}

/// A later version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateFile {
    version: u32,
    from_round: u64,
    parameters: ParametersFile,
    #[serde(default)]
    mixer: Vec<ServerFile>,
    #[serde(default)]
    pkg: Vec<ServerFile>,
    #[serde(default)]
    info: Vec<ServerFile>,
    #[serde(default)]
    mailbox: Vec<ServerFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signature: Vec<SignatureFile>,
}

/// What a mixer or PKG of the version before signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureFile {
    /// The signer's Ed25519 identity: 64 hexadecimal digits.
    identity: String,
    /// 128 hexadecimal digits.
    signature: String,
}

impl NetworkFile {
    /// `None` if a manifest says something that such a file cannot.
    pub(super) fn of(first: &Manifest<'_>) -> Option<Self> {
        let servers = |role| first.servers(role).map(ServerFile::of).collect();
        Some(Self {
            id: first.network().to_string(),
            parameters: ParametersFile::of(first.parameters())?,
            mixer: servers(Role::Mixer),
            pkg: servers(Role::Pkg),
            info: servers(Role::Info),
            mailbox: servers(Role::Mailbox),
            update: Vec::new(),
        })
    }

    /// Adds the version that follows `previous`.
    pub(super) fn push(
        &mut self,
        next: &SignedManifest<'_>,
        previous: &Manifest<'_>,
    ) -> Option<()> {
        self.update.push(UpdateFile::of(next, previous)?);
        Some(())
    }

    pub(super) fn to_text(&self) -> String {
        let body = toml::to_string(self).expect("strings and numbers can be written as TOML");
        let head = if self.update.is_empty() { HEAD } else { HEAD_LATER };
        format!("{head}\n{body}")
    }

    /// The first version, whose hash is the id.
    pub(super) fn first(&self) -> Result<Vec<u8>, NetworkError> {
        let claimed = zephyr_core::NetworkId::from_bytes(bytes("id", &self.id)?);
        let servers = servers([&self.mixer, &self.pkg, &self.info, &self.mailbox])?;
        let first = first_version(&self.parameters.parameters()?, &servers)?;
        let actual = *Manifest::parse(&first)?.network();
        if claimed != actual {
            return Err(NetworkError::Altered { claimed, actual });
        }
        Ok(first)
    }

    /// How many later versions there are.
    pub(super) fn updates(&self) -> usize {
        self.update.len()
    }

    /// The later version with this place, signed as far as it is, behind `previous`.
    pub(super) fn update(
        &self,
        place: usize,
        previous: &Manifest<'_>,
    ) -> Result<Vec<u8>, NetworkError> {
        self.update[place].signed_manifest(previous)
    }
}

impl UpdateFile {
    fn of(next: &SignedManifest<'_>, previous: &Manifest<'_>) -> Option<Self> {
        let manifest = next.manifest();
        let servers = |role| manifest.servers(role).map(ServerFile::of).collect();
        let signature = |s: ManifestSignature| {
            Some(SignatureFile {
                identity: previous.server(s.role, s.index.into())?.id.to_string(),
                signature: hex::encode(s.signature),
            })
        };
        Some(Self {
            version: manifest.version(),
            from_round: manifest.from_round().0,
            parameters: ParametersFile::of(manifest.parameters())?,
            mixer: servers(Role::Mixer),
            pkg: servers(Role::Pkg),
            info: servers(Role::Info),
            mailbox: servers(Role::Mailbox),
            signature: next.signatures().map(signature).collect::<Option<_>>()?,
        })
    }

    fn signed_manifest(&self, previous: &Manifest<'_>) -> Result<Vec<u8>, NetworkError> {
        if Some(self.version) != previous.version().checked_add(1) {
            return Err(NetworkError::Value {
                field: format!("version = {}", self.version),
                wanted: "versions one after the other",
            });
        }
        let servers = servers([&self.mixer, &self.pkg, &self.info, &self.mailbox])?;
        let (from, parameters) = (Round(self.from_round), self.parameters.parameters()?);
        let mut manifest = vec![0; MAX_MANIFEST];
        let entries = servers.into_iter();
        let len = Manifest::encode_next(previous, from, &parameters, entries, &mut manifest)?;
        let manifest = Manifest::parse(&manifest[..len])?;
        let mut signatures = Vec::new();
        for entry in &self.signature {
            signatures.push(entry.signature(previous, self.version)?);
        }
        let mut signed = vec![0; MAX_SIGNED_MANIFEST];
        let len = encode_signed_manifest(&manifest, &signatures, &mut signed)?;
        signed.truncate(len);
        Ok(signed)
    }
}

impl SignatureFile {
    fn signature(
        &self,
        previous: &Manifest<'_>,
        version: u32,
    ) -> Result<ManifestSignature, NetworkError> {
        let field = |name| format!("{name} of a signature of version {version}");
        let id = ServerId::from_bytes(bytes(&field("identity"), &self.identity)?);
        let (role, index) = previous.find(&id).ok_or_else(|| NetworkError::Value {
            field: field("identity"),
            wanted: "that of a mixer or PKG of the version before",
        })?;
        let wanted = "128 hexadecimal digits";
        let signature = decoded(&field("signature"), &self.signature, wanted)?;
        Ok(ManifestSignature { role, index: index as u16, signature })
    }
}
