//! The figures at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use zephyr_core::{Parameters, Round};

use super::Plan;
use super::chaos::FAULTS;
use super::people::Person;
use super::run::News;
use super::tally::Tally;
use crate::clock;

/// What was measured.
pub struct Figures {
    parameters: Parameters,
    first: Round,
    /// How many clients have searched a round, and when the last of them had.
    searched: BTreeMap<Round, (usize, u64)>,
    voids: BTreeMap<Round, usize>,
    /// With --chaos: how many servers were killed.
    faults: Option<usize>,
    /// From writing a message to its arrival.
    pub latencies: Vec<Duration>,
    /// In how many rounds clients took part.
    pub rounds_seen: u64,
    users: usize,
    mixers: usize,
    pkgs: usize,
    rounds: usize,
    sent: usize,
    delivered: usize,
    lost: usize,
    duplicated: usize,
    forged: usize,
    client_bytes_per_round: u64,
    peak_rss_bytes: u64,
}

impl Figures {
    /// Of the rounds from `first` on.
    pub fn new(parameters: Parameters, first: Round) -> Self {
        Self {
            parameters,
            first,
            searched: BTreeMap::new(),
            voids: BTreeMap::new(),
            faults: None,
            latencies: Vec::new(),
            rounds_seen: 0,
            users: 0,
            mixers: 0,
            pkgs: 0,
            rounds: 0,
            sent: 0,
            delivered: 0,
            lost: 0,
            duplicated: 0,
            forged: 0,
            client_bytes_per_round: 0,
            peak_rss_bytes: 0,
        }
    }

    /// Takes notice of what happened at a client.
    pub fn note(&mut self, news: &News) {
        match news {
            News::Searched { round } => {
                let (count, at) = self.searched.entry(*round).or_default();
                (*count, *at) = (*count + 1, clock::now().0);
            }
            News::Missed { round, why } => {
                tracing::info!(%round, %why, "a client missed a round");
                let (count, _) = self.searched.entry(*round).or_default();
                *count += 1;
                *self.voids.entry(*round).or_default() += 1;
            }
            News::Arrived { .. } => {}
        }
    }

    /// Whether all clients are through with the round.
    pub fn searched(&self, round: Round, clients: usize) -> bool {
        self.searched.get(&round).is_some_and(|(count, _)| *count >= clients)
    }

    /// Adds up everything.
    pub fn count(&mut self, plan: &Plan, tally: &Tally, people: &[Person]) {
        (self.users, self.mixers) = (plan.users, plan.mixers);
        (self.pkgs, self.rounds) = (plan.pkgs, plan.rounds);
        (self.sent, self.delivered, self.lost) = (tally.sent, tally.delivered, tally.lost());
        (self.duplicated, self.forged) = (tally.duplicated, tally.forged);
        self.faults = plan.chaos.then_some(FAULTS);
        let stats: Vec<_> = people.iter().map(|person| person.client.stats()).collect();
        let rounds: u64 = stats.iter().map(|stats| stats.rounds).sum();
        let bytes: u64 = stats.iter().map(|stats| stats.bytes_in + stats.bytes_out).sum();
        self.rounds_seen = stats.iter().map(|stats| stats.rounds).max().unwrap_or(0);
        self.client_bytes_per_round = bytes / rounds.max(1);
        self.peak_rss_bytes = peak_rss_bytes();
    }

    /// From the first packet of a round until everybody had searched the mailbox, on average, in milliseconds.
    fn round_ms(&self) -> u64 {
        let times: Vec<u64> = self
            .searched
            .iter()
            .filter(|(round, (count, at))| {
                **round >= self.first
                    && *count >= self.users
                    && *at > 0
                    && !self.voids.contains_key(round)
            })
            .map(|(round, (_, at))| {
                at.saturating_sub(self.parameters.schedule(*round).submit_from.0)
            })
            .collect();
        if times.is_empty() { 0 } else { times.iter().sum::<u64>() / times.len() as u64 }
    }

    /// Rounds that brought nothing to anybody.
    fn rounds_lost(&self) -> usize {
        let of_nobody = |round: &Round| {
            let missed = self.voids.get(round).copied().unwrap_or(0);
            self.searched.get(round).is_some_and(|(count, _)| *count == missed)
        };
        self.searched.keys().filter(|round| **round >= self.first && of_nobody(round)).count()
    }

    fn latency(&self) -> Duration {
        let count = self.latencies.len().max(1) as u32;
        self.latencies.iter().sum::<Duration>() / count
    }

    /// One object.
    pub fn json(&self) -> String {
        let mut object = serde_json::json!({
            "users": self.users,
            "mixers": self.mixers,
            "pkgs": self.pkgs,
            "rounds": self.rounds,
            "sent": self.sent,
            "delivered": self.delivered,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "forged": self.forged,
            "round_ms": self.round_ms(),
            "round_interval_ms": self.parameters.round_ms,
            "message_ms": self.latency().as_millis() as u64,
            "client_bytes_per_round": self.client_bytes_per_round,
            "peak_rss_bytes": self.peak_rss_bytes,
        });
        if let Some(faults) = self.faults {
            object["faults"] = faults.into();
            object["rounds_lost"] = self.rounds_lost().into();
        }
        object.to_string()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |ms: u64| clock::say(Duration::from_millis(ms));
        writeln!(
            f,
            "round      {} from its first packet until everybody had searched the mailbox; a new one every {}",
            ms(self.round_ms()),
            ms(self.parameters.round_ms.into())
        )?;
        writeln!(
            f,
            "message    {} from writing to reading, on average",
            clock::say(self.latency())
        )?;
        writeln!(
            f,
            "client     {:.1} kB a round, up and down, whether it has something to say or not",
            self.client_bytes_per_round as f64 / 1_000.0
        )?;
        writeln!(
            f,
            "memory     {:.1} MB at most, all servers and users together",
            self.peak_rss_bytes as f64 / 1e6
        )?;
        if let Some(faults) = self.faults {
            let lost = self.rounds_lost();
            writeln!(f, "chaos      {faults} servers killed, {lost} rounds lost")?;
        }
        writeln!(
            f,
            "messages   {} sent, {} delivered, {} lost, {} duplicated, {} forged",
            self.sent, self.delivered, self.lost, self.duplicated, self.forged
        )?;
        let all = self.delivered == self.sent && self.duplicated + self.forged == 0;
        f.write_str(if all { "all delivered" } else { "NOT all delivered" })
    }
}

/// The most memory that this process has had; 0 where the system doesn't tell.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}
