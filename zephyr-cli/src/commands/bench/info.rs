//! `zephyr bench info`: the round's directory for many clients.

use zephyr_core::Role;
use zephyr_core::RouteMode;
use zephyr_core::wire::{InfoReply, InfoRequest, encode};

use super::arena::{Arena, Plan, ROUND, ask, patiently};
use super::bare::{self, Bare};
use super::load;
use super::rows::Row;
use crate::cli::BenchClientsArgs;
use crate::exit::{Failure, Outcome};
use crate::local_network::{Counts, check_open_files};

pub async fn run(args: &BenchClientsArgs) -> Outcome<Vec<Row>> {
    check_open_files(4, args.connections / 8)?;
    let plan = Plan { submit_ms: 20_000 + 3 * args.clients as u32, ..smallest() };
    patiently(plan, |plan| measure(args, plan)).await
}

/// A network with the fewest servers that there can be.
pub fn smallest() -> Plan {
    Plan {
        counts: Counts { mixers: 1, pkgs: 1, infos: 1, mailbox_servers: 1 },
        hops: 1,
        routes: RouteMode::Round,
        mailboxes: 1,
        min_batch: 0,
        submit_ms: 10_000,
        phase_ms: 3_000,
    }
}

async fn measure(args: &BenchClientsArgs, plan: Plan) -> Outcome<Vec<Row>> {
    let arena = Arena::start(&plan, Some(Role::Info), async |_, _| Ok(())).await?;
    let measured = measure_in(&arena, args).await;
    arena.stop().await;
    measured
}

async fn measure_in(arena: &Arena, args: &BenchClientsArgs) -> Outcome<Vec<Row>> {
    let (clients, connections) = (args.clients, args.connections);
    let bare = bare::handshake();
    let (info, before) = (arena.server(Role::Info, 0), arena.usage());
    let expected = arena.directory.clone();
    let taken = load::come(clients, connections, move |_| {
        let (info, expected) = (info.clone(), expected.clone());
        async move {
            let mut link = info.connect().await?;
            let mut out = [0; 16];
            let request = encode(&InfoRequest::Directory(ROUND), &mut out).expect("it is short");
            match ask(&mut link, request).await? {
                InfoReply::Directory(directory) if directory == expected => Ok(()),
                _ => Err(Failure::failed("the info-node did not give the round's directory")),
            }
        }
    })
    .await?;
    let name = |what: &str| {
        format!("info-node, {clients} clients, {connections} connections at once: {what}")
    };
    let mut rows = vec![served(name("time of a client"), taken, clients, bare)];
    if let (Some(before), Some(after)) = (before, arena.usage()) {
        rows.extend(used(name, (before, after), clients, ("a handshake's three X25519", bare)));
    }
    Ok(rows)
}

/// How long one client takes when so many come.
fn served(name: String, taken: std::time::Duration, clients: usize, bare: Bare) -> Row {
    let each = taken.as_secs_f64() * 1e6 / clients as f64;
    let beside =
        "a handshake's three X25519 on all cores; the clients' part runs on the same cores";
    Row::new(name, each, "µs").against(beside, bare.time.as_secs_f64() * 1e6)
}

/// What the server's process has used for them.
pub fn used(
    name: impl Fn(&str) -> String,
    (before, after): (super::apart::Usage, super::apart::Usage),
    clients: usize,
    (what, bare): (&str, Bare),
) -> [Row; 2] {
    let bare = bare.processor.as_secs_f64() * 1e6;
    let cpu = (after.cpu - before.cpu).as_secs_f64() * 1e6 / clients as f64;
    let peak = after.peak_bytes as f64 / 1e6;
    let memory = format!("{:.1} MB before the clients came", before.bytes as f64 / 1e6);
    [
        Row::new(name("the server's processor time for a client"), cpu, "µs").against(what, bare),
        Row::new(name("memory at most"), peak, "MB").beside(memory),
    ]
}
