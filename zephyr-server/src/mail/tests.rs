//! Mail through the catcher, and the catcher against clients that misbehave.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Receiver;
use zephyr_core::Address;
use zephyr_core::wire::Code;

use super::*;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const FROM: &str = "Zephyr PKG <pkg@example.org>";
const PREAMBLE: &str = "EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n";

fn letter(to: &str) -> Letter {
    Letter {
        to: Address::parse(to).unwrap(),
        subject: "[Zephyr] Code from pkg-1".into(),
        body: "Hello\n\nCode: 7GK2-M0QX\n.\n..dots\n".into(),
    }
}

async fn catcher() -> (MailCatcher, Receiver<CaughtMail>) {
    MailCatcher::start(LOOPBACK).await.unwrap()
}

/// Says all of `lines`, closes its side, and returns all answers.
async fn talk(catcher: &MailCatcher, lines: &[u8]) -> String {
    let stream = TcpStream::connect(catcher.address()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let lines = lines.to_vec();
    let writing = tokio::spawn(async move {
        // The catcher may hang up before the end.
        let _ = writer.write_all(&lines).await;
        let _ = writer.shutdown().await;
    });
    let mut answers = Vec::new();
    let _ = reader.read_to_end(&mut answers).await;
    writing.await.unwrap();
    String::from_utf8(answers).unwrap()
}

fn last_code(answers: &str) -> &str {
    &answers.lines().last().unwrap()[..3]
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    let (catcher, mut mails) = catcher().await;
    let mailer = SmtpMailer::new(&SmtpConfig::local(catcher.address(), FROM)).unwrap();
    let odd = "o'brien+{x}|y~=?`^@xn--bcher-kva.example";
    mailer.send(&letter(odd)).await.unwrap();
    let mail = mails.recv().await.unwrap();
    assert_eq!(mail.to, odd);
    assert_eq!(mail.code(), Code::parse("7GK2-M0QX").ok());
    let (header, body) = mail.text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.trim_end(), "Hello\r\n\r\nCode: 7GK2-M0QX\r\n.\r\n..dots");
    for line in [
        "Subject: [Zephyr] Code from pkg-1",
        "Auto-Submitted: auto-generated",
        "Content-Transfer-Encoding: 7bit",
    ] {
        assert!(header.lines().any(|l| l == line), "{line}\n{header}");
    }
    assert!(header.contains("@example.org>"), "the Message-ID does not name this machine");
}

#[tokio::test]
async fn every_address_that_is_one_can_be_mailed_to() {
    let (catcher, mut mails) = catcher().await;
    let mailer = SmtpMailer::new(&SmtpConfig::local(catcher.address(), FROM)).unwrap();
    let longest = format!("{}@{}.example.org", "a".repeat(64), "b".repeat(63));
    for to in [longest.as_str(), "-a@example.org", "a@1.2.example", "a@b.c", "!#$%&'*/@example.org"]
    {
        mailer.send(&letter(to)).await.unwrap();
        assert_eq!(mails.recv().await.unwrap().to, to);
    }
}

#[tokio::test]
async fn no_server_or_one_that_hangs_or_refuses_is_told_apart_from_a_bad_recipient() {
    let gone = TcpListener::bind(LOOPBACK).await.unwrap().local_addr().unwrap();
    let mailer = SmtpMailer::new(&SmtpConfig::local(gone, FROM)).unwrap();
    let sent = mailer.send(&letter("bob@example.org")).await;
    assert!(matches!(sent, Err(MailError::Unavailable(_))), "{sent:?}");

    let silent = TcpListener::bind(LOOPBACK).await.unwrap();
    let config =
        SmtpConfig { timeout_s: 1, ..SmtpConfig::local(silent.local_addr().unwrap(), FROM) };
    let sent = SmtpMailer::new(&config).unwrap().send(&letter("bob@example.org")).await;
    assert!(matches!(sent, Err(MailError::Unavailable(_))), "{sent:?}");

    for (answer, for_good) in
        [("550 no such user", true), ("451 later", false), ("554 spam", false)]
    {
        let server = TcpListener::bind(LOOPBACK).await.unwrap();
        let config = SmtpConfig::local(server.local_addr().unwrap(), FROM);
        let serving = tokio::spawn(refuse(server, answer));
        let sent = SmtpMailer::new(&config).unwrap().send(&letter("bob@example.org")).await;
        assert_eq!(matches!(sent, Err(MailError::Refused(_))), for_good, "{answer}: {sent:?}");
        serving.abort();
    }
}

