//! The step from one version of the manifest to the next: the new version, signed by the servers of the old one.
//!
//! ```text
//! signed manifest = manifest ‖ number of signatures u8 ‖ for each: role u8 ‖ index u16 ‖ signature 64
//! ```

use core::fmt;

use crate::crypto::hash::{Label, hash};
use crate::crypto::suite::{SIGNATURE_SIZE, Signature, Suite};
use crate::ids::Round;
use crate::wire::cursor::{Reader, Writer};

use super::manifest::{Manifest, ManifestError};
use super::parameters::Parameters;
use super::server::Role;

/// The longest signed manifest in bytes: it fits a frame of a link.
pub const MAX_SIGNED_MANIFEST: usize = 65_000;
const ENTRY_SIZE: usize = 1 + 2 + SIGNATURE_SIZE;

/// Why a version of the manifest does not follow another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// It belongs to another network.
    OtherNetwork,
    /// Its number is not the next one.
    Version,
    /// It was made for another version than the one that it is to follow.
    OtherPrevious,
    /// It is in effect from this round on, which is not after the one of the version that it follows.
    From(Round),
    /// It changes a parameter that must stay; the text names it.
    Fixed(&'static str),
    /// It names a signer that is no mixer or PKG of the version before, or signers twice or out of order.
    Signers,
    /// The signature of this mixer or PKG is wrong.
    WrongSignature(Role, u16),
    /// This PKG has not signed, and all must.
    PkgMissing(u16),
    /// More than one of the mixers have not signed, or the only one.
    MixersMissing,
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherNetwork => f.write_str("the manifest belongs to another network"),
            Self::Version => f.write_str("the manifest is not the next version"),
            Self::OtherPrevious => {
                f.write_str("the manifest was made to follow another version than the one in effect")
            }
            Self::From(round) => write!(
                f,
                "the manifest takes effect in round {round}, not after the version that it follows"
            ),
            Self::Fixed(name) => {
                write!(f, "the manifest changes {name}, which stays as it is in a network")
            }
            Self::Signers => f.write_str(
                "the manifest's signers are not mixers and PKGs of the version before, or stand out of order",
            ),
            Self::WrongSignature(role, index) => {
                write!(f, "the signature of {role} {index} under the manifest is wrong")
            }
            Self::PkgMissing(index) => write!(f, "PKG {index} has not signed the manifest"),
            Self::MixersMissing => {
                f.write_str("too few mixers have signed the manifest: all but one must")
            }
        }
    }
}

impl core::error::Error for UpdateError {}

/// What one server signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestSignature {
    /// What the signer is in the version before: a mixer or a PKG.
    pub role: Role,
    /// Its index there.
    pub index: u16,
    /// Its signature, made by [`sign_manifest`].
    pub signature: [u8; SIGNATURE_SIZE],
}

/// A later version of a manifest with the signatures under it. Parsing checks the form only;
/// [`SignedManifest::verify`] makes it trustworthy.
#[derive(Clone, Debug)]
pub struct SignedManifest<'a> {
    bytes: &'a [u8],
    manifest: Manifest<'a>,
    signatures: &'a [u8],
}

