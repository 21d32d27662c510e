//! A mailbox server with fake mixers and clients.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zephyr_core::wire::{DownloadRefusal, MailboxReply, decode};
use zephyr_core::{
    LIST_SIGNATURE_SIZE, ListPart, Mailbox, MixerIndex, Role, Round, RouteMode, UnixMs,
};

use super::super::front::FrontServer;
use super::super::reader::Frames;
use super::super::server::MailboxServer;
use super::super::upload::{Items, UploadError};
use crate::listen::Close;
use crate::net::BatchError;
use crate::node::{Native, Stats};
use crate::store::{Mailboxes, SqliteMailboxes};
use crate::testing::{Paper, hash, id};
use zephyr_machine::batch::Batch;

pub(super) const ROUND: Round = Round(10);

pub(super) struct Bench {
    pub(super) paper: Paper,
    pub(super) directory: Vec<u8>,
    pub(super) server: MailboxServer<Native, SqliteMailboxes>,
}

impl Bench {
    /// A server in memory whose round has opened and whose directory has come; three mixers deliver.
    pub(super) async fn new() -> Self {
        Self::on(SqliteMailboxes::open("sqlite::memory:").await.unwrap()).await
    }

    pub(super) async fn on(store: SqliteMailboxes) -> Self {
        let paper = Paper::new(RouteMode::Rotations);
        let directory = paper.directory(ROUND, &[0, 1, 2]);
        Self::again(paper, directory, store).await
    }

    /// The server is started (again), and told the directory.
    pub(super) async fn again(paper: Paper, directory: Vec<u8>, store: SqliteMailboxes) -> Self {
        let now = paper.schedule(ROUND).submit_until;
        let stats = Arc::new(Stats::default());
        let server =
            MailboxServer::open(paper.manifest.clone(), id(Role::Mailbox, 0), store, stats, now);
        let server = server.await.unwrap();
        server.agreed(ROUND, &directory);
        Self { paper, directory, server }
    }

    pub(super) fn delivery(&self, mixer: u16, counts: [usize; 2]) -> Batch {
        self.paper.delivery(&self.directory, mixer, counts)
    }

    /// `mixer` sends these items; fails if they are not acknowledged exactly when there is no error.
    pub(super) async fn receive(&self, mixer: u16, items: Sender) -> Result<(), UploadError> {
        let hash = hash(&self.directory);
        let acknowledged = items.acknowledged.clone();
        let received = self.server.receive(MixerIndex(mixer), ROUND, hash.as_bytes(), items).await;
        assert_eq!(acknowledged.load(Ordering::Relaxed), received.is_ok());
        received
    }

    pub(super) async fn upload(&self, mixer: u16, counts: [usize; 2]) -> Result<(), UploadError> {
        self.receive(mixer, Sender::of(&self.delivery(mixer, counts))).await
    }

    pub(super) async fn upload_all(&self, counts: [usize; 2]) {
        for mixer in [2, 0, 1] {
            self.upload(mixer, counts).await.unwrap();
        }
    }

    /// What a client gets: the number of messages of each mixer, all signatures checked.
    pub(super) async fn download(&self, mailbox: u32) -> Result<Vec<(u16, u32)>, DownloadRefusal> {
        let mut frames = Collected::default();
        self.server.download(ROUND, Mailbox(mailbox), &mut frames).await.unwrap();
        self.check(mailbox, &frames.0)
    }

    /// What a client gets from a new front at `now`.
    pub(super) async fn download_from_front(
        &self,
        mailbox: u32,
        now: UnixMs,
    ) -> Result<Vec<(u16, u32)>, DownloadRefusal> {
        let (manifest, stats) = (self.paper.manifest.clone(), Arc::default());
        let store = self.server.store.clone();
        let front = FrontServer::new(manifest, id(Role::Mailbox, 0), store, stats);
        let mut frames = Collected::default();
        front.download(ROUND, Mailbox(mailbox), now, &mut frames).await.unwrap();
        self.check(mailbox, &frames.0)
    }

