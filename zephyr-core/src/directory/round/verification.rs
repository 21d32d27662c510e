//! Verifying a directory, a server at a time.

use crate::crypto::pairing::Pairing;
use crate::crypto::suite::{Signature, Suite};
use crate::directory::{Manifest, Role, Schedule};
use crate::ibe::{PkgKey, RoundKey};
use crate::ids::DirectoryHash;
use crate::seal::RoundContext;

use super::{Directory, DirectoryError, SIGNATURE_SIZE, signature_digest};

/// How far the verification of a directory has come. Each step is given the directory again.
pub(crate) struct Verification<P: Pairing> {
    directory: DirectoryHash,
    part: Part,
    /// The next server in it.
    index: usize,
    /// The PKGs' keys so far.
    sum: Option<RoundKey<P>>,
}

/// Signatures come first: they are cheap, and without them nothing else matters.
#[derive(Clone, Copy)]
enum Part {
    /// The mixers' signatures under the directory.
    Signatures,
    /// The mixers' announcements.
    Mixers,
    /// The PKGs' announcements and keys.
    Pkgs,
}

impl<P: Pairing> Verification<P> {
    /// Of the whole directory.
    pub(crate) fn new(directory: &Directory<'_>) -> Self {
        Self { directory: directory.hash(), part: Part::Signatures, index: 0, sum: None }
    }

    /// Of all but the mixers' signatures under it.
    pub(super) fn without_signatures(directory: &Directory<'_>) -> Self {
        Self { part: Part::Mixers, ..Self::new(directory) }
    }

    /// Whether this is the verification of `directory`.
    pub(crate) fn is_of(&self, directory: &Directory<'_>) -> bool {
        self.directory == directory.hash()
    }

    /// All steps at once.
    pub(super) fn finish<S: Suite<Pairing = P>>(
        mut self,
        directory: &Directory<'_>,
        manifest: &Manifest<'_>,
        proofs: bool,
    ) -> Result<RoundContext<P>, DirectoryError> {
        loop {
            if let Some(context) = self.step::<S>(directory, manifest, proofs)? {
                return Ok(context);
            }
        }
    }

    /// Looks at one server: verifies a signature; of a PKG decodes the key, too, and verifies its proof with
    /// `proofs` (four multiplications). `None` while there is more to do.
    pub(crate) fn step<S: Suite<Pairing = P>>(
        &mut self,
        directory: &Directory<'_>,
        manifest: &Manifest<'_>,
        proofs: bool,
    ) -> Result<Option<RoundContext<P>>, DirectoryError> {
        // Whoever has an older version of the manifest should know that it is only that.
        directory.check_manifest(manifest)?;
        loop {
            let (part, index) = (self.part, self.index);
            let looked = match part {
                Part::Signatures => self.check_signature::<S>(directory, manifest, index)?,
                Part::Mixers => check_mixer::<S>(directory, manifest, index)?,
                Part::Pkgs => self.add_pkg::<S>(directory, manifest, proofs, index)?,
            };
            if looked {
                self.index += 1;
                return Ok(None);
            }
            (self.part, self.index) = match part {
                Part::Signatures => (Part::Mixers, 0),
                Part::Mixers => (Part::Pkgs, 0),
                Part::Pkgs => {
                    let key = self.sum.take().ok_or(DirectoryError::MissingPkg)?;
                    let Directory { network, round, .. } = *directory;
                    return Ok(Some(RoundContext::new(network, round, self.directory, key)));
                }
            };
        }
    }

    /// The signature of the mixer at `index` under the directory; `false` if there are no more.
    fn check_signature<S: Suite>(
        &self,
        directory: &Directory<'_>,
        manifest: &Manifest<'_>,
        index: usize,
    ) -> Result<bool, DirectoryError> {
        let Some((mixer, _)) = directory.mixers().nth(index) else { return Ok(false) };
        let server = manifest.server(Role::Mixer, mixer.0.into()).ok_or(DirectoryError::Servers)?;
        let signature = directory.signatures.chunks_exact(SIGNATURE_SIZE).nth(index);
        let signature = signature.and_then(|s| s.try_into().ok());
        let digest = signature_digest(&self.directory);
        if signature.is_some_and(|s| S::Signature::verify(server.id.as_bytes(), &digest, s)) {
            Ok(true)
        } else {
            Err(DirectoryError::Unsigned(mixer))
        }
    }

    /// Adds the key of the PKG at `index`; `false` if there are no more.
    fn add_pkg<S: Suite<Pairing = P>>(
        &mut self,
        directory: &Directory<'_>,
        manifest: &Manifest<'_>,
        proofs: bool,
        index: usize,
    ) -> Result<bool, DirectoryError> {
        if index == 0 && directory.pkgs().count() != manifest.servers(Role::Pkg).count() {
            return Err(DirectoryError::MissingPkg);
        }
        let Some((pkg, announcement)) = directory.pkgs().nth(index) else { return Ok(false) };
        let server = manifest.server(Role::Pkg, index).ok_or(DirectoryError::MissingPkg)?;
        if usize::from(pkg.0) != index {
            return Err(DirectoryError::MissingPkg);
        }
        let key = if proofs {
            PkgKey::verify(&announcement.key, &directory.network, directory.round, &server.id)
        } else {
            PkgKey::decode(&announcement.key)
        };
        let key = key.ok().filter(|_| announcement.verify::<S>(&directory.network, &server.id));
        let key = key.ok_or(DirectoryError::PkgKey(pkg))?;
        let sum = match self.sum.take() {
            None => RoundKey::sum([key]),
            Some(sum) => sum.plus(key),
        };
        self.sum = Some(sum.map_err(|_| DirectoryError::PkgKey(pkg))?);
        Ok(true)
    }
}

/// The announcement of the mixer at `index`, and before the first one the directory's times; `false` if there are no
/// more.
fn check_mixer<S: Suite>(
    directory: &Directory<'_>,
    manifest: &Manifest<'_>,
    index: usize,
) -> Result<bool, DirectoryError> {
    if index == 0 {
        check_times(directory, manifest)?;
        if directory.mixers().count() < usize::from(manifest.parameters().min_mixers) {
            return Err(DirectoryError::TooFewMixers);
        }
    }
    let Some((mixer, announcement)) = directory.mixers().nth(index) else { return Ok(false) };
    let last = index.checked_sub(1).and_then(|last| directory.mixers().nth(last));
    let server = manifest
        .server(Role::Mixer, mixer.0.into())
        .filter(|_| last.is_none_or(|(last, _)| last < mixer))
        .ok_or(DirectoryError::Servers)?;
    if announcement.verify::<S>(&directory.network, &server.id) {
        Ok(true)
    } else {
        Err(DirectoryError::MixerKey(mixer))
    }
}

fn check_times(directory: &Directory<'_>, manifest: &Manifest<'_>) -> Result<(), DirectoryError> {
    let Schedule { submit_from, submit_until, phase_ms, deliver_until, closes, .. } =
        manifest.parameters().schedule(directory.round);
    let right = directory.times == [submit_from, submit_until, deliver_until, closes]
        && directory.phase_ms == phase_ms;
    if right { Ok(()) } else { Err(DirectoryError::Times) }
}
