//! Figures with what stands beside them, taken in turns in one process, so that a busy machine slows both alike.
//!
//! A benchmark started with `--rows` prints them as JSON, an object a line: `{name, value, unit, against, ratio, limit}`.

#![allow(dead_code)] // no benchmark needs all of it

use std::time::{Duration, Instant};

/// A figure.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// What was measured.
    pub name: &'a str,
    /// How much it is.
    pub value: f64,
    /// In what.
    pub unit: &'a str,
    /// What stood beside it in the same run.
    pub against: &'a str,
    /// `value` in units of what stood beside it.
    pub ratio: Option<f64>,
    /// What `ratio`, or without one `value`, may be at most.
    pub limit: Option<f64>,
}

/// Whether only the rows are wanted.
pub fn only_rows() -> bool {
    std::env::args().any(|argument| argument == "--rows")
}

impl Row<'_> {
    /// Prints it, as JSON if only rows are wanted.
    pub fn print(&self) {
        let Self { name, value, unit, against, ratio, limit } = self;
        if only_rows() {
            let number = |n: &Option<f64>| n.map_or("null".into(), |n| format!("{n:.4}"));
            let (ratio, limit) = (number(ratio), number(limit));
            println!(
                r#"{{"name":{name:?},"value":{value:.3},"unit":{unit:?},"against":{against:?},"ratio":{ratio},"limit":{limit}}}"#
            );
            return;
        }
        let compared = ratio.map_or(String::new(), |ratio| format!(", {ratio:.3} × {against}"));
        let verdict = match (ratio.unwrap_or(*value), limit) {
            (_, None) => String::new(),
            (figure, Some(limit)) if figure <= *limit => format!(" (at most {limit}: met)"),
            (_, Some(limit)) => format!(" (at most {limit}: missed)"),
        };
        println!("{name}: {value:.1} {unit}{compared}{verdict}");
    }
}

/// Measures an operation in turns with what it is compared to, `turns` times each, and prints the row. Of each the
/// lower decile counts: other programs only ever add to a measurement.
pub fn compare(
    name: &str,
    against: &str,
    limit: Option<f64>,
    turns: usize,
    mut operation: impl FnMut(),
    mut other: impl FnMut(),
) -> f64 {
    let time = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        f();
        start.elapsed()
    };
    let (mut times, mut others) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        times.push(time(&mut operation));
        others.push(time(&mut other));
    }
    let (value, other) = (decile(times), decile(others));
    let ratio = value / other;
    Row { name, value, unit: "µs", against, ratio: Some(ratio), limit }.print();
    ratio
}

/// The lower decile in microseconds.
pub fn decile(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 10].as_secs_f64() * 1e6
}
