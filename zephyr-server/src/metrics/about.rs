//! The metrics that every process has.

use std::fmt;

use zephyr_core::{Round, ServerId};
use zephyr_machine::SharedManifest;

use super::names::name_of;
use super::page::Page;
use crate::node::Stats;
use crate::node::context::now;

/// What it is, and what it knows of the network.
pub(super) fn server(
    page: &mut Page<'_>,
    manifest: &SharedManifest,
    id: &ServerId,
    role: &str,
) -> fmt::Result {
    let labels = [name_of(manifest, id), role.into(), env!("CARGO_PKG_VERSION").into()];
    page.gauges(
        "server",
        "Always 1: which server this is.",
        ["server", "role", "version"],
        [(labels, 1.0)],
    )?;
    let current = manifest.get().parameters().opened_by(now()).unwrap_or(Round(0));
    let version = manifest.at(current).version();
    page.gauge("manifest_version", "Version of the manifest in effect.", version.into())?;
    let newest = manifest.get().version();
    page.gauge("manifest_newest_version", "Newest version known here.", newest.into())
}

/// Who is connected.
pub(super) fn clients(page: &mut Page<'_>, connections: usize) -> fmt::Result {
    page.gauge("client_connections", "Clients that are connected.", connections as f64)
}

/// What it has done.
pub(super) fn counters(page: &mut Page<'_>, stats: &Stats) -> fmt::Result {
    for (name, help, value) in stats.all() {
        page.counter(name, help, value)?;
    }
    Ok(())
}
