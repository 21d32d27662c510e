//! The figures of the self-test, which needs no network.

use super::row::{Row, Unit};
use crate::toolchain::CORTEX_M4F;

/// How long the names of the self-test's steps may be: its numbers follow behind.
const NAME: usize = 44;

/// What is told of it. Steps of servers are not, nor are those of which others are the sum.
const TOLD: &[&str] = &[
    "hash to G1",
    "hash to G2",
    "one pairing",
    "check the sum of 3 shares",
    "verify a directory (3 mixers, 3 PKGs)",
    "seal 256 bytes",
    "wrap for 3 hops",
    "open by a contact's tag",
    "scan 1,000 messages",
    "scan 1,000 messages, with Noise",
    "scan a message: check the mixers' list",
    "scan a message: find it by its tag",
    "open mailbox: try to open 100 messages",
    "a round: time and directory",
    "a round: 3 shares and their check",
    "a round: tags of 8 contacts",
    "a round: send one packet",
    "a round: receive one message",
    "a round: links",
    "a round, with 1,000 messages in the mailbox",
    "longest step between two yields",
];

/// The rows that the self-test's output tells; what was done several times is told once.
pub fn rows(output: &[String]) -> Vec<Row> {
    let steps: Vec<_> = output.iter().filter_map(|line| step(line)).collect();
    let find = |name: &&str| steps.iter().find(|(step, _)| step == name).copied();
    TOLD.iter()
        .filter_map(find)
        .map(|(name, value)| Row::new(name, CORTEX_M4F, value, Unit::Instructions))
        .collect()
}

/// Name and instructions of a line.
fn step(line: &str) -> Option<(&str, u64)> {
    let (name, numbers) = line.split_at_checked(NAME)?;
    Some((name.trim_end(), numbers.split_whitespace().next()?.parse().ok()?))
}

/// How many rows there are if the self-test told all of them.
pub const COUNT: usize = TOLD.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_as_it_was_printed() {
        let lines = [
            format!("{:<44} {:>14} {:>8}", "step", "instructions", "stack"),
            format!("{:<44} {:>14} {:>8}", "hash to G1", 5_043_920, 4_068),
            format!("{:<44} {:>14} {:>8}", "PKG: extract a share", 88_206_280, 9_332),
            format!("{:<44} {:>14} {:>8}", "hash to G1", 5, 4_068),
            format!("{:<44} {:>14} {:>8}", "scan 1,000 messages", 1_992, ""),
            "selftest: passed".into(),
        ];
        let rows = rows(&lines);
        let told: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.value)).collect();
        assert_eq!(told, [("hash to G1", 5_043_920), ("scan 1,000 messages", 1_992)]);
    }

    #[test]
    fn names_fit_the_table_and_json() {
        let fits = |name: &&str| name.len() <= NAME && !name.contains(['"', '\\']);
        assert!(TOLD.iter().all(fits));
    }
}
