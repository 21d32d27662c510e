//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use zephyr_core::{Address, MAX_SERVERS};

use crate::clock::parse_duration;
use crate::exit::EXIT_CODES;

/// Private messages between e-mail addresses, through a mix network that hides who writes to whom.
#[derive(Debug, Parser)]
#[command(name = "zephyr", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// The folder with your address, contacts and messages [default: ~/.zephyr]
    #[arg(long, global = true, env = "ZEPHYR_HOME", hide_env_values = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register an e-mail address: asks for the codes that the network's PKGs mail to it
    #[command(after_help = "\
Without a terminal the codes are mailed and the program ends with exit code 4; call it again with --code.")]
    Register(RegisterArgs),
    /// Send a text, or a file from stdin: zephyr send --to bob@example.org < photo.jpg
    #[command(after_help = "\
The recipient's program confirms that a message has arrived, as soon as both of you take part in a round, and only
if the recipient has added you as a contact. Until then the message stays in the outbox and is sent again whenever
your program takes part. What is longer than a few rounds' packets leaves only as it is confirmed.")]
    Send(SendArgs),
    /// List the messages that you wrote, and how far they have come
    #[command(after_help = "\
A message is queued, then sent in a round, then delivered: in the recipient's inbox. Of the delivered ones the last
1,000 are listed; what they said is erased.
With --json each message is one line: id, to, kind (text or file), bytes, packets, created_at, state (queued, sending,
sent or delivered), packets_sent (while sending), round (once sent), delivered_at.")]
    Outbox(OutboxArgs),
    /// Take part in the network and show the messages that arrive
    #[command(after_help = "\
Messages reach you only in rounds in which your program takes part: leave `recv --wait` running. To your contacts it
confirms in the next round what has come; what you missed they send again. Others don't know what you got.
A file is written into the folder `files` of the home.
With --json each message is one line: from (null if anonymous), authenticated, text or file (a path),
round, received_at.")]
    Recv(RecvArgs),
    /// For programs: take part, send what stdin says, and show what arrives, in lines of JSON
    #[command(after_help = PIPE)]
    Pipe,
    /// Add, remove, block and list the people you write with
    #[command(subcommand)]
    Contacts(ContactsCommand),
    /// Write everything in your home into one encrypted file
    #[command(after_help = PASSPHRASE)]
    Backup(BackupArgs),
    /// Make a home from a backup: a new computer, or what was there is lost
    #[command(after_help = RESTORE)]
    Restore(BackupArgs),
    /// Test the clock, the registration, and that every server can be reached
    Check,
    /// Keep somebody else from replacing the key of your address
    Veto,
    /// Delete the registration of your address at all PKGs
    Unregister,
    /// Show a whole network on this machine: people register, write to each other, and get what was sent
    Demo(DemoArgs),
    /// Let many people write to each other for many rounds while mixers restart, and watch what it takes
    #[command(after_help = "\
It fails if a message is lost or comes twice, or if memory or open files grow all the time. With --json the last
line of stdout has the figures.")]
    Soak(SoakArgs),
    /// Tell what a network for so many people takes: processors, bytes, memory, disks
    #[command(after_help = "\
Single operations are measured on this machine first; the rest is computed, and the assumptions are printed with it.
With --json the plan is one JSON object.")]
    Plan(PlanArgs),
    /// Measure what the servers can do on this machine, beside the cryptography that they can't do without
    #[command(subcommand, after_help = BENCH)]
    Bench(BenchCommand),
    /// Run a whole network on this machine for developers, until Ctrl-C
    Devnet(DevnetArgs),
    /// Make a server's key file, and print its public entry for the network file
    Keygen(KeygenArgs),
    /// Make the file that describes a network, or look at one
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Run a PKG: registers e-mail addresses and gives shares of private keys
    Pkg(ServerArgs),
    /// Run a mixer: peels, shuffles and passes on
    Mixer(ServerArgs),
    /// Run an info-node: serves the rounds' directories
    Info(ServerArgs),
    /// Run a mailbox server: keeps the rounds' sealed messages
    Mailbox(ServerArgs),
    /// Run a front of a mailbox server: answers clients from the server's PostgreSQL database, side by side with others
    MailboxFront(ServerArgs),
}

