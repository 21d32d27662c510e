//! How servers are named in metrics and warnings.

use zephyr_core::{MixerIndex, Role, Round, ServerId};
use zephyr_machine::SharedManifest;

/// The name of the server `id` in the network file. With the first digits of its identity if it is not in the newest
/// version, or not alone with its name: no two servers may look like one.
pub(super) fn name_of(manifest: &SharedManifest, id: &ServerId) -> String {
    let digits: String = id.to_string().chars().take(8).collect();
    let Some((_, _, entry)) = manifest.find(id) else { return digits };
    let newest = manifest.get();
    let taken = newest.all().any(|other| other.name == entry.name && other.id != *id);
    match newest.find(id) {
        Some(_) if !taken => entry.name.to_owned(),
        _ => format!("{} ({digits})", entry.name),
    }
}

/// The identity of a mixer in a round.
pub(super) fn mixer(
    manifest: &SharedManifest,
    round: Round,
    index: MixerIndex,
) -> Option<ServerId> {
    manifest.at(round).server(Role::Mixer, index.0.into()).map(|server| server.id)
}
