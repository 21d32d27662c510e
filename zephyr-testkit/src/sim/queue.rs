//! Virtual time: what happens next.

use std::collections::{BTreeMap, HashSet, VecDeque};

use zephyr_core::{Round, UnixMs};
use zephyr_machine::mix::Mixed;

use super::clients::Line;
use super::faults::Trouble;
use super::letters::{Letter, Parcel};

/// Something that happens. What belongs to one run of a server's program names its `life`.
pub(super) enum Happening {
    /// A server's alarm goes off.
    Wake { server: usize, number: u64 },
    /// A server starts.
    Start { server: usize },
    /// A letter arrives.
    Letter { from: usize, to: usize, letter: Letter },
    /// A server that lost its connection to another has a new one.
    Reconnect { from: usize, to: usize },
    /// A batch has come whole.
    Whole { server: usize, life: u32, parcel: Parcel },
    /// A batch is sent again, unless it has been acknowledged.
    Again { server: usize, life: u32, number: u64 },
    /// A call has not been answered.
    Unanswered { server: usize, life: u32, number: u64 },
    /// A corrupt mixer tries once more to have two directories.
    Plot { server: usize, round: Round },
    /// A mixer's disk has written, or not.
    Written { server: usize, life: u32, stored: bool },
    /// A mixer's work is done.
    Worked {
        server: usize,
        life: u32,
        round: Round,
        phase: usize,
        mixed: Mixed,
        seen: HashSet<[u8; 32]>,
    },

    /// A client's alarm goes off.
    WakePerson { person: usize, number: u64 },
    /// A client starts.
    StartPerson { person: usize },
    /// A client's connection is open.
    Connected { line: Line },
    /// A client's connection is broken.
    Broken { line: Line },
    /// A client's request arrives.
    Request { line: Line, request: Vec<u8> },
    /// Frames of an answer arrive.
    Answer { line: Line, frames: VecDeque<Vec<u8>> },
    /// Somebody writes a message.
    Write { from: usize, to: usize },

    /// Something goes wrong.
    Trouble(Trouble),
    /// A split heals.
    Heal { split: u32 },
    /// A server is as fast as before.
    Fast { server: usize },
    /// A clock is right again.
    ClockRight { server: usize },
    /// From now on nothing goes wrong any more.
    Calm,
}

/// What is to happen, in the order of time; at one time in the order in which it was planned.
pub(super) struct Queue<T> {
    planned: BTreeMap<(UnixMs, u64), T>,
    count: u64,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { planned: BTreeMap::new(), count: 0 }
    }

    pub(super) fn plan(&mut self, at: UnixMs, what: T) {
        self.count += 1;
        self.planned.insert((at, self.count), what);
    }

    /// The next thing that happens up to `end`.
    pub(super) fn next(&mut self, end: UnixMs) -> Option<(UnixMs, T)> {
        let entry = self.planned.first_entry().filter(|entry| entry.key().0 <= end)?;
        let ((at, _), what) = entry.remove_entry();
        Some((at, what))
    }
}