impl Command {
    /// Whether it lets servers fail and says so itself, so that their warnings would only disturb.
    pub fn shows_what_fails(&self) -> bool {
        matches!(self, Self::Demo(DemoArgs { chaos: true, .. }) | Self::Soak(_) | Self::Bench(_))
    }
}

/// For `zephyr bench --help`.
const BENCH: &str = "\
Each makes a network of its own on this machine, with real sockets, and files in the temporary folder. Build with
--release, and let the machine do nothing else. Clients and servers share its processors.
With --json stdout has one array of rows: name, value, unit, against (what stood beside it in the same run), ratio (the
value in units of that), limit (what the ratio, or without one the value, may be at most; null if nobody asks).";

/// For `zephyr pipe --help`.
const PIPE: &str = "\
Each line of stdin is a message: {\"to\": ADDRESS, \"text\": TEXT}; a `ref`, any value, comes back in the answer.
Each line of stdout has an `event`:
  queued     id, to, ref: the message is on disk and will be sent
  refused    why, ref: the line is no message that can be sent
  delivery   id, state: how far it has come: queued, sending with sent and of, sent with round, delivered
  message    id, from (null if anonymous), authenticated, text or file (a path), round, received_at
  round      round, state: opened with mixers and listed, searched with messages and opened, missed with why
A message that arrives is shown again, with the same id, if the program was killed while it showed it.
It goes on when stdin ends and when the network is down, until Ctrl-C.";

/// For `zephyr backup --help`.
const PASSPHRASE: &str = "\
The passphrase has at least 8 characters; whoever has the file can try as many as they like, so take several words.
Nobody can open the backup without it. It is asked for on a terminal, or is the first line of --passphrase-file, the
variable ZEPHYR_PASSPHRASE, or the first line of stdin.
A file that is there is never overwritten. Messages that come later are not in the backup: make new ones.";

/// For `zephyr restore --help`.
const RESTORE: &str = "\
The home is made where --home says, which must not have one. No new codes are needed. Your clock must be right.
Stop the old program for good first: two copies of a home that take part at the same time give away that their
messages have one sender. What had not been delivered when the backup was made is sent again; what came later and was
confirmed is not sent again by anybody. People who were blocked or removed since are as they were in the backup.
The passphrase is given as for `zephyr backup`.";

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The backup
    pub file: PathBuf,
    /// A file with the passphrase in its first line
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// Your e-mail address
    #[arg(value_parser = address)]
    pub address: Address,
    /// The network's file
    #[arg(long, value_name = "FILE")]
    pub network: PathBuf,
    /// A code that was mailed, as CODE or PKG=CODE; once for each PKG, in the order in which they are shown
    #[arg(long = "code", value_name = "CODE")]
    pub codes: Vec<String>,
}

