//! What a network is, and what it protects from, in words.

use std::cmp::Ordering;
use std::fmt::Write;
use std::time::Duration;

use zephyr_client::{Network, NextVersion};
use zephyr_core::{Manifest, Parameters, Role, Round, RouteMode, expected_anonymity_set};
use zephyr_machine::noise::Noise;

use crate::clock;

/// The slack in delta of the composition over rounds.
const DELTA_SLACK: f64 = 1e-6;

/// The description of the newest version, and of the one behind it that is being signed.
pub fn describe(network: &Network, next: Option<&NextVersion>) -> String {
    let newest = next.map_or_else(|| network.manifest(), NextVersion::manifest);
    let mut text = format!("network  {}\n", network.id());
    if newest.version() > 0 {
        let _ = writeln!(text, "{}\n", versions(network, next));
    }
    text += &servers_and_guarantees(&newest);
    text
}

/// From when on each version is in effect.
fn versions(network: &Network, next: Option<&NextVersion>) -> String {
    let p = *network.first().parameters();
    let now = p.opened_by(clock::now()).unwrap_or(Round(0));
    let current = network.at(now).version();
    let mut lines: Vec<_> = network
        .versions()
        .map(|manifest| {
            let (version, from) = (manifest.version(), manifest.from_round());
            let state = match version.cmp(&current) {
                Ordering::Less => "over",
                Ordering::Equal => "in effect",
                Ordering::Greater => "signed, not in effect yet",
            };
            format!("version  {version} from round {from} on, {}: {state}", opens(&p, from))
        })
        .collect();
    if let Some(next) = next {
        let (version, from) = (next.manifest().version(), next.manifest().from_round());
        lines.push(format!(
            "version  {version} from round {from} on, {}: {}",
            opens(&p, from),
            signatures(next)
        ));
    }
    lines.push("\nThe newest version has these servers and parameters:".into());
    lines.join("\n")
}

fn opens(p: &Parameters, round: Round) -> String {
    clock::rfc3339(p.schedule(round).opens)
}

/// Whose signatures a version lacks.
pub fn signatures(next: &NextVersion) -> String {
    if next.finish().is_ok() {
        return "signed by all who must: give the file to all servers".into();
    }
    let missing: Vec<_> = next.missing();
    let names = |role| {
        let names: Vec<_> =
            missing.iter().filter(|server| server.role == role).map(|server| server.name).collect();
        names.join(", ")
    };
    let mixers = next.network().manifest().servers(Role::Mixer).count();
    let spare = if mixers > 1 { " (one of these may be missing)" } else { "" };
    let mut parts = Vec::new();
    // With one mixer missing nothing is lacking from mixers.
    let (of_mixers, of_pkgs) = (names(Role::Mixer), names(Role::Pkg));
    if of_mixers.contains(',') || (mixers == 1 && !of_mixers.is_empty()) {
        parts.push(format!("the mixers {of_mixers}{spare}"));
    }
    if !of_pkgs.is_empty() {
        parts.push(format!("the PKGs {of_pkgs}"));
    }
    format!("not signed yet by {}", parts.join(", and by "))
}

fn servers_and_guarantees(manifest: &Manifest<'_>) -> String {
    let mut text = String::new();
    let p = manifest.parameters();
    // Writing into a string does not fail.
    for role in Role::ALL {
        for server in manifest.servers(role) {
            let _ = writeln!(
                text,
                "{:8} {:16} {}  clients {}  servers {}",
                role.to_string(),
                server.name,
                server.id,
                server.client_address,
                server.peer_address
            );
        }
    }
    let _ = writeln!(text, "\n{}", sizes(p));
    let _ = writeln!(text, "\n{}", guarantee(p, manifest.servers(Role::Mixer).count()));
    let _ = writeln!(text, "\n{}", anonymity(p, manifest.servers(Role::Mixer).count()));
    let _ = write!(text, "\n{}", noise(p));
    text
}

fn sizes(p: &Parameters) -> String {
    let ms = |ms: u64| clock::say(Duration::from_millis(ms));
    let schedule = p.schedule(Round(1_000));
    let (packet, slots) = (p.geometry.packet_len(), p.packets_per_round);
    let upload = u64::from(slots) * packet as u64;
    format!(
        "rounds   a new one every {}; packets are taken for {}, {} hops of {} follow; a message takes up to {}\n\
         clients  {slots} packets of {packet} bytes in every round ({} kB an hour), payloads of {} bytes\n\
         boxes    {} mailboxes, each on {} servers",
        ms(p.round_ms.into()),
        ms(p.submit_ms.into()),
        p.geometry.hops(),
        ms(p.phase_ms.into()),
        ms(schedule.closes.since(schedule.submit_from)),
        upload * 3_600 / u64::from(p.round_ms),
        p.geometry.payload_len(),
        p.mailboxes,
        p.replicas,
    )
}

fn guarantee(p: &Parameters, mixers: usize) -> String {
    let min = usize::from(p.min_mixers);
    let beyond = 2 * min - mixers;
    let mut text = format!(
        "trust    a round has at least {min} of {mixers} mixers. Two directories for one round, or a round without an\n\
         \x20        honest mixer, need {beyond} corrupted mixers or more; one honest PKG keeps all keys safe."
    );
    if p.geometry.hops() < mixers {
        let _ = write!(
            text,
            "\n         A route has {} of the {mixers} mixers: it protects only if one of these is honest.",
            p.geometry.hops()
        );
    }
    text
}

fn anonymity(p: &Parameters, mixers: usize) -> String {
    let mut text = String::from(
        "routes   a packet hides among, with so many clients (one honest mixer, noise not counted):\n",
    );
    let _ = write!(text, "         {:10} {:>10} {:>10} {:>10}", "clients", 10, 100, 1_000);
    for (name, mode) in [
        ("round", RouteMode::Round),
        ("rotations", RouteMode::Rotations),
        ("free", RouteMode::Free),
    ] {
        let used = if mode == p.routes { "(used here)" } else { "" };
        let set = |clients: u64| {
            expected_anonymity_set(mode, mixers, clients * u64::from(p.packets_per_round))
        };
        let _ = write!(
            text,
            "\n         {name:10} {:>10.1} {:>10.1} {:>10.1} {used}",
            set(10),
            set(100),
            set(1_000)
        );
    }
    text
}

fn noise(p: &Parameters) -> String {
    if p.noise_b == 0 {
        return "noise    none that varies: how full a mailbox is can betray who writes to it"
            .into();
    }
    let noise = Noise::of(p);
    let mut text = format!(
        "noise    every mixer adds about {} messages to every mailbox in every round; (epsilon, delta) for one person\n\
         \x20        that moves one message a round, from one honest mixer's noise, nothing claimed beyond:",
        f64::from(p.noise_mu) / 1_000.0
    );
    for rounds in [1, 100, 10_000] {
        let (epsilon, delta) = noise.privacy(rounds, DELTA_SLACK);
        let _ =
            write!(text, "\n         {rounds:>6} rounds  epsilon {epsilon:.2}  delta {delta:.1e}");
    }
    text
}
