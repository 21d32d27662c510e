//! Running commands and telling how it went.

use std::{
    io::{self, Write},
    process::{Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

/// Why a step failed, and the status to exit with.
pub struct Failure {
    /// A sentence that says what is wrong and what to do.
    pub message: String,
    /// The failed command's own status where it has one.
    pub status: u8,
}

impl Failure {
    /// A failure that is not a command's: status 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }

    /// A command that ended with a status other than 0.
    pub fn of_command(what: &str, status: ExitStatus) -> Self {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Self {
            message: format!("{what} failed ({status})."),
            status: code.filter(|&code| code != 0).unwrap_or(1),
        }
    }

    /// A command that could not be started.
    pub fn not_started(command: &Command, error: &io::Error) -> Self {
        let program = command.get_program().display();
        Self::new(format!("`{program}` could not be started: {error}."))
    }
}

/// What a step, or all of them, end with.
pub type Outcome = Result<(), Failure>;

/// Runs a command to its end, with its output shown.
pub fn run(command: &mut Command) -> Outcome {
    let what = shown(command);
    run_as(&what, command)
}

/// As [`run`], for a command whose words say little: a failure names it as `what`.
pub fn run_as(what: &str, command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| Failure::not_started(command, &error))?;
    judge(what, status)
}

fn judge(what: &str, status: ExitStatus) -> Outcome {
    if status.success() { Ok(()) } else { Err(Failure::of_command(what, status)) }
}

/// Runs a command to its end while `meanwhile` runs, and shows its output after that.
pub fn run_beside(command: &mut Command, meanwhile: impl FnOnce() -> Outcome) -> Outcome {
    let what = shown(command);
    let (output, outcome) = thread::scope(|scope| {
        let beside = scope.spawn(|| command.output());
        let outcome = meanwhile();
        (beside.join().expect("it does not panic"), outcome)
    });
    let output = output.map_err(|error| Failure::not_started(command, &error))?;
    println!("{what}:");
    io::stdout().write_all(&[output.stdout, output.stderr].concat()).ok();
    outcome.and(judge(&what, output.status))
}

/// Whether a command can be started and ends with success; its output is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command as it would be typed.
fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    let words: Vec<_> = std::iter::once(program).chain(arguments).collect();
    format!("`{}`", words.join(" "))
}

/// Runs named steps one after the other and remembers their times.
pub struct Steps {
    total: usize,
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// For this many steps.
    pub fn new(total: usize) -> Self {
        Self { total, done: Vec::with_capacity(total) }
    }

    /// Announces a step, runs it, and tells its time.
    pub fn step(&mut self, name: &'static str, f: impl FnOnce() -> Outcome) -> Outcome {
        let label = format!("[{:>2}/{}] {name}", self.done.len() + 1, self.total);
        println!("{label}");
        let start = Instant::now();
        let outcome = f();
        let time = start.elapsed();
        self.done.push((name, time));
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("{label}: {word}, {}", seconds(time));
        outcome
    }

    /// Prints the times of all steps.
    pub fn summary(&self) {
        println!();
        for (name, time) in &self.done {
            println!("{:>9}  {name}", seconds(*time));
        }
        let all = self.done.iter().map(|(_, time)| *time).sum();
        println!("{:>9}  all", seconds(all));
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
