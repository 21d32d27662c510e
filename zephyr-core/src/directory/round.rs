//! The directory of one round: keys, times and the signatures of all its mixers.
//!
//! ```text
//! body       = format 1 ‖ network 32 ‖ manifest hash 32 ‖ round 8
//!            ‖ submit from 8 ‖ submit until 8 ‖ phase ms 4 ‖ deliver until 8 ‖ closes 8
//!            ‖ number of mixers 1 ‖ number of PKGs 1
//!            ‖ for each mixer: index 2 ‖ key 32 ‖ signature 64
//!            ‖ for each PKG:   index 2 ‖ key and proof 208 ‖ signature 64
//! directory  = body ‖ for each mixer of the directory: its signature 64 over the directory hash
//! ```

mod verification;

use core::fmt;

use crate::crypto::hash::{Label, hash};
use crate::crypto::suite::{DH_SIZE, SIGNATURE_SIZE, Signature, Suite};
use crate::ibe::PKG_KEY_SIZE;
use crate::ids::{DirectoryHash, ManifestHash, MixerIndex, NetworkId, PkgIndex, Round, UnixMs};
use crate::onion::{Hop, Routes};
use crate::seal::RoundContext;
use crate::wire::cursor::{Reader, Writer};

use super::announcement::{MixerAnnouncement, PkgAnnouncement};
use super::manifest::{MAX_SERVERS, Manifest};
use super::server::Role;

pub(crate) use verification::Verification;

const FORMAT: u8 = 1;
const HEADER_SIZE: usize = 1 + 32 + 32 + 8 + 8 + 8 + 4 + 8 + 8 + 2;
const MIXER_SIZE: usize = 2 + DH_SIZE + SIGNATURE_SIZE;
const PKG_SIZE: usize = 2 + PKG_KEY_SIZE + SIGNATURE_SIZE;
/// The longest directory in bytes.
pub const MAX_DIRECTORY: usize =
    HEADER_SIZE + MAX_SERVERS * (MIXER_SIZE + PKG_SIZE + SIGNATURE_SIZE);

/// Why a directory is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The bytes are no directory.
    Malformed,
    /// It belongs to another network or another version of the manifest.
    OtherNetwork,
    /// Its times are not those that the manifest gives the round.
    Times,
    /// It has fewer mixers than the manifest demands.
    TooFewMixers,
    /// Servers are unknown, listed twice or out of order.
    Servers,
    /// It does not have exactly one key of every PKG of the manifest.
    MissingPkg,
    /// This mixer's announcement is not signed by it.
    MixerKey(MixerIndex),
    /// This PKG's announcement is not signed by it, or its proof of knowledge fails.
    PkgKey(PkgIndex),
    /// This mixer's signature under the directory is missing or wrong.
    Unsigned(MixerIndex),
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the directory is malformed"),
            Self::OtherNetwork => {
                f.write_str("the directory belongs to another network or manifest")
            }
            Self::Times => f.write_str("the directory's times are not those of the manifest"),
            Self::TooFewMixers => {
                f.write_str("the directory has fewer mixers than the manifest demands")
            }
            Self::Servers => f.write_str("the directory lists unknown servers, or some twice"),
            Self::MissingPkg => f.write_str("the directory lacks the key of one of the PKGs"),
            Self::MixerKey(i) => write!(f, "mixer {i} has not signed its key in the directory"),
            Self::PkgKey(i) => write!(f, "the key of PKG {i} in the directory is not valid"),
            Self::Unsigned(i) => write!(f, "mixer {i} has not signed the directory"),
        }
    }
}

impl core::error::Error for DirectoryError {}

/// A directory over its bytes. Parsing checks the form only; [`Directory::verify`] makes it trustworthy.
#[derive(Clone, Debug)]
pub struct Directory<'a> {
    body: &'a [u8],
    signatures: &'a [u8],
    network: NetworkId,
    manifest: ManifestHash,
    round: Round,
    times: [UnixMs; 4],
    phase_ms: u32,
    mixers: &'a [u8],
    pkgs: &'a [u8],
}

