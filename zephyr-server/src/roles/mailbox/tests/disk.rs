//! Restarts, and disks that fail.

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tempfile::TempDir;
use zephyr_core::MixerIndex;
use zephyr_core::wire::DownloadRefusal;

use super::super::upload::UploadError;
use super::bench::Bench;
use crate::store::{Mailboxes, SqliteMailboxes, open_sqlite};

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}", folder.path().join("mailboxes.db").display())
}

async fn open(folder: &TempDir) -> SqliteMailboxes {
    SqliteMailboxes::open(&url(folder)).await.unwrap()
}

#[tokio::test]
async fn a_restarted_server_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(open(&folder).await).await;
    bench.upload(0, [3, 4]).await.unwrap();
    bench.upload(1, [5, 6]).await.unwrap();
    bench.server.store.close().await;

    let bench = Bench::again(bench.paper, bench.directory, open(&folder).await).await;
    bench.upload(1, [5, 6]).await.unwrap();
    assert_eq!(bench.download(0).await, Err(DownloadRefusal::NotYet));
    bench.upload(2, [7, 8]).await.unwrap();
    assert_eq!(bench.download(0).await.unwrap(), [(0, 3), (1, 5), (2, 7)]);
    bench.server.store.close().await;

    // The directory is in the database: the mailbox is there before the DHT is.
    let bench = Bench::again(bench.paper, bench.directory, open(&folder).await).await;
    assert_eq!(bench.download(2).await.unwrap(), [(0, 4), (1, 6), (2, 8)]);
    assert!(!bench.server.void(MixerIndex(0), super::ROUND));
    bench.server.store.close().await;
}

#[tokio::test]
async fn rounds_of_another_network_are_deleted_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(open(&folder).await).await;
    bench.upload_all([3, 3]).await;
    bench.server.store.close().await;
    let store = open(&folder).await;
    let pool = open_sqlite(&url(&folder)).await.unwrap();
    sqlx::query("UPDATE mailbox_rounds SET directory = x'01'").execute(&pool).await.unwrap();
    pool.close().await;
    let bench = Bench::again(bench.paper, bench.directory, store).await;
    assert_eq!(bench.download(0).await, Err(DownloadRefusal::NotYet));
    assert!(bench.is_empty_when_clean().await);
    bench.server.store.close().await;
}

/// As many connections as pages matter to: the limit is one of the connection, not of the file.
async fn limited() -> (SqliteMailboxes, SqlitePool) {
    let pool = open_sqlite("sqlite::memory:").await.unwrap();
    (SqliteMailboxes::new(pool.clone()), pool)
}

async fn limit(pool: &SqlitePool, pages: u32) {
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(pragma).fetch_all(pool).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_loses_no_upload_that_was_acknowledged_and_takes_more_when_there_is_room() {
    let (store, pool) = limited().await;
    let bench = Bench::on(store).await;
    bench.upload(0, [10, 10]).await.unwrap();
    limit(&pool, 40).await;
    for _ in 0..3 {
        let error = bench.upload(1, [3_000, 0]).await.unwrap_err();
        assert!(matches!(error, UploadError::Store(_)), "{error}");
        bench.server.clean().await;
    }
    assert_eq!(bench.download(0).await, Err(DownloadRefusal::NotYet));
    limit(&pool, 1_000_000).await;
    bench.upload(1, [3_000, 0]).await.unwrap();
    bench.upload(2, [0, 0]).await.unwrap();
    assert_eq!(bench.download(0).await.unwrap(), [(0, 10), (1, 3_000), (2, 0)]);
}

#[tokio::test]
async fn a_read_only_database_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(open(&folder).await).await;
    bench.upload_all([3, 4]).await;
    let file = folder.path().join("mailboxes.db");
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let pool = SqlitePoolOptions::new().connect_with(options).await.unwrap();
    let mut bench = bench;
    let writable = std::mem::replace(&mut bench.server.store, SqliteMailboxes::new(pool));
    // Another round is refused without a word to anybody but the mixer; what is there is given out.
    assert!(bench.server.store.begin(super::ROUND, b"", MixerIndex(0)).await.is_err());
    assert_eq!(bench.download(0).await.unwrap(), [(0, 3), (1, 3), (2, 3)]);
    bench.server.tick(bench.paper.schedule(super::ROUND).closes.plus(60_000));
    bench.server.clean().await;
    bench.server.store.close().await;
    // It can be written again: what could not be deleted then is deleted now.
    bench.server.store = writable;
    assert!(bench.is_empty_when_clean().await);
    bench.server.store.close().await;
}

#[tokio::test]
async fn an_unreadable_database_is_said_to_be_so() {
    let bench = Bench::new().await;
    bench.upload_all([3, 4]).await;
    bench.server.store.close().await;
    assert_eq!(bench.download(0).await, Err(DownloadRefusal::Unavailable));
    let error = bench.upload(0, [3, 4]).await;
    assert!(error.is_ok(), "it is stored already: {error:?}");
}
