//! What every backend must do.

use zephyr_core::{Address, ClientKey, Mailbox, MixerIndex, Round, UnixMs};

use super::{Chunk, Mailboxes, Registrations, StoreError, StoredList, StoredRound, UploadId};
use zephyr_machine::batch::Batch;
use zephyr_machine::pkg::{Registration, Replacement};

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

/// A piece of an upload: `count` messages from the place `first` on, in a list for mailbox 0 (if it is the first
/// piece, and as long as that piece).
pub fn chunk(first: u32, count: u32) -> Chunk {
    let mut messages = Batch::new(100);
    for place in first..first + count {
        messages.push_zeros()[..4].copy_from_slice(&place.to_be_bytes());
    }
    let list = (Mailbox(0), first, count, [3; 128]);
    Chunk { lists: if first == 0 { vec![list] } else { Vec::new() }, first, messages }
}

/// The numbers of the messages of an upload at `limit` places from `first` on, as far as they are there: page by page.
pub async fn read(
    store: &impl Mailboxes,
    upload: UploadId,
    first: u32,
    limit: u32,
) -> Result<Vec<u32>, StoreError> {
    let mut numbers = Vec::new();
    loop {
        let read = numbers.len() as u32;
        let page = store.messages(upload, first.saturating_add(read), limit - read).await?;
        if page.is_empty() {
            return Ok(numbers);
        }
        numbers.extend(page.iter().map(|m| u32::from_be_bytes(m[..4].try_into().unwrap())));
    }
}

/// Runs the suite on stores that `open` opens, each empty.
pub async fn mailboxes<M: Mailboxes>(mut open: impl AsyncFnMut() -> M) {
    an_upload_is_seen_when_it_is_complete(open().await).await;
    the_first_complete_upload_of_a_mixer_stays(open().await).await;
    a_discarded_upload_takes_nothing_more(open().await).await;
    a_forgotten_round_is_gone_at_once_and_swept_in_steps(open().await).await;
    a_void_round_stays_known_until_it_is_forgotten(open().await).await;
    many_uploads_come_side_by_side(open().await).await;
    one_of_two_uploads_that_become_complete_at_once_stays(open().await).await;
}

const MIXER: MixerIndex = MixerIndex(2);

async fn an_upload_is_seen_when_it_is_complete(store: impl Mailboxes) {
    assert_eq!(store.restore().await.unwrap(), []);
    let upload = store.begin(Round(7), b"directory", MIXER).await.unwrap();
    let mut piece = chunk(0, 5);
    piece.lists.push((Mailbox(4), 5, u32::MAX, [4; 128]));
    assert!(store.append(upload, &piece).await.unwrap());
    assert!(store.append(upload, &chunk(5, 2_000)).await.unwrap());
    assert_eq!(store.lists(Round(7), Mailbox(0)).await.unwrap(), []);
    assert_eq!(store.complete(upload, &[6; 32]).await.unwrap(), Some([6; 32]));

    let first = StoredList { upload, mixer: MIXER, first: 0, messages: 5, signature: [3; 128] };
    assert_eq!(store.lists(Round(7), Mailbox(0)).await.unwrap(), [first]);
    let second = StoredList { first: 5, messages: u32::MAX, signature: [4; 128], ..first };
    assert_eq!(store.lists(Round(7), Mailbox(4)).await.unwrap(), [second]);
    assert_eq!(store.lists(Round(7), Mailbox(1)).await.unwrap(), []);
    assert_eq!(store.lists(Round(8), Mailbox(0)).await.unwrap(), []);
    let places = async |first, limit| read(&store, upload, first, limit).await.unwrap();
    assert_eq!(places(3, 4).await, [3, 4, 5, 6]);
    assert_eq!(places(0, u32::MAX).await, (0..2_005).collect::<Vec<_>>());
    assert_eq!(places(400, 500).await, (400..900).collect::<Vec<_>>());
    assert_eq!(places(2_003, 64).await, [2_003, 2_004]);
    assert_eq!(places(2_005, 64).await, []);
    assert_eq!(places(u32::MAX, 64).await, []);
    let page = store.messages(upload, 0, u32::MAX).await.unwrap();
    assert_eq!(page.len(), 5, "a page ends where a piece did");
    let restored = store.restore().await.unwrap();
    let delivered = vec![(MIXER, [6; 32])];
    let directory = Some(b"directory".to_vec());
    assert_eq!(restored, [StoredRound { round: Round(7), directory, delivered }]);
    assert_eq!(store.round(Round(7)).await.unwrap().as_ref(), restored.first());
    assert_eq!(store.round(Round(8)).await.unwrap(), None);
    assert!(!store.sweep().await.unwrap());
}

async fn the_first_complete_upload_of_a_mixer_stays(store: impl Mailboxes) {
    let mut uploads = Vec::new();
    for _ in 0..3 {
        let upload = store.begin(Round(1), b"", MIXER).await.unwrap();
        store.append(upload, &chunk(0, 1)).await.unwrap();
        uploads.push(upload);
    }
    assert_eq!(store.complete(uploads[1], &[1; 32]).await.unwrap(), Some([1; 32]));
    assert_eq!(store.complete(uploads[0], &[0; 32]).await.unwrap(), Some([1; 32]));
    assert_eq!(store.complete(uploads[0], &[0; 32]).await.unwrap(), None, "it was discarded");
    store.discard(uploads[1]).await.unwrap();
    store.discard(uploads[2]).await.unwrap();
    while store.sweep().await.unwrap() {}
    let lists = store.lists(Round(1), Mailbox(0)).await.unwrap();
    assert_eq!(lists.iter().map(|list| list.upload).collect::<Vec<_>>(), [uploads[1]]);
    assert_eq!(read(&store, uploads[0], 0, 1).await.unwrap().len(), 0);
    assert_eq!(read(&store, uploads[1], 0, 1).await.unwrap().len(), 1);
}

