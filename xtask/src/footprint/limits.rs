//! What a client may need, all in this place.

use super::row::Row;
use crate::step::{Failure, Outcome};

/// The most that a figure may be, by its name: in bytes, or in instructions.
const LIMITS: &[(&str, u64)] = &[
    // The whole client with its network stack.
    ("flash", 288 * 1024),
    ("static RAM and worst stack", 72 * 1024),
    // One round of a client with contacts only, 8 of them, and 3 PKGs.
    ("a round, with 1,000 messages in the mailbox", 1_200_000_000),
    ("scan a message: with Noise and TCP", 40_000),
    ("scan a message: find it by its tag", 2_000),
];

/// The limit of the figure with this name, if it has one.
pub fn of(name: &str) -> Option<u64> {
    LIMITS.iter().find(|(limited, _)| *limited == name).map(|(_, limit)| *limit)
}

/// Fails with a sentence for each row that misses its limit.
pub fn check(rows: &[Row]) -> Outcome {
    let complaints: Vec<_> = rows.iter().filter_map(Row::complaint).collect();
    if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints.join("\n"))) }
}
