use sqlx::Row;

use super::*;
use crate::store::conformance;
use crate::store::sql::migrator;
use crate::store::sqlite::{MIGRATIONS, options};

fn url(folder: &tempfile::TempDir, name: &str) -> String {
    format!("sqlite://{}", folder.path().join(name).display())
}

#[tokio::test]
async fn memory_conforms() {
    let open = async || SqliteMailboxes::open("sqlite::memory:").await.unwrap();
    conformance::mailboxes(open).await;
}

#[tokio::test]
async fn a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = 0;
    conformance::mailboxes(async || {
        files += 1;
        SqliteMailboxes::open(&url(&folder, &format!("{files}.db"))).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_file_keeps_what_is_complete_and_drops_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteMailboxes::open(&url(&folder, "m.db")).await.unwrap();
    let round = Round(3);
    let whole = store.begin(round, b"directory", MixerIndex(1)).await.unwrap();
    store.append(whole, &conformance::chunk(0, 2)).await.unwrap();
    store.complete(whole, &[1; 32]).await.unwrap();
    let half = store.begin(round, b"directory", MixerIndex(0)).await.unwrap();
    store.append(half, &conformance::chunk(0, 2)).await.unwrap();
    store.close().await;

    let store = SqliteMailboxes::open(&url(&folder, "m.db")).await.unwrap();
    let rounds = store.restore().await.unwrap();
    let delivered = vec![(MixerIndex(1), [1; 32])];
    assert_eq!(rounds, [StoredRound { round, directory: Some(b"directory".to_vec()), delivered }]);
    assert_eq!(store.messages(whole, 0, 9).await.unwrap().len(), 2);
    assert!(!store.append(half, &conformance::chunk(2, 1)).await.unwrap());
    while store.sweep().await.unwrap() {}
    assert!(store.messages(half, 0, 9).await.unwrap().is_empty());
    store.close().await;
}

#[tokio::test]
async fn messages_that_were_stored_one_by_one_are_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder, "m.db");
    let pool = SqlitePool::connect_with(options(&url).unwrap()).await.unwrap();
    migrator(&MIGRATIONS[..4]).run(&pool).await.unwrap();
    for place in 0..3u32 {
        sqlx::query("INSERT INTO mailbox_messages (id, message) VALUES ($1, $2)")
            .bind(id(UploadId(1), place).unwrap())
            .bind(&place.to_be_bytes()[..])
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
    let store = SqliteMailboxes::open(&url).await.unwrap();
    assert_eq!(conformance::read(&store, UploadId(1), 1, 9).await.unwrap(), [1, 2]);
    store.close().await;
}

#[tokio::test]
async fn the_file_shrinks_when_a_round_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteMailboxes::open(&url(&folder, "m.db")).await.unwrap();
    let upload = store.begin(Round(1), b"", MixerIndex(0)).await.unwrap();
    for i in 0..16 {
        store.append(upload, &conformance::chunk(i * 500, 500)).await.unwrap();
    }
    store.complete(upload, &[0; 32]).await.unwrap();
    let pages = async || -> i64 {
        let row = sqlx::query("PRAGMA page_count").fetch_one(&store.pool).await.unwrap();
        row.try_get(0).unwrap()
    };
    let full = pages().await;
    store.forget(Round(1)).await.unwrap();
    while store.sweep().await.unwrap() {}
    let empty = pages().await;
    assert!(full > 2 * empty, "{full} pages, then {empty}");
    store.close().await;
}

#[tokio::test]
async fn readers_do_not_wait_for_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteMailboxes::open(&url(&folder, "m.db")).await.unwrap();
    let upload = store.begin(Round(1), b"", MixerIndex(0)).await.unwrap();
    store.append(upload, &conformance::chunk(0, 10)).await.unwrap();
    let (turn, mut tx) = store.write().await.unwrap();
    sqlx::query(sql::DISCARD).bind(upload.0).execute(&mut *tx).await.unwrap();
    // More readers than connections are open: new ones are opened meanwhile.
    let readers = (0..8).map(|_| store.messages(upload, 0, 10));
    for messages in futures::future::join_all(readers).await {
        assert_eq!(messages.unwrap().len(), 10);
    }
    drop((turn, tx));
    store.close().await;
}
