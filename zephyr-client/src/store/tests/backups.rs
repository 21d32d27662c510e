//! Homes that are backed up and restored.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zephyr_core::{Content, Round};

use super::super::*;
use super::conformance::{DIRECTORY, NOW, carol, complete, fragments, next};
use super::pair::{CHUNK, Fate, PASSPHRASE, Pair};
use crate::testing::{alice, bob, parameters, sample};

/// Enough for everything that is under way, and starting over.
const ENOUGH: u64 = 60;

/// A home with something of everything.
async fn full_home() -> Store {
    let store = Store::in_memory(&alice(), &sample()).await.unwrap();
    store.add_contact(&bob(), Some("friend"), NOW).await.unwrap();
    store.block(&carol(), NOW).await.unwrap();
    store.set_contacts_only(true).await.unwrap();
    complete(&store, &fragments(Some(bob()), 1, b"from bob", 100)[0]).await;
    store.enqueue(&bob(), Content::Text, b"a secret text", 100, NOW).await.unwrap();
    let network = store.home().network();
    for pkg in network.manifest().servers(zephyr_core::Role::Pkg) {
        store.set_registration(&pkg.id, Registration::Registered).await.unwrap();
    }
    store
}

/// The names of what is in a folder.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

struct Backup {
    dir: TempDir,
    file: PathBuf,
    home: PathBuf,
}

impl Backup {
    async fn of(store: &Store) -> Self {
        let dir = TempDir::new().unwrap();
        let (file, home) = (dir.path().join("backup"), dir.path().join("home"));
        store.export_backup(&file, PASSPHRASE).await.unwrap();
        Self { dir, file, home }
    }

    async fn restore(&self, passphrase: &str) -> Result<Store, BackupError> {
        Store::restore_backup(&self.file, passphrase, &self.home).await
    }
}

#[tokio::test]
async fn a_restored_home_has_everything() {
    let store = full_home().await;
    let backup = Backup::of(&store).await;
    let restored = backup.restore(PASSPHRASE).await.unwrap();
    assert_eq!(restored.home().address(), &alice());
    assert_eq!(restored.home().seed(), store.home().seed(), "so the registrations are good");
    assert_eq!(restored.home().network(), sample());
    assert_eq!(restored.contacts().await.unwrap(), store.contacts().await.unwrap());
    assert_eq!(restored.blocked().await.unwrap(), [carol()]);
    assert_eq!(restored.inbox(false).await.unwrap(), store.inbox(false).await.unwrap());
    assert_eq!(restored.outbox().await.unwrap(), store.outbox().await.unwrap());
    assert!(restored.contacts_only().await.unwrap());
    for pkg in sample().manifest().servers(zephyr_core::Role::Pkg) {
        assert_eq!(restored.registration(&pkg.id).await.unwrap(), Registration::Registered);
    }
    restored.close().await;
    assert_eq!(names(&backup.home), ["lock", "zephyr.db"]);
    Store::open(&backup.home).await.unwrap();
    // The first home goes on as it was.
    assert_eq!(next(&store, 9, 0).await.unwrap().body, b"a secret text");
}

#[tokio::test]
async fn a_backup_is_one_file_that_shows_nothing() {
    let backup = Backup::of(&full_home().await).await;
    assert_eq!(names(backup.dir.path()), ["backup"]);
    let bytes = fs::read(&backup.file).unwrap();
    for secret in [&b"a secret text"[..], b"bob@example.org", b"SQLite format"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&backup.file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_backup_is_made_of_a_home_in_use_and_has_what_was_written_last() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), &alice(), &sample()).await.unwrap();
    let before = names(dir.path());
    store.enqueue(&bob(), Content::Text, b"just now", 100, NOW).await.unwrap();
    let backup = Backup::of(&store).await;
    assert_eq!(names(dir.path()), before, "nothing is left behind");
    let restored = backup.restore(PASSPHRASE).await.unwrap();
    assert_eq!(restored.outbox().await.unwrap(), store.outbox().await.unwrap());
}

#[tokio::test]
async fn files_and_homes_are_never_overwritten() {
    let store = full_home().await;
    let backup = Backup::of(&store).await;
    let bytes = fs::read(&backup.file).unwrap();
    let again = store.export_backup(&backup.file, PASSPHRASE).await.unwrap_err();
    assert!(matches!(again, BackupError::Exists(_)), "{again}");
    assert!(again.to_string().contains("never overwritten"), "{again}");
    assert_eq!(fs::read(&backup.file).unwrap(), bytes);

    drop(Store::create(&backup.home, &bob(), &sample()).await.unwrap());
    let refused = backup.restore(PASSPHRASE).await.unwrap_err();
    assert!(matches!(refused, BackupError::HasHome(_)), "{refused}");
    assert_eq!(Store::open(&backup.home).await.unwrap().home().address(), &bob());
}

