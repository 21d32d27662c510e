//! A network of separate programs on separate hosts, and people who write to each other in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::sync::mpsc::Receiver;
use zephyr_client::Network;
use zephyr_core::{Parameters, Round, Schedule, UnixMs};
use zephyr_server::mail::{CaughtMail, MailCatcher};

use crate::cage::FOLDER;
use crate::common::{PATIENCE, failed, run, stdout, succeeded};
use crate::lan::{self, Host};
use crate::log::{Entry, Log, Process};
use crate::relay::Relay;

const PROGRAM: &str = env!("CARGO_BIN_EXE_zephyr");
const SERVERS: [(&str, usize); 4] = [("mixer", 4), ("pkg", 2), ("info", 2), ("mailbox", 2)];
const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];
/// Everything to and from these goes through the relay.
const SLOW: [&str; 2] = ["mixer-4", "dave"];
const CLIENT_PORT: u16 = 7100;
const PEER_PORT: u16 = 7200;
/// Three of four mixers make a round. The rounds are long enough for two busy processors.
const PARAMETERS: &str = "\
[parameters]
min_mixers = 3
payload_bytes = 256
packets_per_round = 4
round_ms = 4500
open_ms = 2000
submit_ms = 2500
phase_ms = 500
deliver_ms = 600
download_ms = 3000
noise_mu_thousandths = 1000
noise_b_thousandths = 300
";

/// Sender and recipient.
type Pair = (String, String);

pub struct World {
    pub log: Log,
    pub relay: Relay,
    hosts: BTreeMap<String, Host>,
    running: BTreeMap<String, Process>,
    parameters: Parameters,
    /// The texts of each conversation, in the order in which they were queued.
    queued: BTreeMap<Pair, Vec<String>>,
    _catcher: MailCatcher,
}

impl World {
    /// Makes the hosts, starts all servers, registers everybody, and starts their clients.
    pub async fn start() -> Self {
        lan::make_rules();
        let (catcher, mails) = MailCatcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let relay = Relay::default();
        let smtp = relay.listen(catcher.address()).await;
        let hosts = hosts();
        let slow = SLOW.map(|name| &hosts[name]);
        let listening: Vec<_> = servers()
            .flat_map(|(_, name)| [CLIENT_PORT, PEER_PORT].map(|port| hosts[&name].socket(port)))
            .collect();
        lan::lead_through(&relay, &slow, &listening).await;
        prepare(&hosts, smtp);
        let network = Network::load(path("network.toml")).expect("it was just made");
        let mut world = Self {
            log: Log::default(),
            relay,
            hosts,
            running: BTreeMap::new(),
            parameters: *network.manifest().parameters(),
            queued: BTreeMap::new(),
            _catcher: catcher,
        };
        let names: Vec<_> = servers().map(|(_, name)| name).collect();
        names.iter().for_each(|name| world.boot(name));
        world.wait("all servers are ready", |log| {
            log.iter().filter(|entry| entry.is("ready")).count() == names.len()
        });
        world.register(mails).await;
        PEOPLE.iter().for_each(|name| world.boot(name));
        world.wait("everybody takes part", |log| {
            PEOPLE.iter().all(|name| {
                log.iter().any(|entry| entry.host == *name && entry.text("state") == "opened")
            })
        });
        world
    }

    /// Starts the program of this host.
    pub fn boot(&mut self, name: &str) {
        let mut command = self.hosts[name].command(PROGRAM);
        match servers().find(|(_, server)| server == name) {
            Some((role, _)) => command.args([role, "--json", "--config"]).arg(config(name)),
            None => command.arg("--home").arg(path(name)).arg("pipe"),
        };
        self.running.insert(name.into(), Process::start(name, command, &self.log));
    }

    /// kill -9.
    pub fn kill(&mut self, name: &str) {
        self.running.remove(name).expect("it runs").kill();
    }

    pub fn host(&self, name: &str) -> &Host {
        &self.hosts[name]
    }

    /// Sleeps for so many rounds.
    pub fn sleep_rounds(&self, rounds: u32) {
        thread::sleep(Duration::from_millis(self.parameters.round_ms.into()) * rounds);
    }

    /// The last round that has opened.
    pub fn round(&self) -> u64 {
        self.parameters.opened_by(now()).map_or(0, |round| round.0)
    }

    /// Sleeps until this time of the first round for which it lies ahead.
    pub fn sleep_to(&self, time: impl Fn(&Schedule) -> UnixMs) {
        let now = now();
        let mut ahead = (0..).map(|round| time(&self.parameters.schedule(Round(round))));
        let until = ahead.find(|time| *time > now).expect("rounds go on");
        thread::sleep(Duration::from_millis(until.since(now)));
    }

    /// Everybody whose client runs writes to everybody else; returns when that is on their disks.
    pub fn write(&mut self) {
        let writers: Vec<_> =
            PEOPLE.into_iter().filter(|name| self.running.contains_key(*name)).collect();
        let (begin, mut count) = (self.log.len(), 0);
        for from in writers {
            for to in PEOPLE.into_iter().filter(|to| *to != from) {
                let texts = self.queued.entry((from.into(), to.into())).or_default();
                let text = format!("{from} to {to}, number {}", texts.len() + 1);
                texts.push(text.clone());
                let order = json!({ "to": address(to), "text": text });
                self.running.get_mut(from).expect("it runs").say(&order);
                count += 1;
            }
        }
        self.wait("what was written is queued", |log| {
            let answers = &log[begin..];
            assert!(!answers.iter().any(|entry| entry.is("refused")), "{answers:?}");
            answers.iter().filter(|entry| entry.is("queued")).count() == count
        });
    }

    /// How many messages were queued so far.
    pub fn queued(&self) -> usize {
        self.queued.values().map(Vec::len).sum()
    }