/// A server that answers RCPT with `answer`.
async fn refuse(server: TcpListener, answer: &'static str) {
    let (mut stream, _) = server.accept().await.unwrap();
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 x\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = if line.starts_with("RCPT") { answer } else { "250 ok" };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn starttls_is_never_left_out() {
    let (catcher, mut mails) = catcher().await;
    let config = SmtpConfig {
        security: SmtpSecurity::Starttls,
        ..SmtpConfig::local(catcher.address(), FROM)
    };
    let sent = SmtpMailer::new(&config).unwrap().send(&letter("bob@example.org")).await;
    assert!(matches!(sent, Err(MailError::Unavailable(_))), "{sent:?}");
    assert!(mails.try_recv().is_err());
}

#[tokio::test]
async fn the_catcher_listens_on_loopback_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        assert!(MailCatcher::start(address.parse().unwrap()).await.is_err(), "{address}");
    }
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let (catcher, mut mails) = catcher().await;
    for (lines, code) in [
        ("MAIL FROM:<a@example.org>\r\n", "503"),
        ("EHLO\r\n", "501"),
        ("HELO x\r\nRCPT TO:<b@example.org>\r\n", "503"),
        ("HELO x\r\nDATA\r\n", "503"),
        ("HELO x\r\nMAIL FROM:a@example.org\r\n", "501"),
        ("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\n", "501"),
        ("HELO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", "503"),
        ("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@c.d>\r\nRSET\r\nDATA\r\n", "503"),
        ("VRFY bob\r\n", "502"),
        ("\r\n", "502"),
        ("NOOP\r\n", "250"),
        ("noop\r\nquit\r\n", "221"),
    ] {
        assert_eq!(last_code(&talk(&catcher, lines.as_bytes()).await), code, "{lines:?}");
    }
    assert_eq!(last_code(&talk(&catcher, b"\xff\xfe\r\n").await), "500");
    assert!(mails.try_recv().is_err());
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let (catcher, mut mails) = catcher().await;
    let overlong = format!("NOOP {}\r\n", "x".repeat(2_000));
    let answers = talk(&catcher, overlong.as_bytes()).await;
    assert_eq!(last_code(&answers), "220", "hung up without an answer: {answers}");

    let line = format!("{}\r\n", "x".repeat(900));
    let big = format!("{PREAMBLE}DATA\r\n{}.\r\n", line.repeat(100));
    assert_eq!(last_code(&talk(&catcher, big.as_bytes()).await), "552");

    let crowd = format!("{PREAMBLE}{}", "RCPT TO:<c@example.org>\r\n".repeat(10));
    assert_eq!(last_code(&talk(&catcher, crowd.as_bytes()).await), "452");
    assert!(mails.try_recv().is_err());
}

#[tokio::test]
async fn a_mail_cut_off_is_none() {
    let (catcher, mut mails) = catcher().await;
    talk(&catcher, format!("{PREAMBLE}DATA\r\nhalf a li").as_bytes()).await;
    talk(&catcher, format!("{PREAMBLE}DATA\r\nSubject: x\r\n\r\n..\r\n").as_bytes()).await;
    assert!(mails.try_recv().is_err());
    let whole = format!("{PREAMBLE}RCPT TO:<c@example.org>\r\nDATA\r\n..x\r\n.\r\nQUIT\r\n");
    talk(&catcher, whole.as_bytes()).await;
    for to in ["b@example.org", "c@example.org"] {
        let expected = CaughtMail { to: to.into(), text: ".x\r\n".into() };
        assert_eq!(mails.recv().await.as_ref(), Some(&expected));
    }
}

#[tokio::test]
async fn mails_that_nobody_takes_are_put_off() {
    let (catcher, mut mails) = catcher().await;
    let ten = "RCPT TO:<b@example.org>\r\n".repeat(9);
    let mail = format!("{PREAMBLE}{ten}DATA\r\nx\r\n.\r\n");
    for _ in 0..102 {
        assert_eq!(last_code(&talk(&catcher, mail.as_bytes()).await), "250");
    }
    assert_eq!(last_code(&talk(&catcher, mail.as_bytes()).await), "452");
    for _ in 0..10 {
        mails.recv().await.unwrap();
    }
    assert_eq!(last_code(&talk(&catcher, mail.as_bytes()).await), "250");
}

#[tokio::test]
async fn connections_are_bounded_and_end_with_the_catcher() {
    let (catcher, _mails) = catcher().await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(catcher.address()).await.unwrap();
        stream.read_u8().await.unwrap();
        idle.push(stream);
    }
    let mut late = TcpStream::connect(catcher.address()).await.unwrap();
    let greeted = tokio::time::timeout(Duration::from_millis(100), late.read_u8()).await;
    assert!(greeted.is_err(), "the 65th waits");
    idle.truncate(63);
    late.read_u8().await.unwrap();
    drop(catcher);
    let mut rest = Vec::new();
    let _ = late.read_to_end(&mut rest).await;
}

#[test]
fn the_configuration_must_make_sense() {
    let local = SmtpConfig::local(LOOPBACK, FROM);
    let remote = SmtpConfig {
        host: "mail.example.org".into(),
        user: Some("pkg".into()),
        password_env: Some("PATH".into()),
        ..local.clone()
    };
    let new = |config: SmtpConfig| SmtpMailer::new(&config).err();
    let insecure = new(remote.clone());
    assert!(matches!(insecure, Some(MailConfigError::Insecure)));
    assert!(new(SmtpConfig { security: SmtpSecurity::Tls, ..remote.clone() }).is_none());
    let user_only = SmtpConfig { password_env: None, ..remote.clone() };
    assert!(matches!(new(user_only), Some(MailConfigError::Credentials)));
    let unset = SmtpConfig { password_env: Some("ZEPHYR_NO_SUCH".into()), ..remote.clone() };
    assert!(matches!(new(unset), Some(MailConfigError::Environment(_))));
    let no_file = SmtpConfig {
        security: SmtpSecurity::Tls,
        root_certificate: Some("/no/such/file".into()),
        ..local.clone()
    };
    assert!(matches!(new(no_file), Some(MailConfigError::File { .. })));
    let from = SmtpConfig { from: "nobody".into(), ..local.clone() };
    assert!(matches!(new(from), Some(MailConfigError::From)));
    assert_eq!((remote.port(), local.port()), (0, 0));
    assert_eq!(SmtpConfig { port: None, ..local }.port(), 25);
}

#[test]
fn debug_shows_no_mail() {
    let mail = CaughtMail { to: "bob@example.org".into(), text: "Code: 7GK2-M0QX".into() };
    assert_eq!(format!("{mail:?}"), "CaughtMail(…)");
}
