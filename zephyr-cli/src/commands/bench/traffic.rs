//! `zephyr bench traffic`: what a client sends and receives in a round, by what it is for.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use zephyr_client::{Client, Event, Traffic};
use zephyr_core::session;
use zephyr_core::wire::{InfoReply, InfoRequest, encode};
use zephyr_core::{Geometry, Parameters, Role, Round, RouteMode, SHARE_SIZE};

use super::arena::{Server, ask};
use super::rows::Row;
use crate::cli::BenchTrafficArgs;
use crate::clock;
use crate::commands::demo::people;
use crate::exit::{Failure, Outcome};
use crate::local_network::{Counts, new_members, new_network, start_in_memory};

const COUNTS: Counts = Counts { mixers: 3, pkgs: 3, infos: 2, mailbox_servers: 1 };
const PAYLOADS: [usize; 2] = [1_024, 256];
const PEOPLE: usize = 2;
const SLOTS: u8 = 4;
/// Of each mixer. With what the people send the one mailbox has 200 messages.
const NOISE: u32 = 64;
/// The default of networks, for bytes a second.
const ROUND_S: f64 = 600.0;
/// From the opening of a network until all its servers are connected.
const START_MS: u64 = 4_000;

/// What is published of another system, in another setting than ours: it starts conversations, and carries no messages.
const ALPENHORN: (&str, f64) = (
    "Alpenhorn (Lazar, Zeldovich, OSDI 2016, abstract: a client bandwidth overhead of 3.7 KB/sec) with 10 million users \
     and 3 servers, adding friends and dialing only, without any messages",
    3.7,
);

pub async fn run(args: &BenchTrafficArgs) -> Outcome<Vec<Row>> {
    let [large, small] = PAYLOADS;
    let (large, small) = tokio::join!(measure(args.rounds, large), measure(args.rounds, small));
    Ok([large?, small?].concat())
}

/// Rounds that don't overlap, so that what a client moves in one is told from what it moves in the next.
fn parameters(payload: usize) -> Parameters {
    let (open_ms, submit_ms, phase_ms, deliver_ms, download_ms) = (1_500, 2_500, 600, 1_200, 2_500);
    Parameters {
        geometry: Geometry::new(COUNTS.mixers, payload).expect("a geometry"),
        routes: RouteMode::Round,
        min_mixers: COUNTS.mixers as u8,
        packets_per_round: SLOTS,
        mailboxes: 1,
        replicas: 1,
        genesis: clock::now().plus(START_MS + u64::from(open_ms)),
        round_ms: open_ms + submit_ms + 3 * phase_ms + deliver_ms + download_ms,
        open_ms,
        submit_ms,
        phase_ms,
        deliver_ms,
        download_ms,
        noise_mu: NOISE * 1_000,
        noise_b: 0,
        min_batch: 0,
    }
}

async fn measure(rounds: usize, payload: usize) -> Outcome<Vec<Row>> {
    let members = new_members(&COUNTS)?;
    let network = new_network(&members, &parameters(payload))?;
    let (servers, _catcher, mut mails) = start_in_memory(&network, &members).await?;
    let people = people::register(PEOPLE, &network, &mut mails).await?;
    let clients: Vec<_> = people.into_iter().map(|person| person.client).collect();
    let mut events = clients[0].events();
    let running: Vec<_> = clients
        .iter()
        .map(|client| {
            let client = client.clone();
            tokio::spawn(async move { client.run(std::future::pending()).await })
        })
        .collect();
    let measured = watch(&clients[0], &mut events, rounds).await;
    let directory = match &measured {
        Ok((_, round)) => directory_len(&network, *round).await,
        Err(_) => Ok(0),
    };
    running.iter().for_each(|client| client.abort());
    servers.stop().await;
    let (traffic, _) = measured?;
    Ok(rows(payload, rounds, traffic, directory?))
}

/// What a client has moved from and to servers of each role.
type Moved = [Traffic; Role::ALL.len()];

