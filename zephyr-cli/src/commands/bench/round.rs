//! `zephyr bench round`: from the end of the submit phase to the last mailbox, beside the pure cryptography.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use zephyr_core::wire::{MixerReply, MixerRequest, encode};
use zephyr_core::{Directory, MixerIndex, Role, RouteMode, UnixMs};
use zephyr_server::ServerEvent;

use super::apart::own_usage;
use super::arena::{self, Arena, Plan, ROUND, Server, ask, late, patiently};
use super::bare::{self, Bare};
use super::load;
use super::packets::{self, Packet, cores};
use super::rows::Row;
use crate::cli::{BenchRoundArgs, RoutesArg};
use crate::exit::{Failure, Outcome};
use crate::local_network::{Counts, check_open_files};
use crate::output::note;

/// What a round may take, in units of its pure cryptography.
const LIMIT: f64 = 1.6;
/// Links over which packets are submitted.
const LINKS: usize = 256;
/// Messages of a mailbox.
const MAILBOX: usize = 200;
const SWEEP: ([usize; 3], [usize; 3]) = ([1_000, 10_000, 50_000], [3, 5, 8]);

pub async fn run(args: &BenchRoundArgs) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let kinds = args.routes.modes();
    if args.sweep {
        for mixers in SWEEP.1 {
            for messages in SWEEP.0 {
                for routes in kinds {
                    rows.extend(one(messages, mixers, *routes, 1).await?);
                }
            }
        }
        return Ok(rows);
    }
    for routes in kinds {
        rows.extend(one(args.messages, args.mixers, *routes, args.repeat).await?);
    }
    Ok(rows)
}

/// One kind of network: the best of `repeat` rounds, since other programs only ever add to a measurement.
async fn one(
    messages: usize,
    mixers: usize,
    routes: RouteMode,
    repeat: usize,
) -> Outcome<Vec<Row>> {
    check_open_files(mixers + 3, LINKS / 8)?;
    let mut best: Option<Measured> = None;
    for _ in 0..repeat {
        let measured = patiently(plan(messages, mixers, routes), |plan| measure(messages, plan));
        let measured = measured.await?;
        if best.as_ref().is_none_or(|best| measured.ratio() < best.ratio()) {
            best = Some(measured);
        }
    }
    let measured = best.ok_or_else(|| Failure::usage("--repeat must be at least 1"))?;
    let name = format!("round of {messages} messages, {mixers} mixers, routes {}", said(routes));
    let (taken, pure) = (measured.taken.as_secs_f64(), measured.pure.as_secs_f64());
    let what = format!("peeling alone, {} times, on {} cores at once", messages * mixers, cores());
    note(format_args!("{name}: {}", measured.story()));
    let mut rows = vec![Row::new(name.clone(), taken, "s").against(what, pure).limit(LIMIT)];
    if let Some((servers, pure)) = measured.processor {
        let (name, what) = (format!("{name}: processor time of all servers"), "peeling alone");
        let seconds = servers.as_secs_f64();
        rows.push(Row::new(name, seconds, "s").against(what, pure.as_secs_f64()));
    }
    Ok(rows)
}

fn said(routes: RouteMode) -> &'static str {
    match routes {
        RouteMode::Rotations => "rotations",
        RouteMode::Free => "free",
        _ => "round",
    }
}

impl RoutesArg {
    fn modes(self) -> &'static [RouteMode] {
        match self {
            Self::Round => &[RouteMode::Round],
            Self::Rotations => &[RouteMode::Rotations],
            Self::Free => &[RouteMode::Free],
            Self::All => &[RouteMode::Round, RouteMode::Rotations, RouteMode::Free],
        }
    }
}

fn plan(messages: usize, mixers: usize, routes: RouteMode) -> Plan {
    let (n, hops) = (messages as u32, mixers.min(zephyr_core::MAX_HOPS) as u32);
    let counts = Counts { mixers, pkgs: 1, infos: 1, mailbox_servers: 1 };
    Plan {
        counts,
        hops: hops as usize,
        routes,
        mailboxes: (n / MAILBOX as u32).max(1),
        min_batch: 0,
        // Wrapping takes two X25519 a hop, submitting a round trip.
        submit_ms: 3_000 + n * (200 + 100 * hops) / 1_000,
        phase_ms: 3_000 + n / 2,
    }
}

struct Measured {
    /// From the end of the submit phase until every mailbox server has acknowledged to every mixer.
    taken: Duration,
    /// The time of peeling alone.
    pure: Duration,
    /// What all servers have taken of the processors in this time, and what peeling alone takes of them.
    processor: Option<(Duration, Duration)>,
    /// When the last mixer had mixed each phase.
    phases: BTreeMap<usize, Duration>,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.taken.as_secs_f64() / self.pure.as_secs_f64()
    }

    fn story(&self) -> String {
        let seconds = |time: &Duration| format!("{:.2} s", time.as_secs_f64());
        let phases: Vec<_> = self.phases.values().map(seconds).collect();
        format!(
            "phases mixed at {}; delivered at {}; peeling alone {}",
            phases.join(", "),
            seconds(&self.taken),
            seconds(&self.pure)
        )
    }
}

async fn measure(messages: usize, plan: Plan) -> Outcome<Measured> {
    let arena = Arena::start(&plan, None, async |_, _| Ok(())).await?;
    let measured = measure_in(&arena, messages).await;
    arena.stop().await;
    measured
}