#[derive(Debug, Args)]
pub struct SendArgs {
    /// The recipient's e-mail address
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub to: Address,
    /// The text; without it, stdin is sent as a file of at most 1 MiB
    pub text: Option<String>,
    /// Wait until the recipient's program has confirmed that it is there
    #[arg(long)]
    pub wait_delivered: bool,
    /// How long to wait for that, such as 60s or 10m [default: until it is]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "wait_delivered")]
    pub timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub struct OutboxArgs {
    /// One JSON object a message
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RecvArgs {
    /// How long to take part, such as 60s or 10m; 0s shows only what is here [default: one whole round]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub wait: Option<Duration>,
    /// Stop as soon as so many messages have been shown
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub messages: Option<u64>,
    /// One JSON object a message
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Add a contact, or change the note of one
    Add {
        /// The contact's e-mail address
        #[arg(value_parser = address)]
        address: Address,
        /// What you want to remember
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Remove a contact, and what waits in the outbox for it
    Remove {
        /// The contact's e-mail address
        #[arg(value_parser = address)]
        address: Address,
    },
    /// Block an address: it is no contact, and nothing is taken from it any more
    #[command(after_help = "\
What waits in the outbox for the address is removed, and nothing can be sent to it. Nobody is told: it looks as if you
did not read the messages. What is sent anonymously can't be known to come from there.")]
    Block {
        /// The e-mail address
        #[arg(value_parser = address)]
        address: Address,
    },
    /// Take again what comes from an address that was blocked; it is no contact before you add it
    Unblock {
        /// The e-mail address
        #[arg(value_parser = address)]
        address: Address,
    },
    /// List all contacts, and those who are blocked
    #[command(after_help = "\
With --json each address is one line: address, blocked (true or false), and for contacts note and added_at.")]
    List {
        /// One JSON object an address
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// People
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = people)]
    pub users: usize,
    /// Mixers; a route has at most 16 of them [default: 3; with --chaos 4]
    #[arg(long, value_name = "N", value_parser = servers)]
    pub mixers: Option<usize>,
    /// PKGs
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = servers)]
    pub pkgs: usize,
    /// Rounds in which everybody writes to somebody [default: 3; with --chaos 6]
    #[arg(long, value_name = "N", value_parser = rounds)]
    pub rounds: Option<usize>,
    /// Kill a mixer and the coordinator while messages are under way, and show that all arrive
    #[arg(long)]
    pub chaos: bool,
    /// One JSON object with the figures as the last line of stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SoakArgs {
    /// Clients that take messages of contacts only; each writes to two others in every round
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = soak_clients)]
    pub clients: usize,
    /// Mailboxes
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub mailboxes: u32,
    /// Rounds
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = rounds)]
    pub rounds: usize,
    /// A mixer restarts every so many rounds
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = rounds)]
    pub restart_every: usize,
    /// One JSON object with the figures as the last line of stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// A round, from the end of the submit phase to the last mailbox, beside the peeling alone
    #[command(after_help = "\
There is no noise. Packets are wrapped and submitted ahead, over links as clients have them. The last mailbox is when
the last mailbox server has told the last mixer that its messages are on disk.")]
    Round(BenchRoundArgs),
    /// Clients get their keys of a round from one PKG, in a process of its own
    Pkg(BenchClientsArgs),
    /// Clients get a round's directory from one info-node, in a process of its own
    Info(BenchClientsArgs),
    /// A mixer fills the mailboxes of one server, in a process of its own, and clients download them
    Mailbox(BenchMailboxArgs),
    /// What a client sends and receives in a round, by what it is for
    Traffic(BenchTrafficArgs),
}

#[derive(Debug, Args)]
pub struct BenchRoundArgs {
    /// Messages
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = messages)]
    pub messages: usize,
    /// Mixers
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = servers)]
    pub mixers: usize,
    /// How packets travel
    #[arg(long, value_enum, default_value_t = RoutesArg::All)]
    pub routes: RoutesArg,
    /// Measure so many rounds of each kind, of which the best counts
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = rounds)]
    pub repeat: usize,
    /// 1,000, 10,000 and 50,000 messages with 3, 5 and 8 mixers each; takes long
    #[arg(long, conflicts_with_all = ["messages", "mixers", "repeat"])]
    pub sweep: bool,
    /// One JSON array of rows on stdout
    #[arg(long)]
    pub json: bool,
}

/// How packets travel, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoutesArg {
    Round,
    Rotations,
    Free,
    All,
}

