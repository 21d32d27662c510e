//! All metrics, written down.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;
use zephyr_core::{Role, Round, ServerId, UnixMs};
use zephyr_machine::ledger::LoopCount;
use zephyr_machine::mix::BadPackets;

use super::about;
use super::observed::{Observed, Seen};
use super::page::Page;
use crate::net::NetHandle;
use crate::node::context::{now, server_id};
use crate::node::{Context, SharedBoard, Stats};

/// Who sent a packet that came from no mixer.
const CLIENTS: &str = "(clients)";

/// The metrics of one server.
pub(crate) struct Metrics(Registry);

impl Metrics {
    /// Of the server in `context`; `connections` tells how many clients are connected.
    pub(crate) fn new(
        role: Role,
        context: &Context,
        connections: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Self {
        Self::of(All {
            role,
            stats: context.stats.clone(),
            observed: context.observed.clone(),
            board: context.board.clone(),
            net: context.net.clone(),
            connections: Box::new(connections),
        })
    }

    /// Of whatever else has some.
    pub(crate) fn of(source: impl Collector) -> Self {
        let mut registry = Registry::with_prefix("zephyr");
        registry.register_collector(Box::new(source));
        Self(registry)
    }

    /// Everything now, in the text format of OpenMetrics.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.0).expect("a string takes everything");
        text
    }
}

/// Where the metrics come from.
struct All {
    role: Role,
    stats: Arc<Stats>,
    observed: Arc<Observed>,
    board: Arc<SharedBoard>,
    net: NetHandle,
    connections: Box<dyn Fn() -> usize + Send + Sync>,
}

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("All").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Collector for All {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        self.server(&mut page)?;
        about::counters(&mut page, &self.stats)?;
        let seen = self.observed.seen();
        self.rounds(&mut page, &seen)?;
        if self.role == Role::Mixer {
            self.ready(&mut page, seen.round)?;
            self.blame(&mut page, &seen)?;
        }
        Ok(())
    }
}

impl All {
    fn name(&self, id: &ServerId) -> String {
        self.observed.name(id)
    }

    fn named(&self, counts: &BTreeMap<ServerId, u64>) -> impl Iterator<Item = ([String; 1], u64)> {
        counts.iter().map(|(id, n)| ([self.name(id)], *n))
    }

    fn server(&self, page: &mut Page<'_>) -> fmt::Result {
        let own = server_id(self.net.own());
        let manifest = &self.observed.manifest;
        about::server(page, manifest, &own, &self.role.to_string())?;
        let connected = self.net.connected();
        let others =
            manifest.servers(now()).into_iter().filter(|server| server.id != own).map(|server| {
                let up = connected.iter().any(|node| server_id(*node) == server.id);
                ([self.name(&server.id), server.role.to_string()], f64::from(u8::from(up)))
            });
        page.gauges(
            "connected",
            "1 if there is a connection to the other server, 0 if not.",
            ["server", "role"],
            others,
        )?;
        about::clients(page, (self.connections)())?;
        let queued = self.net.queued() as f64;
        page.gauge("queued", "Calls and batches of other servers that wait to be taken.", queued)
    }

    fn rounds(&self, page: &mut Page<'_>, seen: &Seen) -> fmt::Result {
        let round = seen.round.map_or(f64::NAN, |round| round.0 as f64);
        page.gauge("round", "The round that has opened last.", round)?;
        page.counter("rounds_opened", "Rounds that have opened.", seen.opened)?;
        page.counter("rounds_agreed", "Rounds whose directory has come.", seen.agreed)?;
        page.gauge("directory_mixers", "Mixers in the last directory.", seen.mixers as f64)?;
        page.counters(
            "rounds_unopened",
            "Rounds without a directory when clients should submit, by what was missing.",
            ["missing"],
            seen.unopened.iter().map(|(missing, n)| ([missing.to_string()], *n)),
        )?;
        page.counters(
            "missing",
            "How often a server's part was missing from such a round.",
            ["server", "what"],
            seen.missing.iter().map(|((id, what), n)| ([self.name(id), what.to_string()], *n)),
        )?;
        page.counters(
            "rounds_given_up",
            "Rounds that were void because a mixer gave them up.",
            ["mixer"],
            self.named(&seen.given_up),
        )?;
        if self.role != Role::Mixer {
            return Ok(());
        }
        page.counters(
            "batches_missing",
            "Batches that did not come in time, by the mixer that was to send them.",
            ["mixer"],
            self.named(&seen.no_batch),
        )?;
        let seconds = |time: UnixMs| time.0 as f64 / 1000.0;
        page.gauge(
            "last_delivery_timestamp_seconds",
            "When this mixer has last delivered a round, or found its loop packets of one.",
            seen.delivered.map_or(f64::NAN, seconds),
        )
    }

