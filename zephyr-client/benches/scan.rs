//! Finding the user's messages in a mailbox of 10,000: by contacts' tags, and by trial decryption on all processors.

#![allow(missing_docs)]

#[path = "scan/reader.rs"]
mod reader;
#[path = "../../zephyr-core/benches/common/rows.rs"]
mod rows;

use std::hint::black_box;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use zephyr_blst::{Blst, G1, G2};
use zephyr_client::try_side_by_side;
use zephyr_core::{Pairing, Point, message_digest};

use reader::Reader;
use rows::{Row, decile};

const CONTACTS: usize = 100;
const MESSAGES: usize = 10_000;
/// How often the scan for contacts is measured.
const SCANS: usize = 60;
/// How many messages are tried at once, for each processor: as the client does.
const BATCH: usize = 16;
/// How often the trials of a batch are measured.
const TRIALS: usize = 200;

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Tags and look-ups of a session for contacts only, next to the pairings from which the tags follow.
fn contacts() {
    let (p, q) = (G1::hash(b"bench", b"p"), Blst::prepare(&G2::hash(b"bench", b"q")));
    let (mut prepared, mut scanned) = (Vec::new(), Vec::new());
    let (mut pairings, mut hashes) = (Vec::new(), Vec::new());
    for _ in 0..SCANS {
        let mut reader = Reader::new(CONTACTS, true);
        let prepare = time(|| reader.prepare());
        pairings.push(time(|| {
            for _ in 0..CONTACTS {
                black_box(Blst::pair(black_box(&p), &q));
            }
        }));
        let (exchange, mut mailbox) = reader.download(MESSAGES);
        let scan = time(|| reader.scan(exchange, &mut mailbox));
        assert!(reader.has_scanned(), "the list is good");
        let heads: Vec<u8> = mailbox.messages.iter().flat_map(|m| m[..32].to_vec()).collect();
        hashes.push(time(|| _ = black_box(message_digest(black_box(&heads)))));
        prepared.push(prepare + scan);
        scanned.push(scan);
    }
    let (pairings, hashes) = (decile(pairings), decile(hashes));
    let row = |name, value, against, other, limit| {
        Row { name, value, unit: "µs", against, ratio: Some(value / other), limit }.print();
    };
    row(
        "tags of 100 contacts, and a scan of 10,000 messages for them",
        decile(prepared),
        "100 pairings",
        pairings,
        Some(1.10),
    );
    let value = decile(scanned);
    Row {
        name: "scan of 10,000 messages for 100 contacts whose tags are there, with the check of the mixer's list",
        value,
        unit: "µs",
        against: "",
        ratio: None,
        limit: Some(2_000.0),
    }
    .print();
    row("the same scan", value, "SHA-256 of what the mixer's signature is over", hashes, None);
}

/// Trial decryption as the client does it, on all processors and on one.
fn trials() {
    let all = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let mut reader = Reader::new(0, false);
    let (exchange, mailbox) = reader.download(BATCH * all.get());
    let trials = reader.trials(exchange, &mailbox);
    let run = |processors| _ = black_box(try_side_by_side(&trials, processors));
    rows::compare(
        &format!("trial decryption of {} messages on {all} processors", trials.len()),
        "on one",
        Some(1.15 / all.get() as f64),
        TRIALS,
        || run(all),
        || run(NonZero::<usize>::MIN),
    );
}

fn main() {
    contacts();
    trials();
}
