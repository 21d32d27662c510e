//! `zephyr bench mailbox`: filling a mailbox server, and downloading from it.

use std::time::Duration;

use zephyr_core::wire::{MailboxReply, MailboxRequest, encode};
use zephyr_core::{Mailbox, Role};
use zephyr_server::ServerEvent;

use super::apart::Usage;
use super::arena::{Arena, Plan, ROUND, Server, answer, ask, late, patiently};
use super::info::smallest;
use super::load;
use super::round::now;
use super::rows::Row;
use crate::cli::BenchMailboxArgs;
use crate::exit::{Failure, Outcome};
use crate::local_network::check_open_files;

/// A mailbox of a smaller round is so many times smaller.
const SMALLER: usize = 10;
/// What the memory may be of that for the smaller round.
const LIMIT: f64 = 1.25;

struct Measured {
    /// From the end of mixing until all is stored: with the mixer's signing, and the way.
    upload: Duration,
    download: Duration,
    usage: Option<(Usage, Usage)>,
}

pub async fn run(args: &BenchMailboxArgs) -> Outcome<Vec<Row>> {
    check_open_files(4, args.connections / 8)?;
    let BenchMailboxArgs { messages, mailboxes, clients, connections, .. } = *args;
    let fewer = (messages / SMALLER).max(1);
    let small = patiently(plan(fewer, mailboxes), |plan| measure(args, fewer, plan)).await?;
    let large = patiently(plan(messages, mailboxes), |plan| measure(args, messages, plan)).await?;
    let name = |what: String| {
        format!("mailbox server, {messages} messages, {mailboxes} mailboxes: {what}")
    };
    let each = |time: Duration, count: usize| time.as_secs_f64() * 1e6 / count as f64;
    let moved = clients * messages / mailboxes as usize;
    let downloads =
        format!("a message for one of {clients} clients, {connections} connections at once");
    let tenth = format!("a round of {fewer} messages");
    let mut rows = vec![
        Row::new(name("a message uploaded".into()), each(large.upload, messages), "µs")
            .against(&tenth, each(small.upload, fewer)),
        Row::new(name(downloads), each(large.download, moved), "µs")
            .against(&tenth, each(small.download, (moved / SMALLER).max(1))),
    ];
    if let (Some((_, small)), Some((uploaded, large))) = (small.usage, large.usage) {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let cpu = (large.cpu - uploaded.cpu).as_secs_f64() * 1e6 / moved as f64;
        rows.extend([
            Row::new(
                name("the server's processor time for a message downloaded".into()),
                cpu,
                "µs",
            ),
            Row::new(name("memory at most, all of it".into()), megabytes(large.peak_bytes), "MB")
                .against(&tenth, megabytes(small.peak_bytes))
                .limit(LIMIT),
            Row::new(
                name("memory at most, upload alone".into()),
                megabytes(uploaded.peak_bytes),
                "MB",
            ),
        ]);
    }
    Ok(rows)
}

/// The mixer makes the messages itself, as the cover that the network demands of it.
fn plan(messages: usize, mailboxes: u32) -> Plan {
    let n = messages as u32;
    Plan { mailboxes, min_batch: n, submit_ms: 500, phase_ms: 5_000 + n, ..smallest() }
}

async fn measure(args: &BenchMailboxArgs, messages: usize, plan: Plan) -> Outcome<Measured> {
    let arena = Arena::start(&plan, Some(Role::Mailbox), async |_, _| Ok(())).await?;
    let measured = measure_in(&arena, args, messages).await;
    arena.stop().await;
    measured
}

async fn measure_in(arena: &Arena, args: &BenchMailboxArgs, messages: usize) -> Outcome<Measured> {
    let upload = upload(arena, messages).await?;
    let before = arena.usage();
    let (mailboxes, server) = (args.mailboxes, arena.server(Role::Mailbox, 0));
    let download = load::come(args.clients, args.connections, move |number| {
        let server = server.clone();
        async move { download(&server, Mailbox(number as u32 % mailboxes)).await.map(drop) }
    })
    .await?;
    Ok(Measured { upload, download, usage: before.zip(arena.usage()) })
}

/// Waits until the mixer has delivered; says how long that took.
async fn upload(arena: &Arena, messages: usize) -> Outcome<Duration> {
    let (_, mixer) = arena.servers.nodes(Role::Mixer).next().expect("there is a mixer");
    let mut events = mixer.events();
    let mut mixed = None;
    loop {
        match events.recv().await.map_err(|_| Failure::failed("the mixer stopped"))? {
            ServerEvent::Mixed { round: ROUND, .. } => mixed = Some(now()),
            ServerEvent::Delivered { round: ROUND, messages: delivered } => {
                if delivered != messages {
                    return Err(Failure::failed(format!("{delivered} of {messages} came")));
                }
                return Ok(now().saturating_sub(mixed.unwrap_or_default()));
            }
            ServerEvent::Void { .. } => return Err(late("the round was given up")),
            _ => {}
        }
    }
}

/// Downloads a mailbox as a client does, and counts its messages; signatures are the client's own affair.
async fn download(server: &Server, mailbox: Mailbox) -> Outcome<u32> {
    let mut link = server.connect().await?;
    let mut out = [0; 32];
    let request = MailboxRequest::Download { round: ROUND, mailbox };
    let request = encode(&request, &mut out).expect("it is short");
    let (lists, messages) = match ask(&mut link, request).await? {
        MailboxReply::Start { lists, messages } => (lists, messages),
        _ => return Err(Failure::failed("the mailbox server does not give a mailbox")),
    };
    let mut came = 0;
    for _ in 0..lists {
        let MailboxReply::List { messages, .. } = answer(&mut link).await? else {
            return Err(Failure::failed("the mailbox has not the lists that it says"));
        };
        for _ in 0..messages {
            link.recv().await.map_err(Failure::failed)?;
            came += 1;
        }
    }
    match answer(&mut link).await? {
        MailboxReply::End if came == messages => Ok(came),
        _ => Err(Failure::failed("the mailbox has not the messages that it says")),
    }
}