    /// How many of them have arrived by now, each once and in the order of its conversation.
    pub fn arrived(&self, log: &[Entry]) -> usize {
        let mut shown = BTreeSet::new();
        let mut arrived: BTreeMap<Pair, Vec<&str>> = BTreeMap::new();
        for entry in log.iter().filter(|entry| entry.is("message")) {
            // A client that is killed while it shows a message shows it again, and says so by its id.
            if shown.insert((&entry.host, entry.event["id"].as_u64())) {
                let from = entry.text("from").split('@').next().unwrap_or_default();
                let pair = (from.to_owned(), entry.host.clone());
                arrived.entry(pair).or_default().push(entry.text("text"));
            }
        }
        for (pair, texts) in &arrived {
            let queued = self.queued.get(pair).map_or(&[][..], Vec::as_slice);
            assert!(texts.len() <= queued.len(), "{pair:?}: more than was sent: {texts:?}");
            assert_eq!(queued[..texts.len()], texts[..], "{pair:?}: once, and in order");
        }
        arrived.values().map(Vec::len).sum()
    }

    /// Waits for something that must happen.
    #[track_caller]
    pub fn wait(&self, what: &str, done: impl FnMut(&[Entry]) -> bool) {
        assert!(self.log.wait(PATIENCE, done), "in {PATIENCE:?} it did not happen that {what}");
    }

    /// Registers everybody, all at once, and makes everybody everybody's contact.
    async fn register(&self, mut mails: Receiver<CaughtMail>) {
        let asked = PEOPLE.map(|name| self.zephyr(name, &register(name)));
        asked.iter().for_each(|output| failed(output, 4, "--code"));
        let mut caught = Vec::new();
        while caught.len() < PEOPLE.len() * 2 {
            let mail = tokio::time::timeout(PATIENCE, mails.recv()).await;
            caught.push(mail.expect("mails arrive").expect("the catcher runs"));
        }
        for name in PEOPLE {
            let codes = ["pkg-1", "pkg-2"].map(|pkg| code(&caught, name, pkg));
            succeeded(&self.zephyr(name, &format!("{} {}", register(name), codes.join(" "))));
            for other in PEOPLE.into_iter().filter(|other| *other != name) {
                succeeded(&self.zephyr(name, &format!("contacts add {}", address(other))));
            }
        }
    }

    /// Runs the program on a person's host to its end.
    fn zephyr(&self, name: &str, arguments: &str) -> std::process::Output {
        let mut command = self.hosts[name].command(PROGRAM);
        command.arg("--home").arg(path(name)).args(arguments.split(' '));
        command.stdin(std::process::Stdio::null()).output().expect("the program starts")
    }
}

/// A failure can't be understood without what everybody said, nor can a single fault.
impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() || std::env::var_os("ZEPHYR_FAULT").is_some() {
            for Entry { host, at, event } in self.log.entries().iter() {
                println!("{:7.2} s ago  {host:9}  {event}", at.elapsed().as_secs_f64());
            }
        }
    }
}

/// Role and name of each server.
fn servers() -> impl Iterator<Item = (&'static str, String)> {
    SERVERS
        .into_iter()
        .flat_map(|(role, count)| (1..=count).map(move |n| (role, format!("{role}-{n}"))))
}

fn hosts() -> BTreeMap<String, Host> {
    let names = servers().map(|(_, name)| name).chain(PEOPLE.map(str::to_owned));
    names.zip(1..).map(|(name, number)| (name.clone(), Host::new(&name, number))).collect()
}

/// Keys, network file and configurations.
fn prepare(hosts: &BTreeMap<String, Host>, smtp: u16) {
    let mut drafts = vec![path("parameters.toml").display().to_string()];
    fs::write(&drafts[0], format!("{PARAMETERS}genesis_unix_ms = {}\n", now().0)).unwrap();
    for (role, name) in servers() {
        let host = &hosts[&name];
        let (client, peer) = (host.socket(CLIENT_PORT), host.socket(PEER_PORT));
        let key = path(&format!("{name}.key"));
        let keygen = format!("keygen --role {role} --client {client} --peer {peer} --out");
        let entry = run(&format!("{keygen} {}", key.display()));
        succeeded(&entry);
        let draft = path(&format!("{name}.draft"));
        fs::write(&draft, stdout(&entry)).unwrap();
        drafts.push(draft.display().to_string());
        let sample =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/samples/{role}.toml"));
        let text = fs::read_to_string(sample)
            .unwrap()
            .replace(&format!("{role}-1"), &name)
            .replace("host = \"127.0.0.1\"", &format!("host = \"{}\"", host.router()))
            .replace("port = 2525", &format!("port = {smtp}"));
        fs::write(config(&name), text).unwrap();
    }
    let network = path("network.toml");
    succeeded(&run(&format!("network init --out {} {}", network.display(), drafts.join(" "))));
}

fn path(file: &str) -> PathBuf {
    Path::new(FOLDER).join(file)
}

fn config(name: &str) -> PathBuf {
    path(&format!("{name}.toml"))
}

fn address(name: &str) -> String {
    format!("{name}@example.org")
}

fn register(name: &str) -> String {
    format!("register {} --network {}", address(name), path("network.toml").display())
}

/// The option with the code that `pkg` mailed to `name`.
fn code(mails: &[CaughtMail], name: &str, pkg: &str) -> String {
    let line = format!("PKG: {pkg}\r\n");
    let mail = mails.iter().find(|mail| mail.to == address(name) && mail.text.contains(&line));
    let code = mail.and_then(CaughtMail::code).expect("a mail with a code");
    format!("--code {pkg}={code}")
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixMs(since.as_millis() as u64)
}