    /// What the mixers say of themselves in the DHT, of the round that is being mixed.
    fn ready(&self, page: &mut Page<'_>, opened: Option<Round>) -> fmt::Result {
        let manifest = &self.observed.manifest;
        let submitted =
            |round: &Round| manifest.at(*round).parameters().schedule(*round).submit_until <= now();
        let mixing = opened.and_then(|Round(last)| {
            (last.saturating_sub(8)..=last).rev().map(Round).find(submitted)
        });
        let phases = mixing.map_or(0, |round| manifest.at(round).parameters().geometry.hops());
        let board = self.board.lock();
        let ready = |phase: usize| board.ready(mixing.unwrap_or(Round(0)), phase as u8) as f64;
        let counts: Vec<_> = (0..phases).map(|phase| ([phase.to_string()], ready(phase))).collect();
        drop(board);
        page.gauges(
            "ready_mixers",
            "Mixers that say that they have finished a phase of the round that is being mixed.",
            ["phase"],
            counts,
        )
    }

    fn blame(&self, page: &mut Page<'_>, seen: &Seen) -> fmt::Result {
        let ledger = &seen.ledger;
        let by_mixer = |part: fn(&LoopCount) -> u64| {
            ledger.mixers().iter().map(move |(id, count)| ([self.name(id)], part(count)))
        };
        let by_link = |part: fn(&LoopCount) -> u64| {
            ledger
                .links()
                .iter()
                .map(move |((from, to), count)| ([self.name(from), self.name(to)], part(count)))
        };
        page.counter("loop_rounds", "Rounds whose loop packets were looked for.", seen.looped)?;
        page.counter(
            "loop_rounds_unchecked",
            "Rounds whose loop packets could not be looked for: no mailbox server showed the mailbox.",
            seen.not_looped,
        )?;
        page.counters(
            "loop_packets",
            "Loop packets sent through each mixer, in rounds that were delivered.",
            ["mixer"],
            by_mixer(|count| count.sent),
        )?;
        page.counters(
            "loop_packets_lost",
            "Loop packets through each mixer that did not come back.",
            ["mixer"],
            by_mixer(|count| count.lost),
        )?;
        page.counters(
            "link_loop_packets",
            "Loop packets sent over each link between two mixers.",
            ["from", "to"],
            by_link(|count| count.sent),
        )?;
        page.counters(
            "link_loop_packets_lost",
            "Loop packets over each link that did not come back.",
            ["from", "to"],
            by_link(|count| count.lost),
        )?;
        page.counters(
            "loop_packets_doubled",
            "Loop packets that the last mixer delivered more than once, by its own signature.",
            ["mixer"],
            self.named(ledger.doubled()),
        )?;
        page.gauges(
            "suspected",
            "1 for each mixer that alone explains all losses of loop packets in the last 1000 rounds.",
            ["mixer"],
            ledger.suspects().iter().map(|id| ([self.name(id)], 1.0)),
        )?;
        page.counters(
            "mailboxes_altered",
            "Mailboxes that a mailbox server showed otherwise than they were delivered.",
            ["server"],
            self.named(&seen.altered),
        )?;
        page.counters(
            "other_batches",
            "Second batches of a mixer for one phase that differ from its first.",
            ["mixer"],
            self.named(&seen.other_batch),
        )?;
        self.bad_packets(page, seen)
    }

    fn bad_packets(&self, page: &mut Page<'_>, seen: &Seen) -> fmt::Result {
        let counts = seen.ledger.bad().iter().flat_map(|((from, phase), bad)| {
            let from = from.map_or(CLIENTS.to_owned(), |id| self.name(&id));
            let BadPackets { forged, replayed, misrouted } = *bad;
            [("forged", forged), ("replayed", replayed), ("misrouted", misrouted)]
                .map(|(kind, n)| ([from.clone(), phase.to_string(), kind.to_owned()], n as u64))
        });
        page.counters(
            "bad_packets",
            "Packets that were dropped, by who sent them: not always who made them.",
            ["from", "phase", "kind"],
            counts,
        )
    }
}
