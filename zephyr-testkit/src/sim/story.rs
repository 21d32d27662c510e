//! What happened, in words.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;

use zephyr_core::{Round, UnixMs};

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed of the simulation.
    pub seed: u64,
    /// The round that was being submitted.
    pub round: Round,
    /// Milliseconds since the simulation began.
    pub at_ms: u64,
    /// What is wrong.
    pub what: String,
    /// The last happenings before it, the oldest first; none unless they were written down.
    pub story: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, round, at_ms, what, story } = self;
        writeln!(f, "seed {seed}, round {round}, after {at_ms} ms: {what}")?;
        story.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// The happenings, if they are to be told. Writing them down takes longer than all else, so a simulation runs without
/// first, and once more with the story if it failed: the second run is the same.
pub(super) struct Story {
    start: UnixMs,
    last: usize,
    aloud: bool,
    lines: VecDeque<String>,
}

impl Story {
    /// Keeps the `last` happenings.
    pub(super) fn new(start: UnixMs, last: usize, aloud: bool) -> Self {
        Self { start, last, aloud, lines: VecDeque::new() }
    }

    pub(super) fn tell(&mut self, now: UnixMs, what: impl FnOnce() -> String) {
        if self.last == 0 {
            return;
        }
        if self.lines.len() >= self.last {
            self.lines.pop_front();
        }
        let line = format!("{:>9} ms  {}", now.since(self.start), what());
        if self.aloud {
            // Whoever listened may have gone.
            let _ = writeln!(std::io::stdout(), "{line}");
        } else {
            self.lines.push_back(line);
        }
    }

    pub(super) fn start(&self) -> UnixMs {
        self.start
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines).into()
    }
}
