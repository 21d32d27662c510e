//! How long a mailbox server takes to store a mixer's upload of 10,000 messages, for which the round waits, beside
//! writing the same bytes to a file and waiting for the disk.
//!
//! `ZEPHYR_BENCH_POSTGRES=postgres://… cargo bench -p zephyr-server --bench store` measures PostgreSQL as well, in an empty
//! database that it fills. The file and SQLite's are in the folder for temporary files: `TMPDIR` names another.

#![allow(missing_docs)]

#[path = "../../zephyr-core/benches/common/rows.rs"]
mod rows;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use zephyr_core::{Mailbox, MixerIndex, Round};
use zephyr_machine::batch::Batch;
use zephyr_server::store::{Chunk, Database, Mailboxes, PostgresMailboxes, SqliteMailboxes};

use rows::{Row, decile};

/// Messages of an upload, and the length of one with a payload of 1,024 bytes.
const MESSAGES: usize = 10_000;
const LEN: usize = 1_186;
/// Mailboxes that they are for.
const MAILBOXES: usize = 50;
/// Messages that go into the store at a time: half a megabyte.
const PIECE: usize = 443;
const TURNS: u64 = 12;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().expect("there is room for files");
    let chunks = upload();
    let url = format!("sqlite://{}", folder.path().join("mailbox.db").display());
    let sqlite = SqliteMailboxes::open(&url).await.expect("SQLite makes a file");
    row("SQLite", &sqlite, &chunks, folder.path()).await;
    sqlite.close().await;
    if let Ok(url) = std::env::var("ZEPHYR_BENCH_POSTGRES") {
        let postgres = PostgresMailboxes::open(&Database::new(url)).await.expect("PostgreSQL runs");
        row("PostgreSQL", &postgres, &chunks, folder.path()).await;
        postgres.close().await;
    }
}

/// Measures uploads in turns with files.
async fn row(name: &str, store: &impl Mailboxes, chunks: &[Chunk], folder: &Path) {
    let (mut stored, mut written) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        written.push(write(chunks, &folder.join("file")));
        stored.push(store_upload(store, Round(turn), chunks).await);
        // Rounds come and go: the tables are as long as a server's.
        if let Some(old) = turn.checked_sub(3) {
            store.forget(Round(old)).await.expect("the database works");
            while store.sweep().await.expect("the database works") {}
        }
    }
    let (value, other) = (decile(stored) / 1e3, decile(written) / 1e3);
    let name = format!("upload of 10,000 messages of 1,186 bytes, {name}");
    let against = format!("writing the same bytes to a file with fsync, {other:.1} ms");
    let ratio = Some(value / other);
    Row { name: &name, value, unit: "ms", against: &against, ratio, limit: None }.print();
}

async fn store_upload(store: &impl Mailboxes, round: Round, chunks: &[Chunk]) -> Duration {
    let start = Instant::now();
    let upload = store.begin(round, &[7; 2_000], MixerIndex(0)).await.expect("the database works");
    for chunk in chunks {
        assert!(store.append(upload, chunk).await.expect("the database works"));
    }
    let digest = store.complete(upload, &[1; 32]).await.expect("the database works");
    assert_eq!(digest, Some([1; 32]));
    start.elapsed()
}

fn write(chunks: &[Chunk], path: &Path) -> Duration {
    let start = Instant::now();
    let file = File::create(path).expect("there is room for a file");
    let mut file = BufWriter::with_capacity(PIECE * LEN, file);
    for message in chunks.iter().flat_map(|chunk| chunk.messages.iter()) {
        file.write_all(message).expect("there is room for a file");
    }
    let file = file.into_inner().expect("there is room for a file");
    file.sync_all().expect("the disk works");
    start.elapsed()
}

/// An upload in the pieces in which it goes into the store. What messages look like can't be compressed.
fn upload() -> Vec<Chunk> {
    let mut random = 1u64;
    let mut chunks = Vec::new();
    for first in (0..MESSAGES).step_by(PIECE) {
        let last = MESSAGES.min(first + PIECE);
        let mut messages = Batch::new(LEN);
        for _ in first..last {
            for byte in messages.push_zeros() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (random >> 56) as u8;
            }
        }
        let each = MESSAGES / MAILBOXES;
        let lists = (0..MAILBOXES).map(|mailbox| (mailbox, mailbox * each));
        let lists = lists.filter(|(_, place)| (first..last).contains(place));
        let list =
            |(mailbox, place)| (Mailbox(mailbox as u32), place as u32, each as u32, [3; 128]);
        chunks.push(Chunk { lists: lists.map(list).collect(), first: first as u32, messages });
    }
    chunks
}