    fn check(&self, mailbox: u32, frames: &[Vec<u8>]) -> Result<Vec<(u16, u32)>, DownloadRefusal> {
        let mut frames = frames.iter();
        let mut next = || decode::<MailboxReply>(frames.next().unwrap()).unwrap();
        let (lists, total) = match next() {
            MailboxReply::Start { lists, messages } => (lists, messages),
            MailboxReply::Refused(why) => return Err(why),
            other => panic!("{other:?}"),
        };
        let mut counts = Vec::new();
        for _ in 0..lists {
            let MailboxReply::List { mixer, messages, signature } =
                decode(frames.next().unwrap()).unwrap()
            else {
                panic!("not a list");
            };
            let mut parts = [ListPart::digests(), ListPart::heads()];
            for message in frames.by_ref().take(messages as usize) {
                parts.iter_mut().for_each(|part| part.push(message));
            }
            assert!(parts.iter().all(|p| self.has_signed(mixer.0, mailbox, p, &signature.0)));
            counts.push((mixer.0, messages));
        }
        assert_eq!(decode(frames.next().unwrap()), Ok(MailboxReply::End));
        assert_eq!(frames.next(), None);
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u32>(), total);
        Ok(counts)
    }

    pub(super) fn has_signed(
        &self,
        mixer: u16,
        mailbox: u32,
        list: &ListPart,
        signature: &[u8; LIST_SIGNATURE_SIZE],
    ) -> bool {
        let manifest = self.paper.manifest.get();
        let id = manifest.server(Role::Mixer, mixer.into()).unwrap().id;
        let directory = hash(&self.directory);
        list.verify::<Native>(&id, &directory, MixerIndex(mixer), Mailbox(mailbox), signature)
    }

    /// Cleans until nothing is left to do, and says whether the store has anything of the round then.
    pub(super) async fn is_empty_when_clean(&self) -> bool {
        self.server.clean().await;
        while self.server.store.sweep().await.unwrap() {}
        // The first upload of a test has the number 1.
        let uploads = (1..=20).map(crate::store::UploadId);
        for upload in uploads {
            if !self.server.store.messages(upload, 0, 1).await.unwrap().is_empty() {
                return false;
            }
        }
        true
    }
}

/// A mixer that sends items and then ends, or breaks off.
pub(super) struct Sender {
    pub(super) items: Vec<Vec<u8>>,
    next: usize,
    pub(super) breaks_off: bool,
    pub(super) acknowledged: Arc<AtomicBool>,
}

impl Sender {
    pub(super) fn of(batch: &Batch) -> Self {
        Self {
            items: batch.iter().map(<[u8]>::to_vec).collect(),
            next: 0,
            breaks_off: false,
            acknowledged: Arc::default(),
        }
    }
}

impl Items for Sender {
    async fn announced(&mut self) -> Result<usize, BatchError> {
        match self.items.len() - self.next {
            0 if self.breaks_off => Err(BatchError::Lost(io::ErrorKind::UnexpectedEof.into())),
            left => Ok(left.min(3)),
        }
    }

    async fn read(&mut self, items: &mut [u8]) -> Result<(), BatchError> {
        let coming = self.items[self.next..].iter();
        for (item, bytes) in items.chunks_exact_mut(self.items[0].len()).zip(coming) {
            tokio::task::yield_now().await;
            item.copy_from_slice(bytes);
            self.next += 1;
        }
        Ok(())
    }

    async fn acknowledge(self) -> Result<(), BatchError> {
        self.acknowledged.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// A client that takes everything at once.
#[derive(Default)]
pub(super) struct Collected(pub(super) Vec<Vec<u8>>);

impl Frames for Collected {
    async fn send(&mut self, frame: &[u8]) -> Result<(), Close> {
        self.0.push(frame.to_vec());
        Ok(())
    }
}
