//! Homes that an older program wrote.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlitePool};
use tempfile::TempDir;
use zephyr_core::{DirectoryHash, Round};

use super::super::*;
use crate::testing::{alice, bob, sample};

/// A home of version 1 as its program left it: a message that was sent, one of which a part was, and one that waits
/// for somebody else; and what came.
const LEFT: &str = "
    INSERT INTO contacts (address, added_at, note, stream, next_sequence, peer_stream, peer_ack)
    VALUES ('bob@example.org', 1, 'friend', 3000000000, 7, 77, 5), ('carol@example.org', 2, '', 9, 2, 0, 0);
    INSERT INTO early VALUES ('bob@example.org', 7);
    INSERT INTO outbox VALUES (1, 11, 'bob@example.org', 0, x'6161', 1, 2, 5),
        (2, 22, 'bob@example.org', 1, x'62626363', 2, 2, 6), (3, 33, 'carol@example.org', 0, x'64', 9, 1, 7),
        (4, 44, 'bob@example.org', 0, x'6565', 2, 1, 8);
    INSERT INTO fragments VALUES (1, 0, 'bob@example.org', 3000000000, 1, 2, 40, 0),
        (1, 1, 'bob@example.org', 3000000000, 2, 2, 41, 0), (2, 0, 'bob@example.org', 3000000000, 3, 2, 42, 0),
        (2, 1, 'bob@example.org', 3000000000, 4, 1, 43, 0), (3, 0, 'carol@example.org', 9, 1, 0, NULL, NULL),
        (4, 0, 'bob@example.org', 3000000000, 5, 0, NULL, NULL);
    INSERT INTO incoming VALUES (1, 'bob@example.org', 5, 0, 2, 1, 3), (2, 'dave@example.org', 6, 0, 2, 1, 3);
    INSERT INTO incoming_fragments VALUES (1, 0, x'616263'), (2, 0, x'616263');
    INSERT INTO inbox VALUES (1, 'bob@example.org', 4, 0, x'6869', 39, 3, 1);
    UPDATE home SET last_round = 43, last_directory = zeroblob(32);";

async fn version_1(dir: &TempDir) -> SqlitePool {
    let file = dir.path().join("zephyr.db");
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let sql = include_str!("../../../migrations/0001_home.sql").into_sql_str();
    let first = Migration::new(1, "home".into(), MigrationType::Simple, sql, false);
    Migrator::with_migrations(vec![first]).run(&pool).await.unwrap();
    let query = "INSERT INTO home (id, address, seed, manifest, created_at)
         VALUES (1, $1, zeroblob(32), $2, 0)";
    let query =
        sqlx::query(query).bind(alice().as_str()).bind(sample().first().as_bytes().to_vec());
    query.execute(&pool).await.unwrap();
    pool
}

#[tokio::test]
async fn a_home_of_version_1_goes_on() {
    let dir = TempDir::new().unwrap();
    let pool = version_1(&dir).await;
    sqlx::raw_sql(AssertSqlSafe(LEFT)).execute(&pool).await.unwrap();
    pool.close().await;

    let store = Store::open(dir.path()).await.unwrap();
    let outbox = store.outbox().await.unwrap();
    let states: Vec<_> = outbox.iter().map(|m| (m.id.0, m.len, m.delivery)).collect();
    let sent = Delivery::Sent { round: Round(41) };
    let queued = Delivery::Queued;
    assert_eq!(states, [(1, 2, sent), (2, 4, queued), (3, 1, queued), (4, 2, queued)]);
    assert_eq!(store.unsent().await.unwrap(), 4);
    assert_eq!(store.contacts().await.unwrap()[0].note, "friend");

    let directory = DirectoryHash::from_bytes([1; 32]);
    let mut given = Vec::new();
    for slot in 0..4 {
        let fragment = store.assign(Round(44), &directory, slot, &bob()).await.unwrap();
        given
            .extend(fragment.map(|f| {
                (f.head.stream, f.head.sequence, f.head.message, f.head.fragment, f.body)
            }));
    }
    let stream = 3_000_000_001;
    assert_eq!(
        given,
        [
            (stream, 1, 22, 0, b"bb".to_vec()),
            (stream, 2, 22, 1, b"cc".to_vec()),
            (stream, 3, 44, 0, b"ee".to_vec()),
        ]
    );
    let incomplete: Vec<String> =
        sqlx::query_scalar("SELECT sender FROM incoming").fetch_all(&store.pool).await.unwrap();
    assert_eq!(incomplete, ["dave@example.org"], "a contact sends its messages again");
    assert_eq!(store.inbox(false).await.unwrap()[0].text(), Some("hi"));
}

#[tokio::test]
async fn an_empty_home_of_version_1_goes_on() {
    let dir = TempDir::new().unwrap();
    version_1(&dir).await.close().await;
    let store = Store::open(dir.path()).await.unwrap();
    assert!(store.outbox().await.unwrap().is_empty() && store.contacts().await.unwrap().is_empty());
}
