//! A person at the serial console of a board.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::common::Devnet;
use super::qemu::{Model, Qemu};

/// A board computes for seconds in every round, and this machine may have much else to do.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// What a board says after an empty line when it begins.
const FIRST_LINE: &[u8] = b"Zephyr";

/// A board with its console.
pub struct Board {
    pub address: String,
    name: &'static str,
    qemu: Qemu,
    stdin: ChildStdin,
    lines: mpsc::Receiver<Vec<u8>>,
    booted: Instant,
    people: HashMap<String, Sender>,
    queued: Vec<String>,
    delivered: Vec<String>,
}

/// What came from one person.
#[derive(Default)]
struct Sender {
    /// Texts in their order that nobody has asked for yet.
    texts: Vec<String>,
    /// The parts of a longer text that have come, and how many it will have.
    parts: Vec<Vec<u8>>,
    /// The last line, to which the board may come back once after a reset: it shows first, and forgets then.
    last: Option<(String, Vec<u8>)>,
    repeated: bool,
}

impl Board {
    /// Switches a board on for the first time.
    pub fn start(model: &Model, manifest: &Path, dir: &Path, address: &str) -> Self {
        let (qemu, stdin, stdout) = Qemu::start(model, manifest, dir);
        Self {
            address: address.to_owned(),
            name: model.name,
            qemu,
            stdin,
            lines: read_lines(stdout),
            booted: Instant::now(),
            people: HashMap::new(),
            queued: Vec::new(),
            delivered: Vec::new(),
        }
    }