async fn measure_in(arena: &Arena, messages: usize) -> Outcome<Measured> {
    let manifest = arena.network.manifest();
    let geometry = manifest.parameters().geometry;
    let hops = Directory::parse(&arena.directory).map_or(0, |d| d.mixers().count());
    let routes = Directory::parse(&arena.directory).ok().and_then(|d| d.routes(&manifest));
    let exits = routes.map_or(0, |routes| routes.exits().len());
    let (sender, mut events) = mpsc::unbounded_channel();
    for (_, mixer) in arena.servers.nodes(Role::Mixer) {
        tokio::spawn(follow(mixer.index(), mixer.events(), sender.clone()));
    }
    drop(sender);

    let packets = packets::for_round(&manifest, &arena.directory, messages)?;
    sleep_to(arena.schedule().submit_from).await;
    submit(arena, packets).await?;
    let closed = arena.schedule().submit_until;
    if now() >= since_epoch(closed) {
        return Err(late("the packets were not submitted in time"));
    }
    // While nothing else is to be done.
    let before = [(); 3].map(|()| bare::peel(geometry));
    if now() >= since_epoch(closed) {
        return Err(late("there was no time to measure peeling alone"));
    }
    sleep_to(closed).await;
    let idle = own_usage();
    let (mut phases, mut delivered) = (BTreeMap::new(), BTreeMap::new());
    while delivered.len() < exits {
        let (mixer, at, event) = events
            .recv()
            .await
            .ok_or_else(|| Failure::failed("the mixers stopped before they had delivered"))?;
        let after = at.saturating_sub(since_epoch(closed));
        match event {
            ServerEvent::Mixed { round: ROUND, phase, .. } => {
                phases.insert(phase, after);
            }
            ServerEvent::Delivered { round: ROUND, messages } => {
                delivered.insert(mixer, (after, messages));
            }
            ServerEvent::Void { .. } => return Err(late("the round was given up")),
            _ => {}
        }
    }
    let processor = own_usage().zip(idle).map(|(after, before)| after.cpu - before.cpu);
    let arrived: usize = delivered.values().map(|(_, messages)| messages).sum();
    let stored: u64 =
        arena.servers.nodes(Role::Mailbox).map(|(_, node)| node.stats().messages_stored).sum();
    if (arrived, stored) != (messages, messages as u64) {
        return Err(Failure::failed(format!(
            "of {messages} messages {arrived} were delivered and {stored} stored"
        )));
    }
    let after = [(); 3].map(|()| bare::peel(geometry));
    let peels = (messages * hops) as u32;
    let median = |part: fn(&Bare) -> Duration| {
        (median(before.iter().map(part)) + median(after.iter().map(part))) / 2 * peels
    };
    Ok(Measured {
        taken: delivered.values().map(|(at, _)| *at).max().unwrap_or_default(),
        pure: median(|bare| bare.time),
        processor: processor.map(|servers| (servers, median(|bare| bare.processor))),
        phases,
    })
}

/// Submits everything over client links, side by side to all mixers that take packets.
async fn submit(arena: &Arena, packets: Vec<Packet>) -> Outcome {
    let links = LINKS.min(packets.len());
    let mut by_entry: BTreeMap<MixerIndex, Vec<Vec<u8>>> = BTreeMap::new();
    for Packet { entry, bytes } in packets {
        by_entry.entry(entry).or_default().push(bytes);
    }
    let each = (links / by_entry.len().max(1)).max(1);
    let mut parts: Vec<(Server, Vec<Vec<u8>>)> = Vec::new();
    for (entry, mut packets) in by_entry {
        let server = arena.server(Role::Mixer, entry.0.into());
        let len = packets.len().div_ceil(each).max(1);
        while !packets.is_empty() {
            let rest = packets.split_off(len.min(packets.len()));
            parts.push((server.clone(), std::mem::replace(&mut packets, rest)));
        }
    }
    let count = parts.len();
    load::come(count, count, move |number| {
        let (server, packets) = parts[number].clone();
        async move { submit_part(&server, &packets).await }
    })
    .await?;
    Ok(())
}

async fn submit_part(server: &Server, packets: &[Vec<u8>]) -> Outcome {
    let mut link = server.connect().await?;
    let mut out = vec![0; arena::PAYLOAD + 2_048];
    for packet in packets {
        let request = MixerRequest::Submit { round: ROUND, token: &[], packet };
        let request = encode(&request, &mut out).expect("there is room for a packet");
        match ask(&mut link, request).await? {
            MixerReply::Accepted => {}
            MixerReply::Refused(why) => return Err(late(&why.to_string())),
        }
    }
    Ok(())
}

type News = (usize, Duration, ServerEvent);

/// Notes when a mixer says what.
async fn follow(mixer: usize, mut events: Receiver<ServerEvent>, to: mpsc::UnboundedSender<News>) {
    while let Ok(event) = events.recv().await {
        if to.send((mixer, now(), event)).is_err() {
            return;
        }
    }
}

/// The system's clock, by which the servers go, finer than in milliseconds.
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub fn since_epoch(time: UnixMs) -> Duration {
    Duration::from_millis(time.0)
}

pub async fn sleep_to(time: UnixMs) {
    tokio::time::sleep(since_epoch(time).saturating_sub(now())).await;
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}
