//! A program that is killed at any moment, with SIGKILL, while it writes: what it said it had done is done, and what
//! it was doing is done or not, but never half.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use zephyr_core::session::Draft;
use zephyr_core::stream::WINDOW;
use zephyr_core::{Content, DirectoryHash, Round, UnixMs};

use super::super::outbox::Fragment;
use super::super::*;
use super::pair::{CHUNK, incoming};
use crate::testing::{alice, bob, sample};

/// Tells the process that it is the one to be killed, and where the home is.
const HOME: &str = "ZEPHYR_TEST_KILLED_HOME";
/// What Bob has acknowledged: his word for it.
const ACK: &str = "ZEPHYR_TEST_KILLED_ACK";
const NOW: UnixMs = UnixMs(1_800_000_000_000);
const KILLS: u64 = 20;
/// The stream from Bob. His message n has the number n as its contents, in one to three fragments.
const STREAM: u32 = 7;

/// The fragment with the number `sequence` of Bob's stream.
fn from_bob(sequence: u32) -> Incoming {
    // Messages of 1, 2 and 3 fragments in turns.
    let (six, place) = ((sequence - 1) / 6, (sequence - 1) % 6);
    let (turn, fragment, fragments) =
        [(0, 0, 1), (1, 0, 2), (1, 1, 2), (2, 0, 3), (2, 1, 3), (2, 2, 3)][place as usize];
    let message = u64::from(3 * six + turn);
    let body =
        if fragment == 0 { message.to_be_bytes()[4..].to_vec() } else { vec![fragment as u8] };
    let ack = env::var(ACK)
        .ok()
        .and_then(|ack| {
            let (stream, ack) = ack.split_once(':')?;
            Some((stream.parse().ok()?, ack.parse().ok()?))
        })
        .unwrap_or_default();
    let head = Draft {
        content: Content::File,
        message,
        stream: STREAM,
        sequence,
        fragment,
        fragments,
        ..Draft::acknowledgement(ack)
    };
    incoming(&bob(), 1, Fragment { head, body, again: false })
}

fn said(line: &str) {
    println!("\n@{line}");
}

/// What the killed process does, for ever.
async fn write(dir: &Path) {
    let store = Store::open(dir).await.unwrap();
    store.requeue_unsent().await.unwrap();
    let directory = DirectoryHash::from_bytes([1; 32]);
    let mut round = store.last_round().await.unwrap().map_or(0, |(round, _)| round.0);
    loop {
        round += 1;
        let query = "SELECT peer_ack FROM contacts";
        let ack: u32 = sqlx::query_scalar(query).fetch_one(&store.pool).await.unwrap();
        // Out of order, with repetitions, over the window's edge.
        for ahead in [3, 1, 2, 1, 6, WINDOW + 1, 5, 4] {
            store.receive(&from_bob(ack + ahead), CHUNK, NOW).await.unwrap();
        }
        said(&format!("received {}", ack + 6));
        let count = store.outbox().await.unwrap().len() as u64;
        let body = [&count.to_be_bytes()[..], &vec![0; count as usize % 7]].concat();
        store.enqueue(&bob(), Content::File, &body, CHUNK, NOW).await.unwrap();
        said(&format!("wrote {count}"));
        for slot in 0..2 {
            store.assign(Round(round), &directory, slot, &bob()).await.unwrap();
            store.mark_sent(Round(round), slot).await.unwrap();
        }
    }
}

/// Starts the process, kills it after a while, and returns what it said: the last number received, and the last
/// message written.
fn run_and_kill(dir: &Path, ack: (u32, u32), after: Duration) -> (u32, Option<u64>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "store::tests::killed::the_process_that_is_killed", "--nocapture"])
        .env(HOME, dir)
        .env(ACK, format!("{}:{}", ack.0, ack.1))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut received, mut wrote) = (0, None);
    let mut note = |line: String| {
        if let Some(number) = line.strip_prefix("@received ") {
            received = number.parse().unwrap();
        } else if let Some(number) = line.strip_prefix("@wrote ") {
            wrote = Some(number.parse().unwrap());
        }
        line.starts_with('@')
    };
    // It is at work when it has said something.
    while !note(lines.next().expect("it works until it is killed").unwrap()) {}
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        note(line);
    }
    (received, wrote)
}