#[tokio::test]
async fn what_cannot_be_written_or_guessed_easily_is_said() {
    let store = full_home().await;
    let dir = TempDir::new().unwrap();
    let short = store.export_backup(&dir.path().join("backup"), "1234567").await.unwrap_err();
    assert!(matches!(short, BackupError::ShortPassphrase), "{short}");
    assert!(short.to_string().contains("at least 8 characters"), "{short}");
    let nowhere = dir.path().join("no/such/folder");
    let failed = store.export_backup(&nowhere, PASSPHRASE).await.unwrap_err();
    assert!(matches!(&failed, BackupError::File { path, .. } if *path == nowhere), "{failed}");
    assert!(names(dir.path()).is_empty());
    let missing = Store::restore_backup(&nowhere, PASSPHRASE, dir.path()).await.unwrap_err();
    assert!(matches!(missing, BackupError::File { .. }), "{missing}");
    assert!(names(dir.path()).is_empty());
}

#[tokio::test]
async fn a_wrong_passphrase_and_a_damaged_file_are_one_error_and_make_no_home() {
    let backup = Backup::of(&full_home().await).await;
    let good = fs::read(&backup.file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let changed: Vec<Vec<u8>> = [0, 16, 20, 24, 28, 29, 45, 69, 85, good.len() - 1]
        .map(flipped)
        .into_iter()
        .chain([0, 1, 17, 40, 84, 85, good.len() - 1].map(|len| good[..len].to_vec()))
        .chain([[&good[..], b"x"].concat(), b"SQLite format 3\0".to_vec()])
        // As much memory as can be said.
        .chain([[&good[..17], &[0xff; 12], &good[29..]].concat()])
        .collect();
    for bytes in changed {
        fs::write(&backup.file, &bytes).unwrap();
        let refused = backup.restore(PASSPHRASE).await.unwrap_err();
        assert!(matches!(refused, BackupError::Unreadable(_)), "{refused}");
        assert!(!backup.home.exists());
    }
    fs::write(&backup.file, &good).unwrap();
    for wrong in ["", "Correct horse", "correct horse "] {
        let refused = backup.restore(wrong).await.unwrap_err();
        assert!(refused.to_string().contains("the passphrase is wrong"), "{refused}");
    }
    assert!(!backup.home.exists());
    backup.restore(PASSPHRASE).await.unwrap();
}

#[tokio::test]
async fn what_a_good_passphrase_opens_and_is_no_home_is_refused() {
    let store = full_home().await;
    let trigger = "CREATE TRIGGER evil AFTER INSERT ON inbox BEGIN DELETE FROM inbox; END";
    sqlx::query(trigger).execute(&store.pool).await.unwrap();
    let with_trigger = Backup::of(&store).await;
    sqlx::query("DROP TRIGGER evil").execute(&store.pool).await.unwrap();
    sqlx::query("DELETE FROM home").execute(&store.pool).await.unwrap();
    let nobodys = Backup::of(&store).await;
    for backup in [with_trigger, nobodys] {
        let refused = backup.restore(PASSPHRASE).await.unwrap_err();
        assert!(matches!(refused, BackupError::Unreadable(_)), "{refused}");
        assert_eq!(names(&backup.home), ["lock"], "there is no home");
    }
}

#[tokio::test]
async fn a_restored_home_takes_part_only_in_rounds_after_the_one_that_is_open() {
    let store = full_home().await;
    let backup = Backup::of(&store).await;
    let now = parameters().schedule(Round(70)).submit_from.plus(1);
    let restored =
        Store::restore_backup_at(&backup.file, PASSPHRASE, &backup.home, now).await.unwrap();
    let (last, _) = restored.last_round().await.unwrap().unwrap();
    assert_eq!(last, Round(70));
    for round in [69, 70] {
        assert_eq!(next(&restored, round, 0).await, None);
    }
    assert_eq!(next(&restored, 71, 0).await.unwrap().body, b"a secret text");
}

#[tokio::test]
async fn a_home_that_was_ahead_of_the_clock_takes_part_in_no_round_again() {
    let store = full_home().await;
    next(&store, 500, 0).await.unwrap();
    let backup = Backup::of(&store).await;
    let now = parameters().schedule(Round(70)).opens;
    let restored =
        Store::restore_backup_at(&backup.file, PASSPHRASE, &backup.home, now).await.unwrap();
    assert_eq!(restored.last_round().await.unwrap(), store.last_round().await.unwrap());
    assert_eq!(next(&restored, 499, 1).await, None);
    assert!(next(&restored, 501, 0).await.is_some(), "what was in a slot is due");
}

/// What is in the inbox of `who` since there were `before` messages in it.
async fn since(pair: &Pair, who: usize, before: usize) -> Vec<Vec<u8>> {
    pair.inbox(who).await.split_off(before)
}

/// Each message of `bodies` is in `inbox` once, and they are in their order.
#[track_caller]
fn once_and_in_order(inbox: &[Vec<u8>], bodies: &[Vec<u8>]) {
    let of_them: Vec<_> = inbox.iter().filter(|body| bodies.contains(body)).cloned().collect();
    assert_eq!(of_them, bodies);
}

fn bodies(kind: u8, count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|n| [kind, n].repeat(1 + usize::from(n) % 9)).collect()
}

