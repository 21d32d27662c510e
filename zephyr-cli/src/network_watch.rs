//! A server's network file while the server runs: it is read again when it changes, or when somebody says so.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zephyr_client::Network;
use zephyr_machine::SharedManifest;
use zephyr_server::Native;

use crate::output::note;
use crate::signals::Hangup;

/// How often it is looked whether the file has changed.
const EVERY: Duration = Duration::from_secs(1);

/// Tells the server that has `manifest` of the versions that come into `file`, for ever. What is wrong with a new file
/// is said, and the server goes on with what it had.
pub async fn follow(file: PathBuf, manifest: SharedManifest) {
    let mut hangup = Hangup::new();
    let mut known = stamp(&file);
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = hangup.heard() => true,
        };
        let now = stamp(&file);
        if asked || now != known {
            known = now;
            read(&file, &manifest);
        }
    }
}

/// When the file was changed last, and its length; `None` while there is none.
fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(file: &Path, manifest: &SharedManifest) {
    let network = match Network::load(file) {
        Ok(network) => network,
        Err(error) => return note(format_args!("{}: {error}", file.display())),
    };
    if network.id() != manifest.network() {
        return note(format_args!(
            "{} is another network's: the server goes on in its own one",
            file.display()
        ));
    }
    for signed in network.updates() {
        match manifest.add::<Native>(signed) {
            Ok(true) => {
                let newest = manifest.get();
                let (version, from) = (newest.version(), newest.from_round());
                note(format_args!("version {version} of the network: from round {from} on"));
            }
            Ok(false) => {}
            Err(error) => return note(format_args!("{}: {error}", file.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use zephyr_core::{Ed25519, Role, Round, Signature, server_keys};

    use super::*;
    use crate::server_config::shared_manifest;

    const SAMPLE: &str = include_str!("../../docs/samples/network.toml");

    /// The sample network has no known keys, so this one is made of it.
    fn network() -> (Network, Vec<[u8; 32]>) {
        let sample = Network::parse(SAMPLE).unwrap();
        let manifest = sample.manifest();
        let seeds: Vec<_> =
            (1..=manifest.all().count() as u8).map(|n| *server_keys(&[n; 32]).0).collect();
        let servers = manifest.all().zip(&seeds).map(|(server, seed)| {
            let id = zephyr_core::ServerId::from_bytes(Ed25519::public(seed));
            zephyr_core::ServerEntry { id, ..server }
        });
        let servers: Vec<_> = servers.collect();
        (Network::new(manifest.parameters(), &servers).unwrap(), seeds)
    }

    #[tokio::test]
    async fn a_server_sees_the_versions_that_come_into_its_file_and_nothing_else() {
        let (network, seeds) = network();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("network.toml");
        let manifest = shared_manifest(&network).unwrap();
        let version = |text: &str| {
            std::fs::write(&file, text).unwrap();
            read(&file, &manifest);
            manifest.get().version()
        };
        assert_eq!(version(&network.to_toml().unwrap()), 0);
        let parameters = *network.manifest().parameters();
        let servers: Vec<_> = network.manifest().all().filter(|s| s.name != "info-2").collect();
        let from = Round(500);
        let mut next =
            zephyr_client::NextVersion::new(&network, from, &parameters, &servers).unwrap();
        assert_eq!(version(&next.to_toml().unwrap()), 0, "nobody has signed it");
        seeds.iter().for_each(|seed| drop(next.sign(seed)));
        assert_eq!(version("nonsense"), 0);
        assert_eq!(version(SAMPLE), 0, "it is another network");
        assert_eq!(version(&next.to_toml().unwrap()), 1);
        assert_eq!(manifest.at(from).servers(Role::Info).count(), 1);
        assert_eq!(version(&network.to_toml().unwrap()), 1, "what is known stays known");
    }
}
