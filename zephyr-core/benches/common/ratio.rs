//! The cost of an operation in units of another, taken in turns, so that a busy machine slows both alike.

use std::time::{Duration, Instant};

/// Prints how long `operation` and its `bare` parts take, and by how much the first is longer. Of each the lower decile
/// counts: other programs only ever add to a measurement.
pub fn print_ratio(name: &str, target: f64, mut operation: impl FnMut(), mut bare: impl FnMut()) {
    const TURNS: usize = 1_000;
    let time = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        f();
        start.elapsed()
    };
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        whole.push(time(&mut operation));
        parts.push(time(&mut bare));
    }
    let decile = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[TURNS / 10].as_secs_f64() * 1e6
    };
    let (whole, parts) = (decile(whole), decile(parts));
    let ratio = whole / parts;
    let verdict = if ratio <= target { "met" } else { "missed" };
    println!("{name}: {whole:.1} µs / {parts:.1} µs = {ratio:.3} (target {target}: {verdict})");
}
