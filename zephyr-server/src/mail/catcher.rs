//! A small SMTP server on loopback that catches mail, for demonstrations and tests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use zephyr_core::wire::Code;

/// The longest line in bytes (RFC 5321, section 4.5.3.1.6).
const MAX_LINE: usize = 1_000;
/// The longest mail in bytes.
const MAX_MAIL: usize = 65_536;
const MAX_RECIPIENTS: usize = 10;
const MAX_CONNECTIONS: usize = 64;
/// How many mails may wait to be taken.
const MAX_WAITING: usize = 1_024;
/// For a line to come or to go.
const LINE_TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// A mail that was caught. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct CaughtMail {
    /// Whom the envelope names, one for each copy.
    pub to: String,
    /// Header and text, lines ending with CRLF.
    pub text: String,
}

impl CaughtMail {
    /// The code that it names.
    pub fn code(&self) -> Option<Code> {
        Code::find(&self.text)
    }
}

impl std::fmt::Debug for CaughtMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CaughtMail(…)")
    }
}

/// A server that is running; dropping it stops it and its connections.
#[derive(Debug)]
pub struct MailCatcher {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl MailCatcher {
    /// Listens at `address`, which must be of this machine's loopback (port 0: any port). Mails come out of the
    /// receiver; senders are asked to come again later when 1,024 wait there.
    ///
    /// # Errors
    /// If it cannot listen there.
    pub async fn start(address: SocketAddr) -> io::Result<(Self, mpsc::Receiver<CaughtMail>)> {
        if !address.ip().is_loopback() {
            let why = "the mail catcher takes mail for everybody and listens on loopback only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let task = tokio::spawn(listen(listener, sender));
        Ok((Self { address, task }, receiver))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MailCatcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, mails: mpsc::Sender<CaughtMail>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Dropped, and with it the connections, when this task is.
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mails = mails.clone();
        connections.spawn(async move {
            let _ = timeout(CONNECTION_TIMEOUT, Connection::new(stream, mails).serve()).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    mails: mpsc::Sender<CaughtMail>,
    greeted: bool,
    sender: bool,
    recipients: Vec<String>,
}

type Reply = &'static str;

impl Connection {
    fn new(stream: TcpStream, mails: mpsc::Sender<CaughtMail>) -> Self {
        let (reader, writer) = stream.into_split();
        let reader = BufReader::new(reader);
        Self { reader, writer, mails, greeted: false, sender: false, recipients: Vec::new() }
    }

    async fn serve(mut self) -> io::Result<()> {
        self.say("220 localhost Zephyr mail catcher").await?;
        loop {
            let line = self.line().await?;
            let Ok(line) = str::from_utf8(&line) else {
                self.say("500 not ASCII").await?;
                continue;
            };
            let line = line.trim_end();
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            let reply = match verb.to_ascii_uppercase().as_str() {
                "QUIT" => return self.say("221 bye").await,
                "DATA" => self.data().await?,
                verb => self.command(verb, rest),
            };
            self.say(reply).await?;
        }
    }

    fn command(&mut self, verb: &str, rest: &str) -> Reply {
        match verb {
            "EHLO" | "HELO" if rest.is_empty() => "501 who are you?",
            "EHLO" | "HELO" => {
                self.reset();
                self.greeted = true;
                if verb == "EHLO" { "250-localhost\r\n250 SIZE 65536" } else { "250 localhost" }
            }
            "RSET" => {
                self.reset();
                "250 ok"
            }
            "NOOP" => "250 ok",
            "MAIL" | "RCPT" if !self.greeted => "503 say EHLO first",
            "MAIL" if self.sender => "503 one sender, please",
            "MAIL" => match path(rest, "FROM:") {
                Some(_) => {
                    self.sender = true;
                    "250 ok"
                }
                None => "501 MAIL FROM:<address>",
            },
            "RCPT" if !self.sender => "503 say MAIL first",
            "RCPT" if self.recipients.len() == MAX_RECIPIENTS => "452 too many recipients",
            "RCPT" => match path(rest, "TO:").filter(|path| !path.is_empty()) {
                Some(path) => {
                    self.recipients.push(path.to_owned());
                    "250 ok"
                }
                None => "501 RCPT TO:<address>",
            },
            _ => "502 unknown command",
        }
    }

    fn reset(&mut self) {
        self.sender = false;
        self.recipients.clear();
    }

    async fn data(&mut self) -> io::Result<Reply> {
        if self.recipients.is_empty() {
            return Ok("503 say RCPT first");
        }
        self.say("354 end with a dot on a line of its own").await?;
        let mut text = Vec::new();
        let mut fits = true;
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                break;
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            fits &= text.len() + line.len() <= MAX_MAIL;
            if fits {
                text.extend_from_slice(line);
            }
        }
        let recipients = std::mem::take(&mut self.recipients);
        self.sender = false;
        if !fits {
            return Ok("552 too long");
        }
        let Ok(text) = String::from_utf8(text) else { return Ok("554 not UTF-8") };
        // All copies or none.
        let Ok(places) = self.mails.try_reserve_many(recipients.len()) else {
            return Ok("452 nobody takes the mails here, come again later");
        };
        for (place, to) in places.zip(recipients) {
            place.send(CaughtMail { to, text: text.clone() });
        }
        Ok("250 caught")
    }

    /// A line with its CRLF; an error ends the connection if it is too long or too slow.
    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(MAX_LINE as u64);
        timeout(LINE_TIMEOUT, limited.read_until(b'\n', &mut line)).await??;
        if line.ends_with(b"\r\n") { Ok(line) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        let reply = format!("{reply}\r\n");
        timeout(LINE_TIMEOUT, self.writer.write_all(reply.as_bytes())).await?
    }
}

/// The address in `FROM:<address> parameters`.
fn path<'a>(rest: &'a str, word: &str) -> Option<&'a str> {
    let (head, tail) = rest.split_at_checked(word.len())?;
    let path = tail.trim_start().strip_prefix('<')?.split_once('>')?.0;
    head.eq_ignore_ascii_case(word).then_some(path)
}