/// Alice writes the first of the two lists, and Bob the second.
async fn write(pair: &Pair, lists: &[Vec<Vec<u8>>; 2]) -> Vec<(usize, MessageId)> {
    let mut ids = Vec::new();
    for (who, bodies) in lists.iter().enumerate() {
        for body in bodies {
            ids.push((who, pair.write(who, body).await));
        }
    }
    ids
}

#[tokio::test]
async fn everything_that_is_sent_after_a_restore_arrives_once_and_in_order_on_both_sides() {
    let mut seed = 1_u32;
    // How many rounds the backup is old, and whether all is lost that Alice sends in the last two.
    for (age, lost) in
        [(0, false), (1, false), (2, true), (3, false), (5, true), (9, false), (40, false)]
    {
        let mut pair = Pair::new().await;
        let before = [bodies(1, 7), bodies(2, 7)];
        let between = [bodies(3, 5), bodies(4, 5)];
        let after = [bodies(5, 12), bodies(6, 12)];
        write(&pair, &before).await;
        // Half of it is here.
        pair.rounds(9).await;
        let backup = pair.export(0).await;
        write(&pair, &between).await;
        for round in 0..age {
            let late = lost && round + 2 >= age;
            pair.round(|who| if late && who == 0 { Fate::Lost } else { Fate::Read(0) }).await;
        }
        // Alice's program and disk are gone in the midst of the round.
        pair.import(0, &backup).await;
        let ids = write(&pair, &after).await;
        for _ in 0..20 {
            pair.round(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                match seed >> 29 {
                    0 => Fate::Lost,
                    1 => Fate::Twice(3),
                    2 => Fate::NotTaken,
                    3 => Fate::Unknown,
                    n => Fate::Read(u64::from(n % 4)),
                }
            })
            .await;
        }
        pair.rounds(ENOUGH).await;

        let [at_alice, at_bob] = [pair.inbox(0).await, pair.inbox(1).await];
        for (inbox, from) in [(&at_alice, 1), (&at_bob, 0)] {
            once_and_in_order(inbox, &after[from]);
            let mut seen = inbox.clone();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), inbox.len(), "nothing comes twice");
        }
        // What Alice's backup has in the outbox arrives as well.
        once_and_in_order(&at_bob, &before[0]);
        for (who, id) in ids {
            assert_eq!(pair.delivery(who, id).await, Delivery::Delivered, "age {age}");
        }
        let outbox = pair.store(0).outbox().await.unwrap();
        assert!(outbox.iter().all(|message| message.delivery == Delivery::Delivered));
    }
}

#[tokio::test]
async fn nothing_that_was_not_acknowledged_is_lost_with_a_home() {
    let mut pair = Pair::new().await;
    let backup = pair.export(0).await;
    let bodies = bodies(1, 8);
    let mut ids = Vec::new();
    for body in &bodies {
        ids.push(pair.write(1, body).await);
    }
    pair.rounds(5).await;
    // What the lost home has acknowledged is lost with it, also if its contact hears of that later.
    for _ in 0..3 {
        pair.round(|who| if who == 0 { Fate::Lost } else { Fate::Read(0) }).await;
    }
    let mut left = Vec::new();
    for (id, body) in ids.iter().zip(&bodies) {
        if pair.delivery(1, *id).await != Delivery::Delivered {
            left.push(body.clone());
        }
    }
    assert!(!left.is_empty() && left.len() < bodies.len());
    pair.import(0, &backup).await;
    pair.rounds(ENOUGH).await;
    let inbox = pair.inbox(0).await;
    assert!(inbox.ends_with(&left), "{inbox:?} {left:?}");
}

