//! A person who sits at one of the examples, or at `zephyr pipe`.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::common::{Devnet, PATIENCE, zephyr};

/// In which there are examples.
pub const LANGUAGES: [&str; 4] = ["c", "cpp", "kotlin", "swift"];

/// What `pipe` sends to make somebody a contact.
pub const GREETING: &str = "hello";

/// The example of a language, as `cargo xtask bindings` has built it.
pub fn example(language: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_zephyr"));
    let target = program.ancestors().nth(2).expect("target/PROFILE/zephyr");
    let path: PathBuf = target.join("bindings").join(match language {
        "c" => "c/example-c",
        "cpp" => "c/example-cpp",
        "kotlin" => "kotlin/example",
        _ => "swift/example",
    });
    assert!(path.exists(), "{} is missing: run `cargo xtask bindings`", path.display());
    Command::new(path)
}

/// Somebody at a program that speaks and listens in lines.
pub struct Chat {
    pub address: String,
    /// Whether the lines are the command line's objects.
    json: bool,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    /// What came while something else was waited for.
    messages: VecDeque<(String, String)>,
    queued: usize,
    delivered: usize,
    rounds: usize,
    patience: Duration,
}

impl Chat {
    /// Starts an example.
    pub fn start(language: &str, devnet: &Devnet, home: &Path, address: &str) -> Self {
        let mut command = example(language);
        command.arg(devnet.network()).arg(home).arg(address);
        Self::over(command, address, false)
    }

    /// Starts `zephyr pipe` over a home that is registered.
    pub fn command_line(home: &Path, address: &str) -> Self {
        Self::over(zephyr(&format!("--home {} pipe", home.display())), address, true)
    }

    fn over(mut command: Command, address: &str, json: bool) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("it starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let address = address.to_owned();
        let messages = VecDeque::new();
        Self {
            address,
            json,
            child,
            stdin,
            lines,
            messages,
            queued: 0,
            delivered: 0,
            rounds: 0,
            patience: PATIENCE,
        }
    }

    /// Waits longer for everything.
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Types the codes from the mails, the first one wrong the first time, until it is ready.
    pub fn register(&mut self, devnet: &Devnet) {
        let mut asked = Vec::new();
        loop {
            let line = self.line("`code?` or `ready`");
            match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
                ["code?", pkg, fingerprint] => {
                    let code = devnet.code(&self.address, pkg, fingerprint);
                    let (first, rest) = code.split_at(1);
                    let other = if first == "0" { "1" } else { "0" };
                    let wrong = asked.is_empty();
                    self.say(&if wrong { format!("{other}{rest}") } else { code });
                    asked.push(pkg.to_owned());
                }
                // Of the wrong code; some write it to stderr.
                ["error:", ..] => assert_eq!(asked.len(), 1, "{}: {line}", self.address),
                ["registered"] => {}
                ["ready"] => break,
                _ => panic!("{} says {line:?}", self.address),
            }
        }
        assert_eq!(asked, ["pkg-1", "pkg-1", "pkg-2"], "{}", self.address);
    }

    /// Waits until it runs, without having been asked for codes.
    pub fn ready(&mut self) {
        assert_eq!(self.line("`ready`"), "ready", "{}", self.address);
    }

    pub fn add(&mut self, other: &str) {
        if self.json {
            // `pipe` makes a contact of whom it writes to.
            return self.send(other, GREETING);
        }
        self.say(&format!("+{other}"));
        self.wait("`added`", |line| line == format!("added {other}"));
    }

    pub fn send(&mut self, to: &str, text: &str) {
        if self.json {
            self.say(&json!({ "to": to, "text": text }).to_string());
        } else {
            self.say(&format!("{to} {text}"));
        }
        let before = self.queued;
        self.step_while("`queued`", |chat| chat.queued == before);
    }

    /// The text of the next message that comes from `from`, but for greetings.
    pub fn wait_for_message(&mut self, from: &str) -> String {
        let place = |chat: &Self| chat.messages.iter().position(|(sender, _)| sender == from);
        self.step_while(&format!("a message from {from}"), |chat| place(chat).is_none());
        let (_, text) = place(self).and_then(|place| self.messages.remove(place)).expect("it came");
        text
    }

    pub fn wait_until_delivered(&mut self) {
        self.step_while("`delivered`", |chat| chat.delivered < chat.queued);
    }

    /// Waits until so many more rounds have opened, at the command line.
    pub fn wait_for_rounds(&mut self, rounds: usize) {
        let until = self.rounds + rounds;
        self.step_while("a round", |chat| chat.rounds < until);
    }

    /// That nothing came but what was waited for.
    pub fn has_no_more_messages(&self) {
        assert!(self.messages.is_empty(), "{}: {:?}", self.address, self.messages);
    }

    /// Says good bye.
    pub fn quit(mut self) {
        if !self.json {
            self.say("quit");
        }
        drop(self.stdin.take());
        if self.json {
            let id = self.child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        }
        let until = Instant::now() + self.patience;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return assert!(status.success(), "{} ended with {status}", self.address);
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{} does not end", self.address);
    }

    fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("open until the end");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("it listens");
    }

    /// Reads lines and notes what they tell until `wanted` is one of them.
    fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        while !wanted(&self.step(what)) {}
    }

    /// Reads lines and notes what they tell.
    fn step_while(&mut self, what: &str, waiting: impl Fn(&Self) -> bool) {
        let until = Instant::now() + self.patience;
        while waiting(self) {
            assert!(Instant::now() < until, "{} waits for {what} in vain", self.address);
            self.step(what);
        }
    }

    /// Reads a line and notes what it tells.
    fn step(&mut self, what: &str) -> String {
        let line = self.line(what);
        if self.json {
            let object: Value = serde_json::from_str(&line).expect("an object a line");
            let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
            match (text("event").as_str(), text("state").as_str()) {
                ("message", _) => self.note_message(text("from"), text("text")),
                ("round", "opened") => self.rounds += 1,
                ("queued", _) => self.queued += 1,
                ("delivery", "delivered") => self.delivered += 1,
                ("refused", _) => panic!("{line}"),
                _ => {}
            }
        } else if let Some((from, text)) = line.split_once(": ") {
            assert_ne!(from, "error", "{}: {line}", self.address);
            self.note_message(from.into(), text.into());
        } else if line.starts_with("queued ") {
            self.queued += 1;
        } else if line.starts_with("delivered ") {
            self.delivered += 1;
        }
        line
    }

    /// Greetings only make a contact.
    fn note_message(&mut self, from: String, text: String) {
        if text != GREETING {
            self.messages.push_back((from, text));
        }
    }

    fn line(&mut self, what: &str) -> String {
        let line = self.lines.recv_timeout(self.patience).unwrap_or_else(|_| {
            panic!("{} waits for {what} in vain; it has {:?}", self.address, self.messages)
        });
        println!("{}: {line}", self.address);
        line
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
