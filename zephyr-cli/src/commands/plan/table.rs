//! The plan in words, and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;
use zephyr_core::{Role, RouteMode};
use zephyr_machine::mixer::MAX_BATCH;

use super::model::{BATCH_MEMORY, Cost, LOAD, MIXING, Model, READING, SERVING};
use crate::clock;

/// For people.
pub fn text(model: &Model) -> String {
    [network(model), servers(model), mixing(model), client(model), assumptions(model)].join("\n\n")
}

fn network(model: &Model) -> String {
    let p = &model.parameters;
    let routes = match p.routes {
        RouteMode::Round => "round",
        RouteMode::Rotations => "rotations",
        _ => "free",
    };
    format!(
        "network  {} users with {} packets each in every round of {}; payloads of {} bytes, packets of {}\n\
         \x20        {} mixers, {} hops, routes \"{routes}\"; {} PKGs\n\
         \x20        {} mailboxes with {:.0} messages each, noise included, on {} servers each",
        model.users,
        p.packets_per_round,
        say(model.round_seconds()),
        p.geometry.payload_len(),
        p.geometry.packet_len(),
        model.servers.mixers,
        p.geometry.hops(),
        model.servers.pkgs,
        p.mailboxes,
        model.mailbox(),
        p.replicas,
    )
}

fn servers(model: &Model) -> String {
    let round = model.round_seconds();
    let mut text = format!(
        "servers  of {} cores and {} Gbit/s each; seconds of one core, and bytes, in a round\n\
         \x20        {:20} {:>12} {:>10} {:>10} {:>10} {:>10} {:>10}",
        model.machine.cores,
        model.machine.gbit,
        "",
        "processor",
        "in",
        "out",
        "memory",
        "disk",
        "machines"
    );
    for cost in model.costs() {
        let Cost { role, cpu, received, sent, memory, storage, machines } = cost;
        let who = match role {
            Role::Mixer => "each mixer".into(),
            Role::Pkg => "each PKG".into(),
            _ => format!("all {role} servers"),
        };
        let (memory, storage) = (or_dash(memory), or_dash(storage));
        // Writing into a string does not fail.
        let _ = write!(
            text,
            "\n         {who:20} {:>10.0} s {:>10} {:>10} {memory:>10} {storage:>10} {:>10}",
            cpu,
            bytes(received),
            bytes(sent),
            machines_of(&cost),
        );
        if machines > 1.0 && !divisible(role) {
            let cores = (cpu / (LOAD * round)).ceil();
            let gbit = (received.max(sent) * 8.0 / (LOAD * round * 1e9)).ceil();
            let _ = write!(text, "  too small: take {cores} cores and {gbit} Gbit/s");
        }
    }
    text
}

/// Whether more servers of the role share its work.
fn divisible(role: Role) -> bool {
    matches!(role, Role::Info | Role::Mailbox)
}

fn machines_of(&Cost { role, machines, .. }: &Cost) -> String {
    if divisible(role) { format!("{:.0}", machines.ceil()) } else { format!("{machines:.2}") }
}

fn mixing(model: &Model) -> String {
    let p = &model.parameters;
    let (phase, all) = (model.phase_seconds(), model.mixing_seconds());
    let set = f64::from(p.phase_ms) / 1_000.0;
    let verdict = if phase > set {
        format!("more than `phase_ms` allows ({}): raise it, or give mixers more cores", say(set))
    } else {
        format!("`phase_ms` allows {}", say(set))
    };
    let packets = model.phase_packets();
    let batch = if packets > MAX_BATCH as f64 {
        let mixers = (packets * model.shares() / MAX_BATCH as f64).ceil();
        format!(
            "\n         TOO MANY PACKETS: a phase has {packets:.0}, a mixer takes {MAX_BATCH} at most. Take the routes \"rotations\"\n\
             \x20        with {mixers} mixers, fewer packets a round, or several networks"
        )
    } else {
        String::new()
    };
    format!(
        "mixing   a phase takes about {}; {verdict}\n\
         \x20        messages are in their mailboxes about {} after the submit phase has ended{batch}",
        say(phase),
        say(all)
    )
}

