mod bench;
mod disk;

use zephyr_core::wire::{DownloadRefusal, decode};
use zephyr_core::{ListPart, Mailbox, MixerIndex};

use super::reader::Frames;
use super::upload::UploadError;
use crate::listen::Close;
use crate::net::BatchError;
use crate::testing::hash;
use bench::{Bench, ROUND, Sender};
use zephyr_machine::delivery::DeliveryError;
use zephyr_machine::mailbox::UploadRefusal;
use zephyr_machine::peer::{DeliveredReply, MAX_HASHES};

#[tokio::test]
async fn what_all_mixers_delivered_is_downloaded() {
    let bench = Bench::new().await;
    for mixer in [2, 0, 1] {
        assert_eq!(bench.download(0).await, Err(DownloadRefusal::NotYet));
        bench.upload(mixer, [usize::from(mixer) * 70, 1]).await.unwrap();
    }
    assert_eq!(bench.download(0).await.unwrap(), [(0, 0), (1, 70), (2, 140)]);
    assert_eq!(bench.download(2).await.unwrap(), [(0, 1), (1, 1), (2, 1)]);
    assert_eq!(bench.download(1).await, Err(DownloadRefusal::NotHere));
    let stats = bench.server.stats.snapshot();
    assert_eq!((stats.messages_stored, stats.downloads), (213, 2));
}

#[tokio::test]
async fn mixers_are_told_the_hashes_of_what_was_delivered_page_by_page() {
    let bench = Bench::new().await;
    let list = |mixer, from| bench.server.delivered(ROUND, Mailbox(0), MixerIndex(mixer), from);
    let refused = |why| zephyr_machine::peer::encode(&DeliveredReply::Refused(why));
    bench.upload(0, [70, 1]).await.unwrap();
    assert_eq!(list(0, 0).await, refused(DownloadRefusal::NotYet));
    bench.upload(1, [2_100, 0]).await.unwrap();
    bench.upload(2, [0, 3]).await.unwrap();
    for (mixer, messages) in [(0, 70), (1, 2_100), (2, 0)] {
        let mut signed = ListPart::digests();
        let signature = loop {
            let page = list(mixer, signed.count()).await;
            let Ok(DeliveredReply::Page { messages: all, signature, hashes }) = decode(&page)
            else {
                panic!("a page")
            };
            assert_eq!(all, messages);
            assert!(hashes.len() <= 32 * MAX_HASHES);
            hashes.as_chunks().0.iter().for_each(|hash| signed.push_part(hash));
            if signed.count() == messages {
                break signature;
            }
        };
        assert!(bench.has_signed(mixer, 0, &signed, &signature.0));
    }
    assert_eq!(list(3, 0).await, refused(DownloadRefusal::NotHere));
    let Ok(DeliveredReply::Page { hashes: [], .. }) = decode(&list(0, u32::MAX).await) else {
        panic!("an empty page")
    };
}

#[tokio::test]
async fn ten_thousand_messages_come_and_go() {
    let bench = Bench::new().await;
    bench.upload(0, [10_000, 64]).await.unwrap();
    bench.upload(1, [63, 65]).await.unwrap();
    bench.upload(2, [0, 0]).await.unwrap();
    assert_eq!(bench.download(0).await.unwrap(), [(0, 10_000), (1, 63), (2, 0)]);
    assert_eq!(bench.download(2).await.unwrap(), [(0, 64), (1, 65), (2, 0)]);
}

#[tokio::test]
async fn the_same_upload_again_is_acknowledged_and_another_refused() {
    let bench = Bench::new().await;
    bench.upload_all([3, 4]).await;
    bench.upload(1, [3, 4]).await.unwrap();
    let other = bench.upload(1, [3, 5]).await;
    assert!(matches!(other, Err(UploadError::Refused(UploadRefusal::Another))), "{other:?}");
    assert_eq!(bench.download(0).await.unwrap(), [(0, 3), (1, 3), (2, 3)]);
    assert_eq!(bench.server.stats.snapshot().messages_stored, 21);
}