/// Alice's home is lost while acknowledgements for it are under way, of as many fragments as her restored home sends.
async fn acknowledged_under_way(pair: &mut Pair, backup: &TempDir) {
    pair.import(0, backup).await;
    let new = pair.write(0, b"new").await;
    // Alice takes no part in the round that is open. In the next, what she sends is lost, and Bob, who has not heard
    // of her new stream, acknowledges what he has of the old one.
    pair.write(1, b"from bob").await;
    pair.rounds(1).await;
    pair.round(|who| if who == 0 { Fate::Lost } else { Fate::Read(0) }).await;
    let (here, there) = (pair.inbox(0).await.len(), pair.inbox(1).await.len());
    for _ in 0..3 {
        pair.round(|who| if who == 0 { Fate::Lost } else { Fate::Read(0) }).await;
    }
    assert_eq!(since(pair, 0, here).await, [b"from bob"], "it came with the acknowledgement");
    assert_ne!(pair.delivery(0, new).await, Delivery::Delivered);
    pair.rounds(ENOUGH).await;
    assert_eq!(since(pair, 1, there).await, [b"new"]);
    assert_eq!(pair.delivery(0, new).await, Delivery::Delivered);
}

#[tokio::test]
async fn an_acknowledgement_that_is_under_way_at_the_restore_is_not_believed() {
    // Of a stream that has begun since.
    let mut pair = Pair::new().await;
    pair.write(0, b"one").await;
    pair.rounds(ENOUGH).await;
    let backup = pair.export(0).await;
    pair.write(0, b"gone").await;
    pair.rounds(3).await;
    assert_eq!(pair.inbox(1).await, [&b"one"[..], b"gone"]);
    acknowledged_under_way(&mut pair, &backup).await;

    // Of the stream that was under way when the backup was made.
    let mut pair = Pair::new().await;
    pair.write(0, b"one").await;
    pair.round(|_| Fate::Lost).await;
    let backup = pair.export(0).await;
    pair.write(0, b"gone").await;
    pair.rounds(8).await;
    assert_eq!(pair.inbox(1).await, [&b"one"[..], b"gone"]);
    acknowledged_under_way(&mut pair, &backup).await;

    // Of the next one, which Alice has begun since as Bob had lost his home.
    let mut pair = Pair::new().await;
    let long = [b'x'; 12 * CHUNK];
    pair.write(0, &long).await;
    pair.rounds(5).await;
    let backup = pair.export(0).await;
    pair.lose(1).await;
    pair.write(0, b"gone").await;
    pair.rounds(30).await;
    assert_eq!(pair.inbox(1).await, [&long[..], b"gone"]);
    acknowledged_under_way(&mut pair, &backup).await;
}

#[tokio::test]
async fn contacts_are_told_what_a_restored_home_has_as_soon_as_it_takes_part() {
    let store = Store::in_memory(&alice(), &sample()).await.unwrap();
    store.add_contact(&bob(), None, NOW).await.unwrap();
    store.add_contact(&carol(), None, NOW).await.unwrap();
    complete(&store, &fragments(Some(bob()), 1, b"a", 1)[0]).await;
    assert!(next(&store, 9, 0).await.is_some(), "bob has been told");
    assert_eq!(next(&store, 9, 1).await, None);
    let backup = Backup::of(&store).await;
    let now = parameters().schedule(Round(70)).opens;
    let restored =
        Store::restore_backup_at(&backup.file, PASSPHRASE, &backup.home, now).await.unwrap();
    let told = next(&restored, 71, 0).await.unwrap();
    assert_eq!((told.draft().ack_stream, told.draft().ack), (5, 1));
    let to_carol = restored.assign(Round(71), &DIRECTORY, 1, &carol()).await.unwrap();
    assert_eq!(to_carol, None, "nothing has come from her");
}

#[tokio::test]
async fn a_backup_can_be_restored_again_and_again_and_on_both_sides() {
    let mut pair = Pair::new().await;
    pair.write(0, b"one").await;
    pair.write(1, b"eins").await;
    pair.rounds(4).await;
    let backups = [pair.export(0).await, pair.export(1).await];
    for n in 0..4_u8 {
        write(&pair, &[bodies(10 + n, 1), bodies(20 + n, 1)]).await;
        pair.rounds(3).await;
        pair.import(usize::from(n) % 2, &backups[usize::from(n) % 2]).await;
        let written = [bodies(30 + n, 2), bodies(40 + n, 2)];
        write(&pair, &written).await;
        pair.rounds(ENOUGH).await;
        for (who, written) in written.iter().enumerate() {
            once_and_in_order(&pair.inbox(1 - who).await, written);
        }
    }
}

#[tokio::test]
async fn a_contact_that_the_lost_home_has_added_gets_a_stream_of_its_own() {
    let mut pair = Pair::strangers().await;
    let backup = pair.export(0).await;
    pair.add(1).await;
    pair.add(0).await;
    pair.write(0, b"lost with the home, but it arrived").await;
    pair.rounds(ENOUGH).await;
    pair.import(0, &backup).await;
    let new = pair.write(0, b"hello again").await;
    pair.rounds(ENOUGH).await;
    assert_eq!(since(&pair, 1, 1).await, [b"hello again"]);
    assert_eq!(pair.delivery(0, new).await, Delivery::Delivered);
}