    /// Types the address, and the codes from the mails; both wrong the first time.
    pub fn register(&mut self, devnet: &Devnet) {
        self.wait("`address?`", |line| line == "address?");
        self.say("nobody");
        self.wait("an error", |line| line.starts_with("error: "));
        self.wait("`address?`", |line| line == "address?");
        let address = self.address.clone();
        self.say(&address);
        let mut asked = Vec::new();
        loop {
            let line = self.wait("`code?`", |line| {
                line.starts_with("code? ") || ["registered", "ready"].contains(&line)
            });
            match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
                ["code?", pkg, fingerprint] => {
                    // The mail that is for this key of this PKG.
                    let code = devnet.code(&address, pkg, fingerprint);
                    let wrong =
                        format!("{}{}", if code.starts_with('0') { "1" } else { "0" }, &code[1..]);
                    let first = asked.is_empty();
                    self.say(if first { &wrong } else { &code });
                    if first {
                        self.wait("an error", |line| line.starts_with("error: "));
                    }
                    asked.push(pkg.to_owned());
                }
                ["registered"] => break,
                _ => self.fail(&format!("it says {line:?} before it is registered")),
            }
        }
        assert_eq!(asked, ["pkg-1", "pkg-1", "pkg-2", "pkg-3"], "{address}");
        self.ready();
    }

    /// Waits until it runs, without having been asked for codes.
    pub fn ready(&mut self) {
        let line = self.wait("`ready`", |line| line == "ready" || line.contains('?'));
        assert_eq!(line, "ready", "{}", self.address);
    }

    pub fn add(&mut self, other: &str) {
        self.say(&format!("+{other}"));
        let added = format!("added {other}");
        self.wait("`added`", |line| line == added);
    }

    pub fn send(&mut self, to: &str, text: &str) {
        self.say(&format!("{to} {text}"));
        self.wait("`queued`", |line| line.starts_with("queued "));
    }

    /// Presses the reset button, in whatever it is doing.
    pub fn reset(&mut self) {
        self.qemu.reset();
        // What it has said before counts, but for a line in whose midst it was: it ends when the board begins anew.
        let until = Instant::now() + PATIENCE;
        let mut torn = self.line("its first line", until);
        loop {
            let line = self.line("its first line", until);
            if line.starts_with(FIRST_LINE) {
                break;
            }
            self.note(&std::mem::replace(&mut torn, line));
        }
        self.show(&format!("--- reset in {:?} ---", String::from_utf8_lossy(&torn)));
        self.people.values_mut().for_each(|sender| sender.repeated = false);
    }

    pub fn set_cable(&mut self, plugged: bool) {
        self.show(if plugged { "--- cable plugged in ---" } else { "--- cable pulled ---" });
        self.qemu.set_link(plugged);
    }

    /// Waits until the texts from `from`, since this was asked for last, are these.
    pub fn wait_for_texts(&mut self, from: &str, texts: &[&str]) {
        let what = format!("{} texts from {from}", texts.len());
        self.wait_until(&what, |board| {
            board.people.get(from).is_some_and(|sender| sender.texts.len() >= texts.len())
        });
        let sender = self.people.get_mut(from).expect("it has written");
        let came = std::mem::take(&mut sender.texts);
        if came != texts {
            self.fail(&format!("these texts came from {from}: {came:?}"));
        }
    }

    /// Waits until a part of a longer text from `from` has come, but not all of it.
    pub fn wait_for_first_part(&mut self, from: &str) {
        self.wait_until("the first part of a text", |board| {
            board.people.get(from).is_some_and(|sender| !sender.parts.is_empty())
        });
    }

    /// Waits until all that was queued was delivered.
    pub fn wait_until_delivered(&mut self) {
        self.wait_until("`delivered`", |board| {
            board.queued.iter().all(|id| board.delivered.contains(id))
        });
    }

    /// The figure `name` of `stats`.
    pub fn stat(&mut self, name: &str) -> u64 {
        self.say("stats");
        let line = self
            .wait(name, |line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": ")));
        let number = line.rsplit(' ').next().and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| self.fail(&format!("it says {line:?}")))
    }

    /// That no text came but those that were waited for, and says good bye.
    pub fn quit(mut self) {
        for (from, sender) in &self.people {
            assert!(
                sender.texts.is_empty() && sender.parts.is_empty(),
                "{from}: {:?}",
                sender.texts
            );
        }
        self.say("quit");
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.qemu.ended() {
                return assert!(status.ends_with(" 0"), "{} ended with {status}", self.address);
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.fail("it does not end");
    }

    fn say(&mut self, line: &str) {
        self.show(&format!("> {line}"));
        writeln!(self.stdin, "{line}").and_then(|()| self.stdin.flush()).expect("it listens");
    }

    /// Reads lines and notes what they tell until `wanted` is one of them.
    fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let line = self.step(what, until);
            if wanted(&line) {
                return line;
            }
        }
    }

    fn wait_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !done(self) {
            self.step(what, until);
        }
    }

    /// Reads a line and notes what it tells.
    fn step(&mut self, what: &str, until: Instant) -> String {
        let line = self.line(what, until);
        self.note(&line)
    }

    fn line(&mut self, what: &str, until: Instant) -> Vec<u8> {
        let patience = until.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(patience);
        line.unwrap_or_else(|_| self.fail(&format!("waits for {what} in vain")))
    }

    fn note(&mut self, bytes: &[u8]) -> String {
        let line = String::from_utf8_lossy(bytes).into_owned();
        self.show(&line);
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["queued", id] => self.queued.push(id.into()),
            ["delivered", id] => self.delivered.push(id.into()),
            [from, ..] if from.contains('@') => self.note_text(bytes),
            _ => {}
        }
        line
    }

    /// `ADDRESS: TEXT`, or `ADDRESS N/M: TEXT`, a part of a longer one.
    fn note_text(&mut self, line: &[u8]) {
        let colon = line.windows(2).position(|pair| pair == b": ").expect("it has a text");
        let head = String::from_utf8_lossy(&line[..colon]).into_owned();
        let text = line[colon + 2..].to_vec();
        let (from, part) = head.split_once(' ').unwrap_or((&head, "1/1"));
        let (part, parts) = part.split_once('/').expect("N/M");
        let (part, parts): (usize, usize) = (part.parse().unwrap(), parts.parse().unwrap());

        let sender = self.people.entry(from.to_owned()).or_default();
        let this = Some((head.clone(), text.clone()));
        if sender.last == this && !std::mem::replace(&mut sender.repeated, true) {
            return;
        }
        (sender.last, sender.repeated) = (this, true);
        sender.parts.push(text);
        assert_eq!(sender.parts.len(), part, "{}: the parts of {head} come in order", self.address);
        if part == parts {
            let text = std::mem::take(&mut sender.parts).concat();
            sender.texts.push(String::from_utf8(text).expect("UTF-8 again"));
        }
    }

    /// For the case that something goes wrong.
    fn show(&self, line: &str) {
        println!("{:7.2} {}: {line}", self.booted.elapsed().as_secs_f32(), self.name);
    }

    fn fail(&mut self, what: &str) -> ! {
        let ended = self.qemu.ended();
        panic!("{} on the {}: {what} (ended: {ended:?})", self.address, self.name);
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = writeln!(self.stdin, "stats");
            while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
                self.show(&String::from_utf8_lossy(&line));
            }
        }
    }
}

/// The lines of a console; a thread reads them, so that the board never waits for us.
fn read_lines(stdout: ChildStdout) -> mpsc::Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for mut line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
