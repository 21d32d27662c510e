//! What a mixer checks before it signs a directory.

use zephyr_core::{Directory, Manifest, MixerAnnouncement, MixerIndex, Round, Suite, UnixMs};

use crate::board::{MAX_SKEW_MS, has_full_order};
use crate::peer::ProposalRefusal;

/// Whether mixer `me`, which has announced `own`, may sign the directory with this body: checks all of it.
///
/// # Errors
/// Why not.
pub fn vet<'a, S: Suite>(
    manifest: &Manifest<'_>,
    me: MixerIndex,
    own: &MixerAnnouncement,
    body: &'a [u8],
    now: UnixMs,
) -> Result<Directory<'a>, ProposalRefusal> {
    let directory = parse(body)?;
    in_time(manifest, directory.round(), now)?;
    if own.round != directory.round() || directory.mixer_key(me) != Some(own.key) {
        return Err(ProposalRefusal::NotMyKey);
    }
    directory.check::<S>(manifest, true).map_err(|_| ProposalRefusal::Invalid)?;
    match directory.mixers().all(|(_, a)| has_full_order::<S>(&a.key)) {
        true => Ok(directory),
        false => Err(ProposalRefusal::Invalid),
    }
}

/// Reads a directory's body, with nothing behind it.
pub(super) fn parse(body: &[u8]) -> Result<Directory<'_>, ProposalRefusal> {
    let directory = Directory::parse(body).map_err(|_| ProposalRefusal::Invalid)?;
    match directory.body().len() == body.len() {
        true => Ok(directory),
        false => Err(ProposalRefusal::Invalid),
    }
}

/// Whether directories of the round are signed now.
pub(super) fn in_time(
    manifest: &Manifest<'_>,
    round: Round,
    now: UnixMs,
) -> Result<(), ProposalRefusal> {
    let schedule = manifest.parameters().schedule(round);
    match now.plus(MAX_SKEW_MS) >= schedule.opens && now < schedule.submit_until {
        true => Ok(()),
        false => Err(ProposalRefusal::NotOpen),
    }
}