async fn a_discarded_upload_takes_nothing_more(store: impl Mailboxes) {
    let upload = store.begin(Round(1), b"", MIXER).await.unwrap();
    store.discard(upload).await.unwrap();
    assert!(!store.append(upload, &chunk(0, 1)).await.unwrap());
    assert_eq!(store.complete(upload, &[1; 32]).await.unwrap(), None);
    assert_eq!(store.lists(Round(1), Mailbox(0)).await.unwrap(), []);
}

async fn a_forgotten_round_is_gone_at_once_and_swept_in_steps(store: impl Mailboxes) {
    let whole = store.begin(Round(1), b"one", MIXER).await.unwrap();
    let coming = store.begin(Round(1), b"one", MIXER).await.unwrap();
    let later = store.begin(Round(2), b"two", MIXER).await.unwrap();
    for upload in [whole, coming, later] {
        store.append(upload, &chunk(0, 600)).await.unwrap();
    }
    store.complete(whole, &[1; 32]).await.unwrap();
    store.complete(later, &[2; 32]).await.unwrap();
    store.forget(Round(1)).await.unwrap();
    assert_eq!(store.lists(Round(1), Mailbox(0)).await.unwrap(), []);
    assert!(!store.append(coming, &chunk(600, 1)).await.unwrap());
    let rounds = store.restore().await.unwrap();
    assert_eq!(rounds.iter().map(|r| r.round).collect::<Vec<_>>(), [Round(2)]);
    let mut steps = 0;
    while store.sweep().await.unwrap() {
        steps += 1;
    }
    assert!(steps >= 2, "1,200 messages in {steps} steps");
    for upload in [whole, coming] {
        assert_eq!(read(&store, upload, 0, 600).await.unwrap().len(), 0);
    }
    assert_eq!(read(&store, later, 0, 600).await.unwrap().len(), 600);
    // The round's number can be used again, with another directory.
    store.begin(Round(1), b"new", MIXER).await.unwrap();
    let directory = store.round(Round(1)).await.unwrap().unwrap().directory;
    assert_eq!(directory.as_deref(), Some(&b"new"[..]));
}

async fn a_void_round_stays_known_until_it_is_forgotten(store: impl Mailboxes) {
    let whole = store.begin(Round(1), b"one", MIXER).await.unwrap();
    store.append(whole, &chunk(0, 5)).await.unwrap();
    store.complete(whole, &[1; 32]).await.unwrap();
    let coming = store.begin(Round(1), b"one", MIXER).await.unwrap();
    // The second is void before anything of it has come.
    for round in [1, 2, 1].map(Round) {
        store.void(round).await.unwrap();
        let void = StoredRound { round, directory: None, delivered: Vec::new() };
        assert_eq!(store.round(round).await.unwrap(), Some(void));
        assert_eq!(store.lists(round, Mailbox(0)).await.unwrap(), []);
    }
    assert!(!store.append(coming, &chunk(0, 1)).await.unwrap());
    let late = store.begin(Round(1), b"one", MIXER).await.unwrap();
    assert!(!store.append(late, &chunk(0, 1)).await.unwrap());
    assert_eq!(store.complete(late, &[1; 32]).await.unwrap(), None);
    while store.sweep().await.unwrap() {}
    assert_eq!(read(&store, whole, 0, 5).await.unwrap().len(), 0);
    let restored = store.restore().await.unwrap();
    assert!(restored.iter().map(|stored| stored.round).eq([Round(1), Round(2)]));
    for round in [1, 2].map(Round) {
        store.forget(round).await.unwrap();
        assert_eq!(store.round(round).await.unwrap(), None);
    }
}

async fn one_of_two_uploads_that_become_complete_at_once_stays(store: impl Mailboxes) {
    for round in (0..20).map(Round) {
        let mut uploads = Vec::new();
        for _ in 0..3 {
            uploads.push(store.begin(round, b"", MIXER).await.unwrap());
        }
        let digest = |i: usize| [i as u8; 32];
        let complete = async |i: usize| store.complete(uploads[i], &digest(i)).await.unwrap();
        let (a, b, c) = tokio::join!(complete(0), complete(1), complete(2));
        assert!(a.is_some() && a == b && b == c, "{a:?} {b:?} {c:?}");
        assert_eq!(store.round(round).await.unwrap().unwrap().delivered, [(MIXER, a.unwrap())]);
    }
}

async fn many_uploads_come_side_by_side(store: impl Mailboxes) {
    let store = &store;
    let uploads = (0..8).map(|mixer| async move {
        let upload = store.begin(Round(1), b"", MixerIndex(mixer)).await.unwrap();
        for i in 0..10 {
            assert!(store.append(upload, &chunk(i * 20, 20)).await.unwrap());
        }
        store.complete(upload, &[mixer as u8; 32]).await.unwrap()
    });
    let digests = futures::future::join_all(uploads).await;
    assert_eq!(digests, [0, 1, 2, 3, 4, 5, 6, 7].map(|mixer| Some([mixer; 32])));
    let mixers = store.lists(Round(1), Mailbox(0)).await.unwrap();
    assert!(mixers.iter().map(|list| list.mixer.0).eq(0..8));
}
