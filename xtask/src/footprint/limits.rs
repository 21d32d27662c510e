//! What a client may need, all in this place.

use super::row::Row;
use crate::{
    step::{Failure, Outcome},
    toolchain::ESP32_C3,
};

/// The most that a figure may be, by its name: in bytes, or in instructions.
const CORTEX_M4F_LIMITS: &[(&str, u64)] = &[
    // The whole client with its network stack.
    ("flash", 288 * 1024),
    ("static RAM and worst stack", 72 * 1024),
    // One round of a client with contacts only, 8 of them, and 3 PKGs.
    ("a round, with 1,000 messages in the mailbox", 1_200_000_000),
    ("scan a message: with Noise and TCP", 40_000),
    ("scan a message: find it by its tag", 2_000),
];
/// Instructions without carry make its code longer, and the buffers of its network device are in RAM.
const RV32IMC_LIMITS: &[(&str, u64)] =
    &[("flash", 360 * 1024), ("static RAM and worst stack", 76 * 1024)];

/// The limit of the figure with this name on this target, if it has one.
pub fn of(name: &str, target: &str) -> Option<u64> {
    let limits = if target == ESP32_C3 { RV32IMC_LIMITS } else { CORTEX_M4F_LIMITS };
    limits.iter().find(|(limited, _)| *limited == name).map(|(_, limit)| *limit)
}

/// Fails with a sentence for each row that misses its limit.
pub fn check(rows: &[Row]) -> Outcome {
    let complaints: Vec<_> = rows.iter().filter_map(Row::complaint).collect();
    if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints.join("\n"))) }
}