#[tokio::test]
async fn the_process_that_is_killed() {
    if let Some(dir) = env::var_os(HOME) {
        write(Path::new(&dir)).await;
    }
}

/// All that was said to be received is in the inbox, once and in order, and nothing is acknowledged that is not here.
async fn check_inbox(store: &Store, received: u32) {
    let query = "SELECT peer_ack FROM contacts";
    let ack: u32 = sqlx::query_scalar(query).fetch_one(&store.pool).await.unwrap();
    assert!(ack >= received, "{ack} {received}");
    let inbox = store.inbox(false).await.unwrap();
    let numbers: Vec<_> =
        inbox.iter().map(|m| u32::from_be_bytes(m.body[..4].try_into().unwrap())).collect();
    let whole = ack / 6 * 3 + [0, 1, 1, 2, 2, 2][ack as usize % 6];
    assert!(numbers.iter().copied().eq(0..whole), "{ack}: {numbers:?}");
    let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM arrived WHERE sequence <= $1")
        .bind(ack)
        .fetch_one(&store.pool)
        .await
        .unwrap();
    assert_eq!(kept as u32, [0, 0, 1, 0, 1, 2][ack as usize % 6], "of the next one");
}

/// Rounds in which Bob gets some of what Alice has for him, or all of it.
async fn to_bob(alices: &Store, bobs: &Store, rounds: u64) {
    let directory = DirectoryHash::from_bytes([1; 32]);
    for _ in 0..rounds {
        let last = alices.last_round().await.unwrap();
        let round = Round(last.map_or(0, |(round, _)| round.0) + 1);
        let given = alices.assign(round, &directory, 0, &bob()).await.unwrap();
        alices.mark_sent(round, 0).await.unwrap();
        if let Some(fragment) = given {
            bobs.receive(&incoming(&alice(), round.0, fragment), CHUNK, NOW).await.unwrap();
        }
        // His acknowledgements alone: what he writes is of another stream.
        if let Some(mut empty) = bobs.assign(round, &directory, 0, &alice()).await.unwrap() {
            empty.head.content = Content::Empty;
            alices.receive(&incoming(&bob(), round.0, empty), CHUNK, NOW).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_process_killed_while_it_writes_loses_nothing_and_does_nothing_twice() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), &alice(), &sample()).await.unwrap();
    store.add_contact(&bob(), None, NOW).await.unwrap();
    store.close().await;
    let bobs = Store::in_memory(&bob(), &sample()).await.unwrap();
    bobs.add_contact(&alice(), None, NOW).await.unwrap();

    let mut written = 0;
    for kill in 0..KILLS {
        let query = "SELECT peer_stream, peer_ack FROM contacts";
        let ack = sqlx::query_as(query).fetch_one(&bobs.pool).await.unwrap();
        // Spread over the milliseconds that a turn takes.
        let after = Duration::from_micros(kill * 7_919 % 60_000);
        let (received, wrote) = run_and_kill(dir.path(), ack, after);
        let store = Store::open(dir.path()).await.unwrap();
        check_inbox(&store, received).await;
        let outbox = store.outbox().await.unwrap();
        assert!(wrote.is_none_or(|last: u64| outbox.len() as u64 > last), "{wrote:?}");
        assert!(outbox.len() >= written);
        written = outbox.len();
        store.requeue_unsent().await.unwrap();
        to_bob(&store, &bobs, 5).await;
        store.close().await;
    }

    let store = Store::open(dir.path()).await.unwrap();
    let mut rounds = 0;
    while store.outbox().await.unwrap().iter().any(|m| m.delivery != Delivery::Delivered) {
        to_bob(&store, &bobs, 10).await;
        rounds += 10;
        assert!(rounds < 10_000, "it does not end");
    }
    let inbox = bobs.inbox(false).await.unwrap();
    let numbers = inbox.iter().map(|m| u64::from_be_bytes(m.body[..8].try_into().unwrap()));
    assert!(numbers.eq(0..written as u64), "once and in order");
}
