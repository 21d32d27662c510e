//! What every backend must do.

use zephyr_core::{Address, ClientKey, UnixMs};

use super::Registrations;
use crate::machine::pkg::{Registration, Replacement};

const KEY: ClientKey = ClientKey::from_bytes([0xff; 32]);
const NEXT: ClientKey = ClientKey::from_bytes([0; 32]);

/// Runs the suite on stores that `open` opens, each empty.
pub async fn registrations<R: Registrations>(mut open: impl AsyncFnMut() -> R) {
    what_is_put_is_loaded(open().await).await;
    a_put_replaces_the_whole_registration(open().await).await;
    addresses_are_apart(open().await).await;
    concurrent_puts_leave_one_of_them_whole(open().await).await;
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("a test's address")
}

async fn what_is_put_is_loaded(store: impl Registrations) {
    let bob = address("bob@example.org");
    assert_eq!(store.load(&bob).await.unwrap(), None);
    store.delete(&bob).await.unwrap();
    for from in [0, 1, 1_700_000_000_000, i64::MAX as u64] {
        let replacement = Some(Replacement { key: NEXT, from: UnixMs(from) });
        let registration = Registration { key: KEY, since: UnixMs(from), replacement };
        store.put(&bob, &registration).await.unwrap();
        assert_eq!(store.load(&bob).await.unwrap(), Some(registration));
    }
}

async fn a_put_replaces_the_whole_registration(store: impl Registrations) {
    let bob = address("bob@example.org");
    let replacement = Some(Replacement { key: NEXT, from: UnixMs(9) });
    let waiting = Registration { key: KEY, since: UnixMs(1), replacement };
    store.put(&bob, &waiting).await.unwrap();
    let settled = Registration::new(NEXT, UnixMs(9));
    store.put(&bob, &settled).await.unwrap();
    assert_eq!(store.load(&bob).await.unwrap(), Some(settled));
    store.delete(&bob).await.unwrap();
    assert_eq!(store.load(&bob).await.unwrap(), None);
}

async fn addresses_are_apart(store: impl Registrations) {
    let longest = format!("{}@{}.example.org", "a".repeat(64), "b".repeat(63));
    let texts =
        ["o'brien@example.org", "%@example.org", "_@example.org", "a@example.org", &longest];
    for (i, text) in texts.iter().enumerate() {
        let registration = Registration::new(KEY, UnixMs(i as u64));
        store.put(&address(text), &registration).await.unwrap();
    }
    store.delete(&address(texts[1])).await.unwrap();
    for (i, text) in texts.iter().enumerate() {
        let expected = (i != 1).then(|| Registration::new(KEY, UnixMs(i as u64)));
        assert_eq!(store.load(&address(text)).await.unwrap(), expected, "{text}");
    }
}

async fn concurrent_puts_leave_one_of_them_whole(store: impl Registrations) {
    let bob = address("bob@example.org");
    let each: Vec<_> = (0..16u8)
        .map(|i| {
            let key = ClientKey::from_bytes([i; 32]);
            let replacement = Some(Replacement { key, from: UnixMs(i.into()) });
            Registration { key, since: UnixMs(i.into()), replacement }
        })
        .collect();
    let puts = each.iter().map(|registration| store.put(&bob, registration));
    for put in futures::future::join_all(puts).await {
        put.unwrap();
    }
    let left = store.load(&bob).await.unwrap().expect("sixteen were put");
    assert!(each.contains(&left));
}