impl<'a> SignedManifest<'a> {
    /// Looks at `bytes` as a manifest of version 1 or later with any number of signatures.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_SIGNED_MANIFEST {
            return Err(ManifestError::TooLong);
        }
        let (manifest, rest) = Manifest::parse_front(bytes)?;
        let (count, signatures) = rest.split_first().ok_or(ManifestError::Malformed)?;
        let whole = signatures.len() == usize::from(*count) * ENTRY_SIZE;
        let signed = Self { bytes, manifest, signatures };
        // Version 0 has nobody who could sign it.
        let good = whole && signed.manifest.version() > 0 && signed.entries().all(|e| e.is_some());
        good.then_some(signed).ok_or(ManifestError::Malformed)
    }

    /// The new version.
    pub fn manifest(&self) -> &Manifest<'a> {
        &self.manifest
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The signatures in their order.
    pub fn signatures(&self) -> impl Iterator<Item = ManifestSignature> + use<'a> {
        self.entries().map(|entry| entry.expect("parsed with a known role"))
    }

    fn entries(&self) -> impl Iterator<Item = Option<ManifestSignature>> + use<'a> {
        self.signatures.chunks_exact(ENTRY_SIZE).map(|entry| {
            let mut r = Reader::new(entry);
            Some(ManifestSignature {
                role: Role::from_byte(r.u8()?)?,
                index: r.u16()?,
                signature: r.array()?,
            })
        })
    }

    /// The mixers and PKGs of `previous` that have not signed, in order.
    pub fn missing<'m>(
        &self,
        previous: &Manifest<'m>,
    ) -> impl Iterator<Item = (Role, u16)> + use<'a, 'm> {
        let (signed, previous) = (self.clone(), previous.clone());
        [Role::Mixer, Role::Pkg].into_iter().flat_map(move |role| {
            let signed = signed.clone();
            let count = previous.servers(role).count() as u16;
            (0..count)
                .filter(move |&i| !signed.signatures().any(|s| s.role == role && s.index == i))
                .map(move |index| (role, index))
        })
    }

    /// Checks that this version may follow `previous` and that all but one of its mixers and all its PKGs say so.
    /// One mixer may be dead, or refuse to be left out; a network's only mixer must sign.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub fn verify<S: Suite>(&self, previous: &Manifest<'_>) -> Result<(), UpdateError> {
        self.manifest.check_follows(previous)?;
        let digest = digest(&self.manifest);
        let (mut last, mut mixers) = (None, 0);
        for ManifestSignature { role, index, signature } in self.signatures() {
            let place = Some((role as u8, index));
            let server = previous
                .server(role, index.into())
                .filter(|_| matches!(role, Role::Mixer | Role::Pkg) && last < place)
                .ok_or(UpdateError::Signers)?;
            if !S::Signature::verify(server.id.as_bytes(), &digest, &signature) {
                return Err(UpdateError::WrongSignature(role, index));
            }
            last = place;
            mixers += usize::from(role == Role::Mixer);
        }
        if let Some((_, index)) = self.missing(previous).find(|(role, _)| *role == Role::Pkg) {
            return Err(UpdateError::PkgMissing(index));
        }
        let needed = previous.servers(Role::Mixer).count().saturating_sub(1).max(1);
        if mixers < needed { Err(UpdateError::MixersMissing) } else { Ok(()) }
    }
}

impl Manifest<'_> {
    /// Checks that this version may follow `previous`, whoever has signed it: what a signer does before it signs.
    /// Servers may change, and what a round is made of; not the times of rounds, nor the length of payloads.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub fn check_follows(&self, previous: &Manifest<'_>) -> Result<(), UpdateError> {
        if self.network() != previous.network() {
            return Err(UpdateError::OtherNetwork);
        }
        if previous.version().checked_add(1) != Some(self.version()) {
            return Err(UpdateError::Version);
        }
        if self.previous() != Some(previous.hash()) {
            return Err(UpdateError::OtherPrevious);
        }
        if self.from_round() <= previous.from_round() {
            return Err(UpdateError::From(self.from_round()));
        }
        match changed(self.parameters(), previous.parameters()) {
            Some(name) => Err(UpdateError::Fixed(name)),
            None => Ok(()),
        }
    }
}

/// The first parameter that differs and must not.
fn changed(new: &Parameters, old: &Parameters) -> Option<&'static str> {
    let fixed = [
        ("payload_len", new.geometry.payload_len() == old.geometry.payload_len()),
        ("genesis", new.genesis == old.genesis),
        ("round_ms", new.round_ms == old.round_ms),
        ("open_ms", new.open_ms == old.open_ms),
        ("submit_ms", new.submit_ms == old.submit_ms),
        ("phase_ms", new.phase_ms == old.phase_ms),
        ("deliver_ms", new.deliver_ms == old.deliver_ms),
        ("download_ms", new.download_ms == old.download_ms),
    ];
    fixed.iter().find(|(_, same)| !same).map(|(name, _)| *name)
}

/// The signature of a mixer or PKG of the version before under a manifest that it has
/// [checked](Manifest::check_follows).
pub fn sign_manifest<S: Suite>(seed: &[u8; 32], manifest: &Manifest<'_>) -> [u8; SIGNATURE_SIZE] {
    S::Signature::sign(seed, &digest(manifest))
}

fn digest(manifest: &Manifest<'_>) -> [u8; 32] {
    let network = manifest.network().as_bytes();
    hash(Label::MANIFEST_SIGNATURE, &[network, manifest.hash().as_bytes()])
}

/// Writes a manifest of version 1 or later with these signatures, ascending by role and index, into `out` and
/// returns its length.
///
/// # Errors
/// See [`ManifestError`].
pub fn encode_signed_manifest(
    manifest: &Manifest<'_>,
    signatures: &[ManifestSignature],
    out: &mut [u8],
) -> Result<usize, ManifestError> {
    let count = u8::try_from(signatures.len()).map_err(|_| ManifestError::TooLong)?;
    let mut w = Writer::new(out);
    w.put(manifest.as_bytes()).put(&[count]);
    for s in signatures {
        w.put(&[s.role as u8]).put(&s.index.to_be_bytes()).put(&s.signature);
    }
    let len = w.finish().ok_or(ManifestError::TooLong)?;
    SignedManifest::parse(&out[..len])?;
    Ok(len)
}
