//! Programs on hosts, and everything that they say.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A line of JSON that a program on a host wrote.
#[derive(Clone, Debug)]
pub struct Entry {
    pub host: String,
    pub at: Instant,
    pub event: Value,
}

impl Entry {
    pub fn is(&self, event: &str) -> bool {
        self.event["event"] == event
    }

    pub fn text(&self, field: &str) -> &str {
        self.event[field].as_str().unwrap_or_default()
    }

    pub fn round(&self) -> Option<u64> {
        self.event["round"].as_u64()
    }
}

/// What all of them have said, in the order in which it came.
#[derive(Clone, Default)]
pub struct Log(Arc<(Mutex<Vec<Entry>>, Condvar)>);

impl Log {
    pub fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much has been said so far.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Waits until what has been said makes `done` true; `false` after `patience`.
    pub fn wait(&self, patience: Duration, mut done: impl FnMut(&[Entry]) -> bool) -> bool {
        let until = Instant::now() + patience;
        let mut entries = self.entries();
        while !done(&entries) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (entries, _) = self.0.1.wait_timeout(entries, left).expect("nobody panics");
        }
        true
    }

    fn add(&self, host: &str, event: Value) {
        self.entries().push(Entry { host: host.into(), at: Instant::now(), event });
        self.0.1.notify_all();
    }
}

/// A program that runs on a host; killed when it is dropped.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts it. What it writes goes into the log under the name `host`.
    pub fn start(host: &str, mut command: Command, log: &Log) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("RUST_LOG", "error");
        let mut child = command.spawn().expect("the program starts");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("piped"));
        let (host, log) = (host.to_owned(), log.clone());
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(event) => log.add(&host, event),
                    Err(_) => println!("{host}: {line}"),
                }
            }
        });
        Self { child, stdin }
    }

    /// Writes a line on its stdin.
    pub fn say(&mut self, line: &Value) {
        let stdin = self.stdin.as_mut().expect("piped");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("it reads");
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
