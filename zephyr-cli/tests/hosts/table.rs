//! What each fault cost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use crate::log::Entry;

/// A line of the table.
pub struct Cost {
    pub fault: &'static str,
    /// Rounds of which nobody got anything.
    pub rounds_lost: usize,
    /// Rounds of which somebody got nothing, and others did.
    pub rounds_missed: usize,
    pub queued: usize,
    pub arrived: usize,
    /// From the end of the fault to the first round that delivered to everybody.
    pub recovery: Option<Duration>,
    /// From the end of the fault until everything that was queued had arrived.
    pub caught_up: Option<Duration>,
}

/// How a round ended for the people.
#[derive(Default)]
struct Ends {
    searched: BTreeMap<String, Instant>,
    missed: BTreeSet<String>,
}

impl Cost {
    /// Counts the rounds from `first` to `last`, for so many people.
    pub fn count_rounds(&mut self, log: &[Entry], rounds: (u64, u64), end: Instant, people: usize) {
        let mut ends: BTreeMap<u64, Ends> = BTreeMap::new();
        for entry in log.iter().filter(|entry| entry.is("round")) {
            let ends = ends.entry(entry.round().unwrap_or(0)).or_default();
            match entry.text("state") {
                "searched" => drop(ends.searched.insert(entry.host.clone(), entry.at)),
                "missed" => drop(ends.missed.insert(entry.host.clone())),
                _ => {}
            }
        }
        // What was found in the mailbox of a round whose key was missing is not what was sent.
        for Ends { searched, missed } in ends.values_mut() {
            searched.retain(|person, _| !missed.contains(person));
        }
        let counted = || (rounds.0..=rounds.1).filter_map(|round| ends.get(&round));
        self.rounds_lost =
            counted().filter(|e| e.searched.is_empty() && !e.missed.is_empty()).count();
        self.rounds_missed =
            counted().filter(|e| !e.searched.is_empty() && !e.missed.is_empty()).count();
        let delivered = ends.values().filter(|ends| ends.searched.len() == people);
        let at = delivered.filter_map(|ends| ends.searched.values().max()).filter(|at| **at > end);
        self.recovery = at.min().map(|at| *at - end);
    }

    pub fn lost(&self) -> usize {
        self.queued - self.arrived
    }
}

/// All of them.
pub struct Table(pub Vec<Cost>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| fault | rounds lost | rounds missed by some | messages queued | messages lost | time to recover | all arrived after |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- |")?;
        let time = |time: Option<Duration>| {
            time.map_or("never".into(), |time| format!("{:.1} s", time.as_secs_f64()))
        };
        for cost in &self.0 {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} |",
                cost.fault,
                cost.rounds_lost,
                cost.rounds_missed,
                cost.queued,
                cost.lost(),
                time(cost.recovery),
                time(cost.caught_up)
            )?;
        }
        Ok(())
    }
}
