//! Memory and open files of this process, over time.

use std::fmt;
use std::fs;

use serde_json::{Value, json};

/// With fewer measurements nothing is said about growth.
const FEWEST: usize = 8;
/// What the last quarter may be above the second one: a tenth, and so much.
const MEMORY_SLACK: u64 = 8 << 20;
const FILES_SLACK: u64 = 32;

/// What was measured, once a round. Where the system doesn't tell it is 0.
#[derive(Debug, Default)]
pub struct Usage {
    rss_bytes: Vec<u64>,
    open_files: Vec<u64>,
}

impl Usage {
    /// Measures once.
    pub fn measure(&mut self) {
        self.rss_bytes.push(rss_bytes());
        self.open_files.push(open_files());
    }

    /// What grows steadily, if anything.
    pub fn growth(&self) -> Option<&'static str> {
        if grows(&self.rss_bytes, MEMORY_SLACK) {
            return Some("the memory grows");
        }
        grows(&self.open_files, FILES_SLACK).then_some("the open files grow")
    }

    /// First after warming up, last, and most.
    pub fn summary(&self) -> String {
        let [memory, files] = [&self.rss_bytes, &self.open_files].map(|values| ends(values));
        let mb = |bytes: u64| bytes as f64 / 1e6;
        format!(
            "memory: {:.1} MB after warming up, {:.1} MB last, {:.1} MB at most; open files: {}, {}, {}",
            mb(memory.0),
            mb(memory.1),
            mb(memory.2),
            files.0,
            files.1,
            files.2
        )
    }

    /// Adds the figures to an object.
    pub fn add_to(&self, object: &mut Value) {
        for (name, values) in [("rss_bytes", &self.rss_bytes), ("open_files", &self.open_files)] {
            let (first, last, max) = ends(values);
            object[name] = json!({ "first": first, "last": last, "max": max, "rounds": values });
        }
        object["grows"] = self.growth().into();
    }
}

/// What it is now.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = |values: &[u64]| values.last().copied().unwrap_or(0);
        let (memory, files) = (now(&self.rss_bytes), now(&self.open_files));
        write!(f, "{:.1} MB of memory, {files} open files", memory as f64 / 1e6)
    }
}

/// The first value after warming up, the last, and the greatest.
fn ends(values: &[u64]) -> (u64, u64, u64) {
    let first = values.get(values.len() / 5).copied().unwrap_or(0);
    let last = values.last().copied().unwrap_or(0);
    (first, last, values.iter().copied().max().unwrap_or(0))
}

/// Whether the last quarter is clearly above the second one.
fn grows(values: &[u64], slack: u64) -> bool {
    if values.len() < FEWEST {
        return false;
    }
    let quarter = values.len() / 4;
    let mean = |values: &[u64]| values.iter().sum::<u64>() / values.len() as u64;
    let before = mean(&values[quarter..2 * quarter]);
    mean(&values[values.len() - quarter..]) > before + before / 10 + slack
}

fn rss_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

fn open_files() -> u64 {
    fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_growth_is_told_from_a_peak_and_from_warming_up() {
        let mb = |values: &[u64]| values.iter().map(|mb| mb << 20).collect::<Vec<_>>();
        let flat = mb(&[50, 90, 100, 101, 99, 140, 100, 102]);
        assert!(!grows(&flat, MEMORY_SLACK));
        let leak: Vec<u64> = (0..40).map(|n| (100 + 2 * n) << 20).collect();
        assert!(grows(&leak, MEMORY_SLACK));
        assert!(!grows(&mb(&[1, 100, 1_000]), MEMORY_SLACK), "too few to say");
    }

    #[test]
    fn the_first_value_is_the_one_after_warming_up() {
        assert_eq!(ends(&[1, 2, 9, 4, 5, 6, 7, 8, 3, 5]), (9, 5, 9));
        assert_eq!(ends(&[]), (0, 0, 0));
    }
}