#[tokio::test]
async fn the_same_upload_twice_at_once_is_kept_once_and_both_acknowledged() {
    let bench = Bench::new().await;
    bench.upload(0, [0, 0]).await.unwrap();
    bench.upload(2, [0, 0]).await.unwrap();
    let (one, two) = tokio::join!(bench.upload(1, [300, 4]), bench.upload(1, [300, 4]));
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    assert_eq!(bench.download(0).await.unwrap(), [(0, 0), (1, 300), (2, 0)]);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_and_can_be_sent_again() {
    let bench = Bench::new().await;
    for cut in [0, 1, 1_500, 3_001] {
        let mut sender = Sender::of(&bench.delivery(1, [2_999, 0]));
        sender.items.truncate(cut);
        sender.breaks_off = true;
        let broken = bench.receive(1, sender).await;
        assert!(matches!(broken, Err(UploadError::Batch(BatchError::Lost(_)))), "{broken:?}");
    }
    assert!(bench.is_empty_when_clean().await);
    bench.upload_all([5, 0]).await;
    assert_eq!(bench.download(0).await.unwrap(), [(0, 5), (1, 5), (2, 5)]);
}

#[tokio::test]
async fn a_dropped_upload_leaves_nothing() {
    let bench = Bench::new().await;
    {
        let upload = bench.upload(1, [3_000, 0]);
        tokio::select! {
            biased;
            () = async { for _ in 0..2_500 { tokio::task::yield_now().await } } => {}
            _ = upload => panic!("it takes more steps"),
        }
    }
    assert!(bench.is_empty_when_clean().await);
    bench.upload(1, [1, 1]).await.unwrap();
}

#[tokio::test]
async fn a_changed_message_is_found_by_the_signature() {
    let bench = Bench::new().await;
    let mut sender = Sender::of(&bench.delivery(1, [3, 3]));
    sender.items[2][50] ^= 1;
    let error = bench.receive(1, sender).await;
    let signature = UploadError::Delivery(DeliveryError::Signature);
    assert_eq!(error.unwrap_err().to_string(), signature.to_string());
    // Signed by another mixer than the one that sends it.
    let error = bench.receive(0, Sender::of(&bench.delivery(1, [3, 3]))).await;
    assert_eq!(error.unwrap_err().to_string(), signature.to_string());
    assert!(bench.is_empty_when_clean().await);
}

#[tokio::test]
async fn a_missing_or_foreign_mailbox_is_refused() {
    let bench = Bench::new().await;
    let mut short = Sender::of(&bench.delivery(1, [3, 3]));
    short.items.truncate(4);
    let error = bench.receive(1, short).await.unwrap_err();
    assert!(matches!(error, UploadError::Delivery(DeliveryError::Incomplete)), "{error}");
    let mut foreign = Sender::of(&bench.delivery(1, [3, 3]));
    foreign.items[0][3] = 1;
    let error = bench.receive(1, foreign).await.unwrap_err();
    assert!(matches!(error, UploadError::Delivery(DeliveryError::OutOfPlace)), "{error}");
    assert!(bench.is_empty_when_clean().await);
}

#[tokio::test]
async fn only_the_rounds_directory_and_its_mixers_count() {
    let bench = Bench::new().await;
    let other = bench.paper.directory(ROUND, &[0, 1, 2]);
    let sender = Sender::of(&bench.paper.delivery(&other, 1, [1, 1]));
    let error = bench.server.receive(MixerIndex(1), ROUND, hash(&other).as_bytes(), sender).await;
    let error = error.unwrap_err();
    assert!(matches!(error, UploadError::Refused(UploadRefusal::NotHere)), "{error}");
    // The header names the right directory, the lists are signed for the other.
    let error = bench.receive(1, Sender::of(&bench.paper.delivery(&other, 1, [1, 1]))).await;
    let error = error.unwrap_err();
    assert!(matches!(error, UploadError::Delivery(DeliveryError::Signature)), "{error}");
    let error = bench.receive(9, Sender::of(&bench.delivery(1, [1, 1]))).await.unwrap_err();
    assert!(matches!(error, UploadError::Refused(UploadRefusal::NotHere)), "{error}");
}

#[tokio::test]
async fn more_messages_than_allowed_are_refused_before_they_come() {
    let mut bench = Bench::new().await;
    bench.server.max_messages = 10;
    let mut sender = Sender::of(&bench.delivery(1, [4, 7]));
    // The second head already says too much; nothing behind it is read.
    sender.items.truncate(6);
    sender.breaks_off = true;
    let error = bench.receive(1, sender).await.unwrap_err();
    assert!(matches!(error, UploadError::TooLarge), "{error}");
    bench.upload(1, [4, 6]).await.unwrap();
}

#[tokio::test]
async fn a_round_given_up_is_deleted_and_takes_nothing_more() {
    let bench = Bench::new().await;
    bench.upload(0, [10, 10]).await.unwrap();
    assert!(bench.server.void(MixerIndex(2), ROUND));
    assert_eq!(bench.download(0).await, Err(DownloadRefusal::Gone));
    assert!(bench.is_empty_when_clean().await);
    let error = bench.upload(1, [1, 1]).await.unwrap_err();
    assert!(matches!(error, UploadError::Refused(UploadRefusal::NotUnderWay)), "{error}");
}

#[tokio::test]
async fn a_round_given_up_in_the_middle_of_an_upload_does_not_take_it() {
    for cleaned in [false, true] {
        let bench = Bench::new().await;
        let give_up = async {
            for _ in 0..1_500 {
                tokio::task::yield_now().await;
            }
            assert!(bench.server.void(MixerIndex(2), ROUND));
            if cleaned {
                bench.server.clean().await;
            }
        };
        let (error, ()) = tokio::join!(bench.upload(1, [3_000, 0]), give_up);
        let error = error.unwrap_err();
        assert!(matches!(error, UploadError::Refused(UploadRefusal::NotUnderWay)), "{error}");
        assert!(bench.is_empty_when_clean().await);
    }
}

#[tokio::test]
async fn old_rounds_are_pruned() {
    let bench = Bench::new().await;
    bench.upload_all([10, 10]).await;
    let closes = bench.paper.schedule(ROUND).closes;
    bench.server.tick(closes);
    bench.server.clean().await;
    assert_eq!(bench.download(0).await.unwrap().len(), 3);
    bench.server.tick(closes.plus(2_001));
    bench.server.clean().await;
    assert_eq!(bench.download(0).await, Err(DownloadRefusal::Gone));
    assert!(bench.is_empty_when_clean().await);
}

#[tokio::test]
async fn a_front_answers_from_the_store_what_the_server_answers() {
    let bench = Bench::new().await;
    let now = bench.paper.schedule(ROUND).submit_until;
    let both = async |mailbox| {
        let answer = bench.download(mailbox).await;
        assert_eq!(bench.download_from_front(mailbox, now).await, answer);
        answer
    };
    for mixer in [2, 0, 1] {
        assert_eq!(both(0).await, Err(DownloadRefusal::NotYet));
        bench.upload(mixer, [100, 1]).await.unwrap();
    }
    assert_eq!(both(0).await.unwrap(), [(0, 100), (1, 100), (2, 100)]);
    assert_eq!(both(1).await, Err(DownloadRefusal::NotHere));
    let over = bench.paper.schedule(ROUND).closes.plus(2_001);
    bench.server.tick(over);
    assert_eq!(bench.download_from_front(0, over).await, Err(DownloadRefusal::Gone));
    assert_eq!(bench.download(0).await, Err(DownloadRefusal::Gone));

    let void = Bench::new().await;
    for mixer in [0, 1] {
        void.upload(mixer, [3, 3]).await.unwrap();
    }
    assert!(void.server.void(MixerIndex(2), ROUND));
    void.server.clean().await;
    assert_eq!(void.download(0).await, Err(DownloadRefusal::Gone));
    assert_eq!(void.download_from_front(0, now).await, Err(DownloadRefusal::Gone));
    // The server knows it also when it starts again.
    let Bench { paper, directory, server } = void;
    let void = Bench::again(paper, directory, server.store).await;
    assert_eq!(void.download(0).await, Err(DownloadRefusal::Gone));
}

/// A client that stops taking frames for as long as it is told.
struct Slow<'a> {
    frames: u32,
    stopped: Option<tokio::sync::oneshot::Sender<()>>,
    go_on: &'a mut tokio::sync::oneshot::Receiver<()>,
}

