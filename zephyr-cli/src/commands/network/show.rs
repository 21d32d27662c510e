//! What a network is, and what it protects from, in words.

use std::fmt::Write;
use std::time::Duration;

use zephyr_core::{Manifest, Parameters, Role, Round, RouteMode, expected_anonymity_set};
use zephyr_machine::noise::Noise;

use crate::clock;

/// The slack in delta of the composition over rounds.
const DELTA_SLACK: f64 = 1e-6;

/// The description.
pub fn describe(manifest: &Manifest<'_>) -> String {
    let mut text = String::new();
    let p = manifest.parameters();
    // Writing into a string does not fail.
    let _ = writeln!(text, "network  {}", manifest.network());
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