/// What the client moves in so many whole rounds, and the last of them.
async fn watch(
    client: &Client,
    events: &mut Receiver<Event>,
    rounds: usize,
) -> Outcome<(Moved, Round)> {
    // What a client does only once, such as asking for the time, is before.
    wait_for_round(events).await?;
    let before = Role::ALL.map(|role| client.traffic(role));
    let mut last = Round(0);
    for _ in 0..rounds {
        let (round, messages) = wait_for_round(events).await?;
        let expected = COUNTS.mixers as u32 * NOISE + PEOPLE as u32 * u32::from(SLOTS);
        if messages != expected {
            return Err(Failure::failed(format!(
                "a mailbox had {messages} messages instead of {expected}: is the machine busy?"
            )));
        }
        last = round;
    }
    let mut after = Role::ALL.map(|role| client.traffic(role));
    for (after, before) in after.iter_mut().zip(before) {
        after.bytes_in -= before.bytes_in;
        after.bytes_out -= before.bytes_out;
    }
    Ok((after, last))
}

/// Waits until the client is through with a round: the mailbox is searched, and every connection closed.
async fn wait_for_round(events: &mut Receiver<Event>) -> Outcome<(Round, u32)> {
    loop {
        match events.recv().await {
            Ok(Event::Round(session::Event::Scanned { round, messages, .. })) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                return Ok((round, messages));
            }
            Ok(Event::Round(session::Event::Missed { round, why })) => {
                return Err(Failure::failed(format!("a client missed round {round}: {why}")));
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err(Failure::failed("the client stopped")),
        }
    }
}

async fn directory_len(network: &zephyr_client::Network, round: Round) -> Outcome<usize> {
    let manifest = network.manifest();
    let entry = manifest.server(Role::Info, 0).expect("there is an info-node");
    let mut link = Server::new(&entry, network).connect().await?;
    let mut out = [0; 16];
    let request = encode(&InfoRequest::Directory(round), &mut out).expect("it is short");
    match ask(&mut link, request).await? {
        InfoReply::Directory(directory) => Ok(directory.len()),
        _ => Err(Failure::failed("the info-node has no directory of a round that was searched")),
    }
}

fn rows(payload: usize, rounds: usize, moved: Moved, directory: usize) -> Vec<Row> {
    let geometry = Geometry::new(COUNTS.mixers, payload).expect("a geometry");
    let messages = COUNTS.mixers * NOISE as usize + PEOPLE * usize::from(SLOTS);
    let bytes = |role: Role| {
        let Traffic { bytes_in, bytes_out } = moved[role as usize];
        (bytes_in + bytes_out) as f64 / rounds as f64
    };
    let bare = |size: usize| size as f64;
    let name = |part: &str| format!("a client's round, payloads of {payload} bytes: {part}");
    let row = |part: &str, role: Role, what: String, size: usize| {
        Row::new(name(part), bytes(role), "bytes").against(what, bare(size))
    };
    let total: f64 = Role::ALL.iter().map(|role| bytes(*role)).sum();
    let rate = total / ROUND_S / 1e3;
    vec![
        row(
            "directory",
            Role::Info,
            format!("the directory's {directory} bytes, twice: from two info-nodes"),
            2 * directory,
        ),
        row(
            "extraction",
            Role::Pkg,
            format!("a share and a signature, of {} PKGs", COUNTS.pkgs),
            COUNTS.pkgs * (SHARE_SIZE + 64),
        ),
        row(
            "packets",
            Role::Mixer,
            format!("{SLOTS} bare packets of {} bytes", geometry.packet_len()),
            usize::from(SLOTS) * geometry.packet_len(),
        ),
        row(
            "mailbox",
            Role::Mailbox,
            format!("{messages} bare messages of {} bytes", geometry.sealed_len()),
            messages * geometry.sealed_len(),
        ),
        Row::new(name("everything"), total, "bytes")
            .against("payloads of its mailbox alone", bare(messages * payload)),
        Row::new(name("in rounds of 10 minutes"), rate, "KB/s").against(ALPENHORN.0, ALPENHORN.1),
    ]
}