impl<'a> Directory<'a> {
    /// Looks at `bytes` as a directory with or without its signatures.
    ///
    /// # Errors
    /// [`DirectoryError::Malformed`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DirectoryError> {
        Self::read(bytes).ok_or(DirectoryError::Malformed)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        if r.u8()? != FORMAT {
            return None;
        }
        let network = NetworkId::from_bytes(r.array()?);
        let manifest = ManifestHash::from_bytes(r.array()?);
        let round = Round(r.u64()?);
        let (submit_from, submit_until) = (UnixMs(r.u64()?), UnixMs(r.u64()?));
        let phase_ms = r.u32()?;
        let (deliver_until, closes) = (UnixMs(r.u64()?), UnixMs(r.u64()?));
        let (mixer_count, pkg_count) = (usize::from(r.u8()?), usize::from(r.u8()?));
        let mixers = r.slice(mixer_count * MIXER_SIZE)?;
        let pkgs = r.slice(pkg_count * PKG_SIZE)?;
        let signatures = r.rest();
        if !(signatures.is_empty() || signatures.len() == mixer_count * SIGNATURE_SIZE) {
            return None;
        }
        let body = &bytes[..bytes.len() - signatures.len()];
        let times = [submit_from, submit_until, deliver_until, closes];
        Some(Self { body, signatures, network, manifest, round, times, phase_ms, mixers, pkgs })
    }

    /// The round.
    pub fn round(&self) -> Round {
        self.round
    }

    /// What is hashed and signed.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The directory hash, to which everything in the round is bound.
    pub fn hash(&self) -> DirectoryHash {
        DirectoryHash::from_bytes(hash(Label::DIRECTORY, &[self.body]))
    }

    /// The mixers with their keys, in ascending order.
    pub fn mixers(&self) -> impl Iterator<Item = (MixerIndex, MixerAnnouncement)> + use<'a> {
        let round = self.round;
        self.mixers.chunks_exact(MIXER_SIZE).map(move |entry| {
            let mut r = Reader::new(entry);
            (|| {
                let index = MixerIndex(r.u16()?);
                Some((index, MixerAnnouncement { round, key: r.array()?, signature: r.array()? }))
            })()
            .expect("an entry's length")
        })
    }

    /// The PKGs with their keys, in ascending order.
    pub fn pkgs(&self) -> impl Iterator<Item = (PkgIndex, PkgAnnouncement)> + use<'a> {
        let round = self.round;
        self.pkgs.chunks_exact(PKG_SIZE).map(move |entry| {
            let mut r = Reader::new(entry);
            (|| {
                let index = PkgIndex(r.u16()?);
                Some((index, PkgAnnouncement { round, key: r.array()?, signature: r.array()? }))
            })()
            .expect("an entry's length")
        })
    }

    /// The round key of `mixer`.
    pub fn mixer_key(&self, mixer: MixerIndex) -> Option<[u8; DH_SIZE]> {
        self.mixers().find(|(index, _)| *index == mixer).map(|(_, announcement)| announcement.key)
    }

    /// `mixer` as a hop of a route.
    pub fn hop(&self, mixer: MixerIndex) -> Option<Hop> {
        self.mixer_key(mixer).map(|key| Hop { mixer, key })
    }

    /// The routes of the round.
    pub fn routes(&self, manifest: &Manifest<'_>) -> Option<Routes> {
        let parameters = manifest.parameters();
        let mixers = self.mixers().map(|(index, _)| index);
        Routes::new(parameters.routes, parameters.geometry, &self.hash(), mixers)
    }

    /// Checks everything but the mixers' signatures under it: what a mixer does before it signs. With
    /// `proofs` false the PKGs' proofs of knowledge are left to the mixers, every one of which has verified them.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn check<S: Suite>(
        &self,
        manifest: &Manifest<'_>,
        proofs: bool,
    ) -> Result<RoundContext<S::Pairing>, DirectoryError> {
        Verification::without_signatures(self).finish::<S>(self, manifest, proofs)
    }

    fn check_manifest(&self, manifest: &Manifest<'_>) -> Result<(), DirectoryError> {
        let same = self.network == *manifest.network() && self.manifest == manifest.hash();
        if same { Ok(()) } else { Err(DirectoryError::OtherNetwork) }
    }

    /// Checks the whole directory, all its mixers' signatures included: what clients do.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn verify<S: Suite>(
        &self,
        manifest: &Manifest<'_>,
        proofs: bool,
    ) -> Result<RoundContext<S::Pairing>, DirectoryError> {
        Verification::new(self).finish::<S>(self, manifest, proofs)
    }
}

/// Whether `signature` is that of the manifest's `mixer` under a directory that hashes to `directory`.
pub fn verify_directory_signature<S: Suite>(
    manifest: &Manifest<'_>,
    directory: &DirectoryHash,
    mixer: MixerIndex,
    signature: &[u8; SIGNATURE_SIZE],
) -> bool {
    let digest = signature_digest(directory);
    manifest
        .server(Role::Mixer, mixer.0.into())
        .is_some_and(|s| S::Signature::verify(s.id.as_bytes(), &digest, signature))
}

/// A mixer's signature under a directory that it has [checked](Directory::check) and whose hash its
/// [guard](super::SigningGuard) admits.
pub fn sign_directory<S: Suite>(
    seed: &[u8; 32],
    directory: &DirectoryHash,
) -> [u8; SIGNATURE_SIZE] {
    S::Signature::sign(seed, &signature_digest(directory))
}

fn signature_digest(directory: &DirectoryHash) -> [u8; 32] {
    hash(Label::DIRECTORY_SIGNATURE, &[directory.as_bytes()])
}

/// Writes a directory's body into `out` and returns its length; `None` if it does not fit, or one of the lists
/// is longer than 255. The lists are in ascending order of their indices.
#[must_use]
pub fn encode_directory(
    manifest: &Manifest<'_>,
    round: Round,
    mixers: &[(MixerIndex, MixerAnnouncement)],
    pkgs: &[(PkgIndex, PkgAnnouncement)],
    out: &mut [u8],
) -> Option<usize> {
    let schedule = manifest.parameters().schedule(round);
    let mut w = Writer::new(out);
    w.put(&[FORMAT]).put(manifest.network().as_bytes()).put(manifest.hash().as_bytes());
    w.put(&round.0.to_be_bytes())
        .put(&schedule.submit_from.0.to_be_bytes())
        .put(&schedule.submit_until.0.to_be_bytes())
        .put(&schedule.phase_ms.to_be_bytes())
        .put(&schedule.deliver_until.0.to_be_bytes())
        .put(&schedule.closes.0.to_be_bytes());
    w.put(&[u8::try_from(mixers.len()).ok()?, u8::try_from(pkgs.len()).ok()?]);
    for (index, announcement) in mixers {
        w.put(&index.0.to_be_bytes()).put(&announcement.key).put(&announcement.signature);
    }
    for (index, announcement) in pkgs {
        w.put(&index.0.to_be_bytes()).put(&announcement.key).put(&announcement.signature);
    }
    w.finish()
}
