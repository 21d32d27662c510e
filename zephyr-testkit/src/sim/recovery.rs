//! How soon everything must have arrived when nothing goes wrong any more.

use zephyr_core::stream::resend_after;
use zephyr_core::{Round, Suite, UnixMs};

use super::figures::Figures;
use super::world::World;

/// The time that a network has to recover.
pub(super) struct Recovery {
    from: UnixMs,
    allowed: u64,
}

impl Recovery {
    /// The last fault.
    pub(super) fn since(&self) -> UnixMs {
        self.from
    }
}

impl<S: Suite + Sync> World<'_, S> {
    /// From the last fault on everything has arrived, and its senders know it, within
    ///
    /// ```text
    ///     o + r + b + 2·(w + t) + l     rounds
    /// ```
    ///
    /// - o = ⌈open_ms / round_ms⌉ + 1: until the first round begins that opened after the last fault;
    /// - r = `resend_after`: until everything that was lost before is sent again;
    /// - b = ⌈f·k / n⌉: until f fragments, the most that wait for one contact, have had their turn, with k contacts
    ///   and n slots;
    /// - w = ⌈(closes − submit_from) / round_ms⌉: the way of the last fragment, and that of its acknowledgement;
    /// - t = ⌈k / n⌉: until the contact's turn comes, in either direction;
    /// - l: rounds that mixers cost which fail for good, see [`lost_to_lazy`].
    pub(super) fn recovery_from_now(&self) -> Recovery {
        let parameters = self.parameters();
        let round_ms = u64::from(parameters.round_ms);
        let (slots, contacts) = (u64::from(parameters.packets_per_round), self.people.len() - 1);
        let schedule = parameters.schedule(Round(1));
        let k = contacts as u64;
        let way = schedule.closes.since(schedule.submit_from).div_ceil(round_ms);
        let waiting =
            self.people.iter().flat_map(|p| p.home.contacts().map(|to| p.home.waiting(to)));
        let most = waiting.max().unwrap_or(0) as u64;
        let rounds = u64::from(parameters.open_ms).div_ceil(round_ms)
            + 1
            + resend_after(parameters, contacts)
            + (most * k).div_ceil(slots)
            + 2 * (way + k.div_ceil(slots));
        let lazy = self.servers.iter().filter(|s| s.corrupt != super::corrupt::Corruption::Honest);
        Recovery {
            from: self.now,
            allowed: rounds + lost_to_lazy(rounds, way, lazy.count() as u64),
        }
    }

    /// Whether everything has arrived. If it should have, and has not, that is wrong.
    pub(super) fn has_recovered(&mut self) -> bool {
        let Some(recovery) = &self.recovery else { return false };
        let unfinished = self.checks.unfinished();
        if unfinished == 0 {
            return true;
        }
        let rounds = self.now.since(recovery.from) / u64::from(self.parameters().round_ms);
        let allowed = recovery.allowed;
        if rounds > allowed {
            self.violate(|| {
                format!(
                    "{unfinished} messages have not arrived {allowed} rounds after the last fault"
                )
            });
        }
        false
    }

    /// The figures of a simulation that went well.
    pub(super) fn sum_up(self) -> Figures {
        let round_ms = u64::from(self.parameters().round_ms);
        let rounds = self.now.since(self.story.start()) / round_ms;
        let mut figures = self.figures;
        if let Some(recovery) = self.recovery {
            figures.slowest = self.now.since(recovery.from).div_ceil(round_ms);
            figures.closest = figures.slowest * 100 / recovery.allowed;
        }
        figures.rounds = rounds;
        figures.rounds_lost = rounds.saturating_sub(self.checks.scanned.len() as u64);
        figures.messages = self.checks.written.values().map(|w| w.messages.len() as u64).sum();
        figures
    }
}

/// The rounds that mixers which fail for good cost within so many others: each time one round, and those that are on
/// their way when that shows. Then the others leave it out for 1, 2, 4, 8 … rounds.
fn lost_to_lazy(rounds: u64, way: u64, lazy: u64) -> u64 {
    lazy * (way + 1) * (2 + u64::from(rounds.ilog2()))
}
