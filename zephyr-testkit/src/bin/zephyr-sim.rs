//! Simulates whole networks in which things go wrong, a seed each. Started by `cargo xtask sim`.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use zephyr_testkit::sim::{Figures, Mutation, Simulation, Violation};

const HELP: &str = "\
Usage: cargo xtask sim [--seeds N] [--from S] [--real] [--story SEED] [--last N] [--mutation N]
                       [--threads N]

  --seeds N     simulate N networks, from seed S on (100)
  --from S      the first seed (0)
  --real        with the real cryptography, which takes some fifty times as long
  --story SEED  only this one, with everything that happens in it
  --last N      how many of the last happenings are told of a seed that fails (60)
  --mutation N  break the rule with this number on purpose: there must be failures
  --threads N   how many to simulate side by side (one for each core)

Exits with 1 if something was wrong that must never be. A seed that failed fails again.";

struct Arguments {
    seeds: u64,
    from: u64,
    real: bool,
    story: Option<u64>,
    last: usize,
    threads: usize,
    mutation: Option<Mutation>,
}

fn arguments() -> Result<Option<Arguments>, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut parsed = Arguments {
        seeds: 100,
        from: 0,
        real: false,
        story: None,
        last: 60,
        threads,
        mutation: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        if name == "--real" {
            parsed.real = true;
            continue;
        }
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        let value = given.next().ok_or(format!("`{name}` needs a number."))?;
        let number: u64 = value.parse().map_err(|_| format!("`{value}` is not a number."))?;
        match name.as_str() {
            "--seeds" => parsed.seeds = number,
            "--from" => parsed.from = number,
            "--story" => parsed.story = Some(number),
            "--last" => parsed.last = number as usize,
            "--mutation" => parsed.mutation = Mutation::ALL.get(number as usize).copied(),
            "--threads" => parsed.threads = number.max(1) as usize,
            _ => return Err(format!("`{name}` is not an option.")),
        }
    }
    Ok(Some(parsed))
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{HELP}");
            return ExitCode::FAILURE;
        }
    };
    match arguments.story {
        Some(seed) => tell(seed, arguments.real),
        None => simulate(&arguments),
    }
}

fn run(simulation: Simulation, seed: u64, real: bool) -> Result<Figures, Violation> {
    if real { simulation.run_real(seed) } else { simulation.run(seed) }
}

/// Tells one seed from its beginning to its end.
fn tell(seed: u64, real: bool) -> ExitCode {
    let simulation = Simulation { story: usize::MAX, aloud: true, ..Simulation::default() };
    match run(simulation, seed, real) {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            print!("{violation}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(arguments: &Arguments) -> ExitCode {
    let Arguments { seeds, from, real, last, threads, mutation, .. } = *arguments;
    let start = Instant::now();
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Figures::default());
    let failed: Mutex<BTreeMap<u64, String>> = Mutex::default();
    let work = || {
        loop {
            let seed = from + next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds {
                return;
            }
            match run(Simulation { mutation, ..Simulation::default() }, seed, real) {
                Ok(figures) => *sum.lock().unwrap_or_else(PoisonError::into_inner) += &figures,
                Err(violation) => {
                    println!("seed {seed}: {}", violation.what);
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.insert(seed, violation.what);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while !workers.iter().all(|worker| worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
            if told.elapsed() >= Duration::from_secs(10) {
                told = Instant::now();
                println!("{} of {seeds} seeds", next.load(Ordering::Relaxed).min(seeds));
            }
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    for seed in failed.keys().take(3) {
        let simulation = Simulation { story: last, mutation, ..Simulation::default() };
        if let Err(violation) = run(simulation, *seed, real) {
            println!("\n{violation}");
        }
    }
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = start.elapsed().as_secs_f64();
    println!("\n{sum}");
    println!("{:>12.1}  seeds a second", seeds as f64 / seconds);
    println!("{:>12.0}  rounds a second", sum.rounds as f64 / seconds);
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\n{} seeds failed: {:?}", failed.len(), failed.keys().collect::<Vec<_>>());
    ExitCode::FAILURE
}