impl Frames for Slow<'_> {
    async fn send(&mut self, _frame: &[u8]) -> Result<(), Close> {
        self.frames += 1;
        if self.frames == 10 {
            self.stopped.take().unwrap().send(()).unwrap();
            (&mut *self.go_on).await.unwrap();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_slow_client_holds_up_nobody() {
    // In memory there is one connection to the database, for all.
    let bench = Bench::new().await;
    bench.upload_all([100, 10]).await;
    let (stopped, has_stopped) = tokio::sync::oneshot::channel();
    let (go, mut go_on) = tokio::sync::oneshot::channel();
    let mut slow = Slow { frames: 0, stopped: Some(stopped), go_on: &mut go_on };
    let meanwhile = async {
        has_stopped.await.unwrap();
        bench.upload(1, [100, 10]).await.unwrap();
        assert_eq!(bench.download(2).await.unwrap(), [(0, 10), (1, 10), (2, 10)]);
        bench.server.clean().await;
        go.send(()).unwrap();
    };
    let (sent, ()) = tokio::join!(bench.server.download(ROUND, Mailbox(0), &mut slow), meanwhile);
    sent.unwrap();
    assert_eq!(slow.frames, 1 + 3 + 300 + 1);
}

#[tokio::test]
async fn a_download_that_pruning_overtakes_ends_early() {
    let bench = Bench::new().await;
    bench.upload_all([100, 10]).await;
    let (stopped, has_stopped) = tokio::sync::oneshot::channel();
    let (go, mut go_on) = tokio::sync::oneshot::channel();
    let mut slow = Slow { frames: 0, stopped: Some(stopped), go_on: &mut go_on };
    let meanwhile = async {
        has_stopped.await.unwrap();
        bench.server.tick(bench.paper.schedule(ROUND).closes.plus(60_000));
        bench.server.clean().await;
        go.send(()).unwrap();
    };
    let (sent, ()) = tokio::join!(bench.server.download(ROUND, Mailbox(0), &mut slow), meanwhile);
    assert!(matches!(sent, Err(Close::Refused)), "{sent:?}");
}
