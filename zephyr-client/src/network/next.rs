//! A version of a network that is being signed.

use zephyr_blst::Native;
use zephyr_core::{
    MAX_MANIFEST, MAX_SIGNED_MANIFEST, Manifest, ManifestSignature, Parameters, Role, Round,
    ServerEntry, ServerId, Signature, SignedManifest, Suite, UpdateError, encode_signed_manifest,
    sign_manifest,
};

use super::{Network, NetworkError, by_role};

/// The version that is to follow a network's newest one, with the signatures that it has so far.
#[derive(Clone, Debug)]
pub struct NextVersion {
    network: Network,
    signed: Vec<u8>,
}

impl NextVersion {
    /// A version that is to be in effect from the round `from` on. Nobody has signed it yet.
    ///
    /// # Errors
    /// If it may not follow.
    pub fn new(
        network: &Network,
        from: Round,
        parameters: &Parameters,
        servers: &[ServerEntry<'_>],
    ) -> Result<Self, NetworkError> {
        let mut manifest = vec![0; MAX_MANIFEST];
        let previous = network.manifest();
        let servers = by_role(servers).into_iter();
        let len = Manifest::encode_next(&previous, from, parameters, servers, &mut manifest)?;
        let mut signed = vec![0; MAX_SIGNED_MANIFEST];
        let len = encode_signed_manifest(&Manifest::parse(&manifest[..len])?, &[], &mut signed)?;
        Self::from_bytes(network, &signed[..len])
    }

    /// A signed manifest, however many signatures it has.
    pub(super) fn from_bytes(network: &Network, signed: &[u8]) -> Result<Self, NetworkError> {
        SignedManifest::parse(signed)?.manifest().check_follows(&network.manifest())?;
        Ok(Self { network: network.clone(), signed: signed.into() })
    }

    /// The network as it is without it.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The version.
    pub fn manifest(&self) -> Manifest<'_> {
        self.signed().manifest().clone()
    }

    fn signed(&self) -> SignedManifest<'_> {
        SignedManifest::parse(&self.signed).expect("the bytes were checked when they came in")
    }

    /// The mixers and PKGs that have not signed. One of the mixers may be missing, unless it is the only one.
    pub fn missing(&self) -> Vec<ServerEntry<'_>> {
        let previous = self.network.manifest();
        let entry = |(role, index): (Role, u16)| previous.server(role, index.into());
        self.signed().missing(&previous).filter_map(entry).collect()
    }

    /// Adds the signature of the server with this Ed25519 seed. `false` if it has signed already.
    ///
    /// # Errors
    /// If it is no mixer or PKG of the newest version.
    pub fn sign(&mut self, seed: &[u8; 32]) -> Result<bool, NetworkError> {
        let id = ServerId::from_bytes(<Native as Suite>::Signature::public(seed));
        let place = self.network.manifest().find(&id);
        let signer = place.filter(|(role, _)| matches!(role, Role::Mixer | Role::Pkg));
        let (role, index) = signer.ok_or(UpdateError::Signers)?;
        let signature = sign_manifest::<Native>(seed, &self.manifest());
        self.add([ManifestSignature { role, index: index as u16, signature }])
    }

    /// Adds the signatures of another copy. `false` if it brings nothing new.
    ///
    /// # Errors
    /// If the copy is of another version.
    pub fn merge(&mut self, other: &Self) -> Result<bool, NetworkError> {
        if self.manifest().as_bytes() != other.manifest().as_bytes() {
            return Err(NetworkError::OtherVersion);
        }
        self.add(other.signed().signatures())
    }

    fn add(
        &mut self,
        more: impl IntoIterator<Item = ManifestSignature>,
    ) -> Result<bool, NetworkError> {
        let mut signatures: Vec<_> = self.signed().signatures().collect();
        let before = signatures.len();
        for new in more {
            if !signatures.iter().any(|s| (s.role, s.index) == (new.role, new.index)) {
                signatures.push(new);
            }
        }
        signatures.sort_by_key(|s| (s.role as u8, s.index));
        let mut signed = vec![0; MAX_SIGNED_MANIFEST];
        let len = encode_signed_manifest(&self.manifest(), &signatures, &mut signed)?;
        signed.truncate(len);
        self.signed = signed;
        Ok(signatures.len() > before)
    }

    /// The network that goes on with this version.
    ///
    /// # Errors
    /// If signatures are missing or wrong.
    pub fn finish(&self) -> Result<Network, NetworkError> {
        let mut network = self.network.clone();
        network.add(&self.signed)?;
        Ok(network)
    }

    /// The text of a network file with this version behind the others. It becomes a network that can be used once all
    /// have signed.
    ///
    /// # Errors
    /// If it can't be written as a network file.
    pub fn to_toml(&self) -> Result<String, NetworkError> {
        let mut file = self.network.file()?;
        file.push(&self.signed(), &self.network.manifest()).ok_or(NetworkError::Unwritable)?;
        Ok(file.to_text())
    }
}
