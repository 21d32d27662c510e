//! Whom a server is connected with: the servers of all versions of the manifest that count now.

use std::time::Duration;

use tokio::sync::watch;
use zephyr_core::ServerId;
use zephyr_machine::SharedManifest;

use super::context::{node_id, now};
use crate::listen::stopped;
use crate::net::{NetHandle, Peer};

/// How often it is looked whether others count, at least and at most.
const EVERY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The servers to be connected with now. `own` stands among them in any case: a server stays on the network after its
/// last round, and before its first one.
pub(super) fn peers(manifest: &SharedManifest, own: &ServerId) -> Vec<Peer> {
    let mut servers = manifest.servers(now());
    if !servers.iter().any(|server| server.id == *own) {
        servers.extend(manifest.find(own).map(|(.., entry)| entry));
    }
    let peer = |server: &zephyr_core::ServerEntry<'_>| Peer {
        identity: node_id(&server.id),
        address: server.peer_address.to_owned(),
    };
    servers.iter().map(peer).collect()
}

/// Lets servers in and connects with them when they come, and turns them away when they have gone, until the server
/// stops.
pub(super) async fn keep(
    manifest: SharedManifest,
    own: ServerId,
    net: NetHandle,
    mut stop: watch::Receiver<bool>,
) {
    let opening = Duration::from_millis(manifest.get().parameters().open_ms.into());
    let pace = (opening / 8).clamp(EVERY.0, EVERY.1);
    let mut known = peers(&manifest, &own);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(pace) => {}
        }
        let new = peers(&manifest, &own);
        if new == known {
            continue;
        }
        match net.set_peers(new.clone()).await {
            Ok(()) => tracing::info!(servers = new.len(), "other servers count from now on"),
            Err(error) => tracing::error!(%error, "the servers of a new version can't be used"),
        }
        known = new;
    }
}