#[derive(Debug, Args)]
pub struct BenchClientsArgs {
    /// Clients, each over a connection of its own
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = messages)]
    pub clients: usize,
    /// Connections at once, at most
    #[arg(long, default_value_t = 512, value_name = "N", value_parser = connections)]
    pub connections: usize,
    /// One JSON array of rows on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchMailboxArgs {
    /// Messages of the round
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = messages)]
    pub messages: usize,
    /// Mailboxes
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub mailboxes: u32,
    /// Clients, each of which downloads a mailbox
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = messages)]
    pub clients: usize,
    /// Connections at once, at most
    #[arg(long, default_value_t = 512, value_name = "N", value_parser = connections)]
    pub connections: usize,
    /// One JSON array of rows on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchTrafficArgs {
    /// Rounds in which a client is watched
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = rounds)]
    pub rounds: usize,
    /// One JSON array of rows on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// People, all of whom take part in every round
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=8_000_000_000))]
    pub users: u64,
    /// Mixers
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = servers)]
    pub mixers: usize,
    /// PKGs
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = servers)]
    pub pkgs: usize,
    /// Contacts of each user
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=65_535))]
    pub contacts: u32,
    /// Messages in a mailbox, noise included, if the parameters don't say how many mailboxes there are
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub messages: u32,
    /// A draft of a network that has parameters only; without it those of a new network
    #[arg(long, value_name = "FILE")]
    pub parameters: Option<PathBuf>,
    /// Cores of each server
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub cores: u16,
    /// Gigabits a second of each server
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub gbit: u16,
    /// One JSON object with the figures
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct DevnetArgs {
    /// The folder for network.toml, keys, databases and mails; a network that is there goes on
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Mixers [default: 3]
    #[arg(long, value_name = "N", value_parser = servers)]
    pub mixers: Option<usize>,
    /// PKGs [default: 2]
    #[arg(long, value_name = "N", value_parser = servers)]
    pub pkgs: Option<usize>,
    /// Info-nodes [default: 2]
    #[arg(long, value_name = "N", value_parser = servers)]
    pub infos: Option<usize>,
    /// Mailbox servers [default: 2]
    #[arg(long, value_name = "N", value_parser = servers)]
    pub mailbox_servers: Option<usize>,
    /// A draft whose `parameters` are those of the new network: see `zephyr network init --help`
    #[arg(long, value_name = "DRAFT")]
    pub parameters: Option<PathBuf>,
}

/// A server's role on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleArg {
    Mixer,
    Pkg,
    Info,
    Mailbox,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The entry that is printed belongs into the draft of the network: see `zephyr network init --help`.
Keep the key file secret; whoever has it is the server.")]
pub struct KeygenArgs {
    /// The key file to be made, for the server's eyes only
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What the server will be
    #[arg(long, value_enum)]
    pub role: Option<RoleArg>,
    /// Its name for people [default: the key file's]
    #[arg(long)]
    pub name: Option<String>,
    /// Where clients will reach it: host:port or ws://host:port/
    #[arg(long, value_name = "ADDRESS", default_value = "HOST:7100")]
    pub client: String,
    /// Where the other servers will reach it: host:port
    #[arg(long, value_name = "ADDRESS", default_value = "HOST:7200")]
    pub peer: String,
}

#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Make a network file from the servers' public entries
    #[command(after_help = "\
Each DRAFT has what `zephyr keygen` printed for one server or more, such as [[mixer]] with name, identity,
link_key, client and peer. One of them may have [parameters]; what is left out takes its default:

  [parameters]
  payload_bytes = 1024        # a text or a part of a file for each packet
  packets_per_round = 4       # that every client sends in every round
  round_ms = 600000           # from one round to the next; the phases follow from it
  mailboxes = 1               # about 200 messages a mailbox and round are good
  noise_mu_thousandths = 20000, noise_b_thousandths = 4000, min_mixers, routes = \"round\", …

`zephyr network show` prints all of them and what they mean. The file is the network: nothing in it can be
changed later by hand, and everybody needs the same.")]
    Init {
        /// The network file to be made
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Files with the servers' entries and the parameters
        #[arg(required = true, value_name = "DRAFT")]
        drafts: Vec<PathBuf>,
    },
    /// Draft the next version of a network: servers come, go, or get other addresses
    #[command(after_help = "\
The version takes effect at one round for everybody: leave time for all to sign it and for the file to reach all
servers. Clients get it from the info-nodes. Each DRAFT has what `zephyr keygen` printed for one server or more; an
entry with the identity of a server that is there already replaces it. [parameters] in a DRAFT change those named;
payloads and the times of rounds stay as they are. `hops` and `min_mixers` follow the number of mixers if they are
all of them now.