fn client(model: &Model) -> String {
    let mut text =
        format!("client   bytes in a round\n\x20        {:12} {:>10} {:>10}", "", "out", "in");
    let (mut up, mut down) = (0, 0);
    for (part, exchanged) in model.client_bytes() {
        up += exchanged.up;
        down += exchanged.down;
        let _ = write!(text, "\n         {part:12} {:>10} {:>10}", exchanged.up, exchanged.down);
    }
    let rate = (up + down) as f64 / model.round_seconds();
    let (contacts, all) = model.client_seconds();
    let _ = write!(
        text,
        "\n         {:12} {up:>10} {down:>10}   {rate:.0} bytes a second, {} in 30 days\n\
         \x20        computing {} with {} contacts, {} with trial decryption of the whole mailbox",
        "all",
        bytes(rate * 86_400.0 * 30.0),
        say(contacts),
        model.contacts,
        say(all),
    );
    text
}

fn assumptions(model: &Model) -> String {
    let u = &model.units;
    let us = |seconds: f64| format!("{:.1} µs", seconds * 1e6);
    format!(
        "assumed  measured just now on one core: peel {}, make a packet of noise {}, extract {}, check a signature {},\n\
         \x20        a link's handshake {}, its connection {}, a frame of 1 KiB {}, a look-up in a PKG's database {}, a pairing {}\n\
         \x20        a client takes {SERVING} times its parts, its mailbox {READING} times the frames; a phase {MIXING} times its\n\
         \x20        cryptography, and memory of {BATCH_MEMORY} times its batch;\n\
         \x20        processors and network cards are used to {:.0} % at most; every user takes part in every round, and asks\n\
         \x20        two info-nodes, with a connection for each server that it asks; TCP's and IP's headers come on top (3 to 5 %).\n\
         \x20        How this compares with measurements: docs/performance.md",
        us(u.peel),
        us(u.noise),
        us(u.extract),
        us(u.verify),
        us(u.handshake),
        us(u.connection),
        us(u.frame_kib),
        us(u.look_up),
        us(u.pairing),
        100.0 * LOAD,
    )
}

fn say(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 60.0 => format!("{s:.1} s"),
        s => clock::say(Duration::from_secs(s.round() as u64)),
    }
}

fn or_dash(value: f64) -> String {
    if value == 0.0 { "-".into() } else { bytes(value) }
}

fn bytes(value: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let power = if value < 1.0 { 0 } else { (value.log10() / 3.0) as usize };
    let power = power.min(units.len() - 1);
    let shown = value / 1_000f64.powi(power as i32);
    if power == 0 || shown >= 100.0 {
        format!("{shown:.0} {}", units[power])
    } else {
        format!("{shown:.1} {}", units[power])
    }
}

/// For programs: seconds and bytes in a round.
pub fn json(model: &Model) -> String {
    let roles: Vec<_> = model
        .costs()
        .into_iter()
        .map(|cost| {
            json!({
                "role": cost.role.to_string(),
                "cpu_seconds": cost.cpu,
                "bytes_in": cost.received,
                "bytes_out": cost.sent,
                "memory_bytes": cost.memory,
                "storage_bytes": cost.storage,
                "machines": cost.machines,
                "divisible": divisible(cost.role),
            })
        })
        .collect();
    let parts: Vec<_> = model
        .client_bytes()
        .into_iter()
        .map(|(part, bytes)| json!({"part": part, "bytes_out": bytes.up, "bytes_in": bytes.down}))
        .collect();
    let (contacts_only, all) = model.client_seconds();
    let u = &model.units;
    json!({
        "users": model.users,
        "round_seconds": model.round_seconds(),
        "mailboxes": model.parameters.mailboxes,
        "messages_per_mailbox": model.mailbox(),
        "phase_packets": model.phase_packets(),
        "most_phase_packets": MAX_BATCH,
        "phase_seconds": model.phase_seconds(),
        "mixing_seconds": model.mixing_seconds(),
        "servers": roles,
        "client": {
            "traffic": parts,
            "seconds_contacts_only": contacts_only,
            "seconds_trial_decryption": all,
        },
        "units_seconds": {
            "peel": u.peel,
            "noise": u.noise,
            "extract": u.extract,
            "verify": u.verify,
            "handshake": u.handshake,
            "connection": u.connection,
            "look_up": u.look_up,
            "frame_kib": u.frame_kib,
            "pairing": u.pairing,
        },
    })
    .to_string()
}
