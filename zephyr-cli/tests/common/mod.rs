//! Running the program, and networks of it that end with the test.
#![allow(dead_code)] // each test uses a part

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zephyr_core::wire::Code;

/// For what takes long on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The program with these arguments, separated by blanks.
pub fn zephyr(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zephyr"));
    command.args(args.split_whitespace()).env_remove("ZEPHYR_HOME").env_remove("RUST_LOG");
    command
}

/// Runs it with nothing on stdin.
pub fn run(args: &str) -> Output {
    zephyr(args).stdin(Stdio::null()).output().expect("the program starts")
}

/// Runs it with `input` on stdin.
pub fn run_with(mut command: Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    // It may end without reading everything.
    let _ = writer.join().expect("the thread ends");
    output
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// That it succeeded.
#[track_caller]
pub fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}\n{}", stdout(output), stderr(output));
}

/// That it failed so, and with which words.
#[track_caller]
pub fn failed(output: &Output, code: i32, words: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{}\n{said}", stdout(output));
    assert!(said.contains(words), "{said}");
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
}

/// A process in the background; killed when it is dropped.
pub struct Background {
    child: Child,
    lines: mpsc::Receiver<String>,
    name: String,
}

impl Background {
    pub fn start(mut command: Command) -> Self {
        let name = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, name }
    }

    /// The next line of stdout that begins with `begin`.
    pub fn wait_for(&self, begin: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(wait) {
                Ok(line) if line.starts_with(begin) => return line,
                Ok(_) => {}
                Err(_) => panic!("{} did not say {begin:?}", self.name),
            }
        }
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("there is a kill");
        assert!(sent.success());
        self.ended()
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{} does not end", self.name);
    }

    /// All lines of stdout until it ends.
    pub fn output(&mut self) -> Vec<String> {
        let status = self.ended();
        let lines = self.lines.iter().collect();
        assert!(status.success(), "{}: {lines:?}", self.name);
        lines
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A devnet in a folder of its own.
pub struct Devnet {
    pub dir: PathBuf,
    pkgs: usize,
    process: Background,
}

impl Devnet {
    pub fn start(dir: &Path) -> Self {
        Self::start_with(dir, 2, "--mixers 2 --infos 1 --mailbox-servers 1")
    }

    pub fn start_with(dir: &Path, pkgs: usize, options: &str) -> Self {
        let mut command = zephyr(&format!("devnet --pkgs {pkgs} {options} --dir"));
        command.arg(dir);
        let process = Background::start(command);
        process.wait_for("ready:");
        Self { dir: dir.to_owned(), pkgs, process }
    }

    pub fn network(&self) -> String {
        self.dir.join("network.toml").display().to_string()
    }

    pub fn stop(self) {
        assert!(self.process.stop().success());
    }

    /// Has codes mailed to `address` and gives them in the PKGs' order.
    pub fn codes(&self, home: &Path, address: &str) -> Vec<String> {
        let before = self.mails(address).len();
        let asked = run(&format!(
            "--home {} register {address} --network {}",
            home.display(),
            self.network()
        ));
        failed(&asked, 4, "--code");
        let until = Instant::now() + PATIENCE;
        loop {
            let mails = self.mails(address);
            if mails.len() >= before + self.pkgs {
                let mails = &mails[before..];
                let of = |pkg: usize| {
                    let line = format!("PKG: pkg-{pkg}\r\n");
                    let mail =
                        mails.iter().find(|mail| mail.contains(&line)).expect("a mail of it");
                    Code::find(mail).expect("a code").to_string()
                };
                return (1..=self.pkgs).map(of).collect();
            }
            assert!(Instant::now() < until, "no mails to {address}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The newest code that the PKG `pkg` mailed to `address` for the key with this fingerprint.
    pub fn code(&self, address: &str, pkg: &str, fingerprint: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let lines = [format!("PKG: {pkg}\r\n"), format!("Key: {fingerprint}\r\n")];
        loop {
            let mut mails = self.mails(address).into_iter().rev();
            let of_it = |mail: &String| lines.iter().all(|line| mail.contains(line));
            if let Some(mail) = mails.find(of_it) {
                return Code::find(&mail).expect("a code").to_string();
            }
            assert!(Instant::now() < until, "no mail of {pkg} to {address}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn register(&self, home: &Path, address: &str) {
        let codes = self.codes(home, address);
        let named = |(code, pkg): (&String, usize)| format!("--code pkg-{pkg}={code}");
        let codes: Vec<_> = codes.iter().zip(1..).map(named).collect();
        let confirmed = run(&format!(
            "--home {} register {address} --network {} {}",
            home.display(),
            self.network(),
            codes.join(" ")
        ));
        succeeded(&confirmed);
    }

    /// The mails to `address`, the oldest first.
    fn mails(&self, address: &str) -> Vec<String> {
        let files = fs::read_dir(self.dir.join("mail")).expect("the mails' folder");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        let read = |path: &PathBuf| fs::read_to_string(path).expect("a mail");
        let to = format!("Address: {address}\r\n");
        files.iter().map(read).filter(|mail| mail.contains(&to)).collect()
    }
}

/// Bytes that no compression or text conversion would leave alone.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Reads a whole file.
pub fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(path).expect("the file").read_to_end(&mut bytes).expect("its bytes");
    bytes
}