The file that is made lacks the signatures: all PKGs and all mixers but one of the newest version must add theirs,
with `zephyr network sign`. Then it replaces the old one on all servers, which see it without a restart.")]
    Next {
        /// The network's file as it is
        file: PathBuf,
        /// The file to be made
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// A file with entries of servers that come or change, and parameters that change
        #[arg(long = "add", value_name = "DRAFT")]
        drafts: Vec<PathBuf>,
        /// The name or identity of a server that goes
        #[arg(long, value_name = "NAME")]
        remove: Vec<String>,
        /// Where clients reach a server from then on
        #[arg(long, value_name = "NAME=ADDRESS")]
        client: Vec<String>,
        /// Where the other servers reach a server from then on
        #[arg(long, value_name = "NAME=ADDRESS")]
        peer: Vec<String>,
        #[command(flatten)]
        when: When,
    },
    /// Sign the next version of a network as one of its mixers or PKGs
    Sign {
        /// The file with the version, which the signature is added to
        file: PathBuf,
        /// The server's key file
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Another copy of the file, whose signatures are added
        #[arg(long, value_name = "FILE", required_unless_present = "key")]
        merge: Vec<PathBuf>,
    },
    /// Write the manifest that is in effect now as bytes, for programs in C without a heap or a file system
    #[command(after_help = "\
  zephyr network export network.toml > manifest.bin
  xxd -i manifest.bin > manifest.h

It is what zephyr_session_settings.manifest points to. Its network id is in it, so compare that once, with
`zephyr network show`.")]
    Export {
        /// The network's file
        file: PathBuf,
    },
    /// Show a network's servers, parameters and what they protect from, its versions, and who has yet to sign
    Show {
        /// The network's file
        file: PathBuf,
    },
}

/// From which round on a version is in effect.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct When {
    /// From this round on
    #[arg(long, value_name = "ROUND")]
    pub from_round: Option<u64>,
    /// From the first round that opens after this time, such as 2h
    #[arg(long = "in", value_name = "TIME", value_parser = parse_duration)]
    pub after: Option<Duration>,
}

#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server's configuration; see docs/samples
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// What happens in the rounds, one JSON object a line on stdout
    #[arg(long)]
    pub json: bool,
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

fn people(text: &str) -> Result<usize, String> {
    number(text, 2, 64, "people, so that somebody can write to somebody else")
}

fn soak_clients(text: &str) -> Result<usize, String> {
    number(text, 5, 1_000, "clients, so that each has four others")
}

fn servers(text: &str) -> Result<usize, String> {
    number(text, 1, MAX_SERVERS, "servers of each role")
}

fn rounds(text: &str) -> Result<usize, String> {
    number(text, 1, 1_000, "rounds")
}

fn messages(text: &str) -> Result<usize, String> {
    number(text, 1, 1_000_000, "of them")
}

fn connections(text: &str) -> Result<usize, String> {
    number(text, 1, 4_000, "connections at once")
}

fn number(text: &str, min: usize, max: usize, what: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (min..=max).contains(n));
    number.ok_or_else(|| format!("there can be {min} to {max} {what}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    fn refusal(words: &str) -> String {
        Cli::try_parse_from(words.split(' ')).expect_err("refused").to_string()
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        assert!(refusal("zephyr demo --users 0").contains("there can be 2 to 64 people"));
        assert!(refusal("zephyr demo --users 1").contains("there can be 2 to 64 people"));
        assert!(refusal("zephyr demo --users 65").contains("there can be 2 to 64 people"));
        assert!(refusal("zephyr demo --mixers 0").contains("there can be 1 to 64 servers"));
        assert!(refusal("zephyr demo --pkgs 65").contains("there can be 1 to 64 servers"));
        assert!(refusal("zephyr demo --rounds 0").contains("rounds"));
        assert!(refusal("zephyr demo --rounds x").contains("rounds"));
        assert!(refusal("zephyr send --to bob hello").contains("name@example.org"));
        assert!(refusal("zephyr recv --wait soon").contains("such as 60s"));
        assert!(refusal("zephyr send --to b@c.d hi --timeout 5s").contains("--wait-delivered"));
    }

    #[test]
    fn addresses_become_canonical() {
        let cli =
            Cli::try_parse_from(["zephyr", "send", "--to", " Bob@Example.ORG", "hi"]).unwrap();
        let Command::Send(send) = cli.command else { panic!("send") };
        assert_eq!(send.to.as_str(), "bob@example.org");
    }
}
