//! Taking what a mixer delivers.

use std::future::Future;

use sha2::{Digest, Sha256};
use zephyr_core::{Geometry, MixerIndex, Role, Round, Suite};

use super::server::MailboxServer;
use crate::net::{BatchError, BatchReader};
use crate::node::stats;
use crate::store::{Chunk, Mailboxes, StoreError, UploadId};
use zephyr_machine::batch::Batch;
use zephyr_machine::delivery::{DeliveryError, Item, Unpack, item_len};
use zephyr_machine::mailbox::UploadRefusal;

/// How many bytes of messages go into the database at a time.
const CHUNK_BYTES: usize = 512 * 1024;
/// How many messages or lists go into the database at a time.
const CHUNK_ROWS: usize = 1024;

/// Where the items of an upload come from: a [`BatchReader`], or a test.
pub(crate) trait Items: Send {
    /// See [`BatchReader::next_item`].
    fn next_item(
        &mut self,
        item: &mut [u8],
    ) -> impl Future<Output = Result<Option<()>, BatchError>> + Send;

    /// Tells the sender that the upload is stored.
    fn acknowledge(self) -> impl Future<Output = Result<(), BatchError>> + Send;
}

impl Items for BatchReader {
    async fn next_item(&mut self, item: &mut [u8]) -> Result<Option<()>, BatchError> {
        BatchReader::next_item(self, item).await
    }

    async fn acknowledge(self) -> Result<(), BatchError> {
        BatchReader::acknowledge(self, &[]).await
    }
}

/// Why an upload was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] UploadRefusal),
    /// It has more messages than the server keeps.
    #[error("the mixer delivers more messages than this server keeps")]
    TooLarge,
    /// It is not what such an upload must be.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// It did not come through.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: Suite, M: Mailboxes> MailboxServer<S, M> {
    /// Takes what the mixer `from` delivers in a round whose directory hashes to `directory`, and acknowledges it when
    /// all of it is stored: at once if the same has come before. May be dropped at any time.
    ///
    /// # Errors
    /// It was not acknowledged, and the mixer tries again or gives the round up. Nothing of it is seen by anybody.
    pub(crate) async fn receive(
        &self,
        from: MixerIndex,
        round: Round,
        directory: &[u8; 32],
        items: impl Items,
    ) -> Result<(), UploadError> {
        let received = self.try_receive(from, round, directory, items).await;
        if let Err(UploadError::Store(error)) = &received {
            self.writes.failed(error);
        }
        received
    }

    async fn try_receive(
        &self,
        from: MixerIndex,
        round: Round,
        directory: &[u8; 32],
        mut items: impl Items,
    ) -> Result<(), UploadError> {
        let expected = self.machine().expects(round, from, directory)?;
        let (id, geometry) = {
            let manifest = self.manifest.at(round);
            let server = manifest.server(Role::Mixer, from.0.into());
            (server.ok_or(UploadRefusal::NotHere)?.id, manifest.parameters().geometry)
        };
        let mailboxes = self.machine().mailboxes(round);
        let mut unpack = Unpack::<S>::new(mailboxes, &expected.hash, from, &id);
        let mut intake = Intake::new(geometry, self.max_messages);
        let mut item = vec![0; item_len(geometry)];

        if let Some(before) = expected.before {
            while items.next_item(&mut item).await?.is_some() {
                intake.take(unpack.next(&item)?)?;
                intake.clear();
            }
            unpack.finish()?;
            if intake.digest() != before {
                return Err(UploadRefusal::Another.into());
            }
            return Ok(items.acknowledge().await?);
        }

        let upload = self.store.begin(round, &expected.directory, from).await?;
        let mut staged = Staged { server: self, upload: Some(upload) };
        while items.next_item(&mut item).await?.is_some() {
            intake.take(unpack.next(&item)?)?;
            if intake.is_full() {
                self.append(upload, &mut intake).await?;
            }
        }
        unpack.finish()?;
        self.append(upload, &mut intake).await?;
        self.machine().expects(round, from, directory)?;

        let (messages, digest) = (intake.count, intake.digest());
        let visible = self.store.complete(upload, &digest).await?;
        staged.upload = None;
        let visible = visible.ok_or(UploadRefusal::NotUnderWay)?;
        self.machine().delivered(round, from, visible)?;
        if visible != digest {
            return Err(UploadRefusal::Another.into());
        }
        self.writes.works();
        stats::add(&self.stats.messages_stored, messages as usize);
        Ok(items.acknowledge().await?)
    }

    async fn append(&self, upload: UploadId, intake: &mut Intake) -> Result<(), UploadError> {
        if !self.store.append(upload, &intake.chunk).await? {
            return Err(UploadRefusal::NotUnderWay.into());
        }
        intake.clear();
        Ok(())
    }
}

/// An upload on its way into the store; dropped before it is complete, it is discarded at the next cleaning.
struct Staged<'a, S: Suite, M: Mailboxes> {
    server: &'a MailboxServer<S, M>,
    upload: Option<UploadId>,
}

impl<S: Suite, M: Mailboxes> Drop for Staged<'_, S, M> {
    fn drop(&mut self) {
        self.server.abandoned().extend(self.upload);
    }
}

/// Gathers checked items for the store.
struct Intake {
    chunk: Chunk,
    /// How many messages have come.
    count: u32,
    /// How many the lists so far promise.
    promised: u64,
    max_messages: u32,
    lists: Sha256,
}

impl Intake {
    fn new(geometry: Geometry, max_messages: u32) -> Self {
        let messages = Batch::new(geometry.sealed_len());
        let chunk = Chunk { lists: Vec::new(), first: 0, messages };
        Self { chunk, count: 0, promised: 0, max_messages, lists: Sha256::new() }
    }

    fn take(&mut self, item: Item<'_>) -> Result<(), UploadError> {
        match item {
            Item::Head(head) => {
                self.promised += u64::from(head.messages);
                if self.promised > self.max_messages.into() {
                    return Err(UploadError::TooLarge);
                }
                self.lists.update(head.mailbox.0.to_be_bytes());
                self.lists.update(head.messages.to_be_bytes());
                self.lists.update(head.signature);
                let list = (head.mailbox, self.count, head.messages, head.signature);
                self.chunk.lists.push(list);
            }
            Item::Message(message) => {
                self.chunk.messages.push(message);
                self.count += 1;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        let messages = self.chunk.messages.len();
        messages * self.chunk.messages.item_len() >= CHUNK_BYTES
            || messages.max(self.chunk.lists.len()) >= CHUNK_ROWS
    }

    fn clear(&mut self) {
        self.chunk.lists.clear();
        self.chunk.first = self.count;
        self.chunk.messages = Batch::new(self.chunk.messages.item_len());
    }

    /// What tells this upload from any other: every list is signed, so the lists name every message.
    fn digest(&self) -> [u8; 32] {
        self.lists.clone().finalize().into()
    }
}
