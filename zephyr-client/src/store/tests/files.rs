//! What only homes in files do: they are opened again, by one program at a time, for one person alone.

use std::path::Path;

use tempfile::TempDir;
use zephyr_core::{Content, Round};

use super::super::*;
use super::conformance::{DIRECTORY, NOW, carol, fragments, next, receive};
use crate::testing::{advanced, alice, bob, network, parameters, sample};

#[tokio::test]
async fn a_home_goes_on_where_its_program_was_killed() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), &alice(), &sample()).await.unwrap();
    store.enqueue(&bob(), Content::File, b"abcdef", 3, NOW).await.unwrap();
    next(&store, 9, 0).await.unwrap();
    let part = fragments(Some(carol()), 1, b"abcdef", 3);
    receive(&store, &part[0]).await;
    let seed = store.home().seed().clone();
    drop(store);

    let store = Store::open(dir.path()).await.unwrap();
    assert_eq!(*store.home().seed(), seed);
    assert_eq!(store.home().network(), sample());
    assert_eq!(store.last_round().await.unwrap(), Some((Round(9), DIRECTORY)));
    assert_eq!(store.requeue_unsent().await.unwrap(), 1);
    assert_eq!(next(&store, 10, 0).await.unwrap().body, b"abc");
    assert!(matches!(receive(&store, &part[1]).await, Receipt::Complete));
}

#[tokio::test]
async fn a_home_is_one_programs_at_a_time() {
    let dir = TempDir::new().unwrap();
    let store = Store::create(dir.path(), &alice(), &sample()).await.unwrap();
    let second = Store::open(dir.path()).await.unwrap_err();
    assert!(matches!(second, StoreError::InUse(_)), "{second}");
    assert!(second.to_string().contains("another zephyr program"));
    store.close().await;
    Store::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_home_is_for_one_address_in_one_network() {
    let dir = TempDir::new().unwrap();
    let missing = Store::open(dir.path()).await.unwrap_err();
    assert!(matches!(missing, StoreError::NoHome(_)));
    drop(Store::create(dir.path(), &alice(), &sample()).await.unwrap());
    drop(Store::create(dir.path(), &alice(), &sample()).await.unwrap());
    let other = Store::create(dir.path(), &bob(), &sample()).await.unwrap_err();
    assert!(matches!(other, StoreError::OtherAddress(_)));
    let elsewhere = network(&parameters(), |_| "elsewhere:1".into());
    let other = Store::create(dir.path(), &alice(), &elsewhere).await.unwrap_err();
    assert!(matches!(other, StoreError::OtherNetwork));
}

#[tokio::test]
async fn a_home_goes_on_with_the_versions_of_its_network() {
    let dir = TempDir::new().unwrap();
    let (first, second) = (sample(), advanced(&sample(), 100));
    let third = advanced(&second, 200);
    let signed: Vec<_> = third.updates().map(<[u8]>::to_vec).collect();
    let store = Store::create(dir.path(), &alice(), &first).await.unwrap();
    assert!(!store.add_version(&signed[1]).await.unwrap(), "a version is missing between");
    assert!(!store.add_version(b"nonsense").await.unwrap());
    assert_eq!(store.home().network(), first);
    assert!(store.add_version(&signed[0]).await.unwrap());
    assert!(!store.add_version(&signed[0]).await.unwrap(), "it is known already");
    assert_eq!(store.home().network(), second);
    drop(store);
    // An older file of the same network does no harm, and a newer one brings what is new.
    drop(Store::create(dir.path(), &alice(), &first).await.unwrap());
    assert_eq!(Store::open(dir.path()).await.unwrap().home().network(), second);
    drop(Store::create(dir.path(), &alice(), &third).await.unwrap());
    assert_eq!(Store::open(dir.path()).await.unwrap().home().network(), third);
    // The servers signed two versions behind the first: this home stays with what it has.
    let split = advanced(&first, 101);
    let other = Store::create(dir.path(), &alice(), &split).await.unwrap_err();
    assert!(matches!(other, StoreError::OtherNetwork));
    let new = Store::in_memory(&alice(), &third).await.unwrap();
    assert_eq!(new.home().network(), third);
}

#[tokio::test]
async fn a_damaged_home_is_said_clearly() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("zephyr.db"), [0x5a; 8_192]).unwrap();
    let damaged = Store::open(dir.path()).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged), "{damaged:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_home_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let dir = TempDir::new().unwrap();
    let home = dir.path().join("home");
    let store = Store::create(&home, &alice(), &sample()).await.unwrap();
    store.enqueue(&bob(), Content::Text, b"hi", 10, NOW).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    for entry in std::fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
