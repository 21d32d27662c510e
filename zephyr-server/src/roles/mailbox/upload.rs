//! Taking what a mixer delivers.

use std::future::Future;

use futures::future::try_join;
use sha2::{Digest, Sha256};
use zephyr_core::{Geometry, MixerIndex, Role, Round, Suite};

use super::server::MailboxServer;
use crate::net::{BatchError, BatchReader};
use crate::node::stats;
use crate::store::{Chunk, Mailboxes, StoreError, UploadId};
use zephyr_machine::batch::Batch;
use zephyr_machine::delivery::{DeliveryError, Item, Unpack, item_len};
use zephyr_machine::mailbox::UploadRefusal;

/// How many bytes of items are read at a time.
const BLOCK_BYTES: usize = 64 * 1024;
/// How many bytes of messages go into the database at a time.
const CHUNK_BYTES: usize = 512 * 1024;
/// How many messages or lists go into the database at a time.
const CHUNK_ROWS: usize = 1024;

/// Where the items of an upload come from: a [`BatchReader`], or a test.
pub(crate) trait Items: Send {
    /// See [`BatchReader::announced`].
    fn announced(&mut self) -> impl Future<Output = Result<usize, BatchError>> + Send;

    /// See [`BatchReader::read`].
    fn read(&mut self, items: &mut [u8]) -> impl Future<Output = Result<(), BatchError>> + Send;

    /// Tells the sender that the upload is stored.
    fn acknowledge(self) -> impl Future<Output = Result<(), BatchError>> + Send;
}

impl Items for BatchReader {
    async fn announced(&mut self) -> Result<usize, BatchError> {
        BatchReader::announced(self).await
    }

    async fn read(&mut self, items: &mut [u8]) -> Result<(), BatchError> {
        BatchReader::read(self, items).await
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
        let unpack = Unpack::<S>::new(mailboxes, &expected.hash, from, &id);
        let mut intake = Intake::new(unpack, geometry, self.max_messages);

        if let Some(before) = expected.before {
            while intake.fill(&mut items).await? {
                intake.take_chunk();
            }
            if intake.finish()?.1 != before {
                return Err(UploadRefusal::Another.into());
            }
            return Ok(items.acknowledge().await?);
        }

        let upload = self.store.begin(round, &expected.directory, from).await?;
        let mut staged = Staged { server: self, upload: Some(upload) };
        let mut more = intake.fill(&mut items).await?;
        while more {
            // The next chunk comes while this one goes into the database.
            let chunk = intake.take_chunk();
            (more, ()) = try_join(intake.fill(&mut items), self.append(upload, &chunk)).await?;
        }
        self.append(upload, &intake.take_chunk()).await?;
        let (messages, digest) = intake.finish()?;
        self.machine().expects(round, from, directory)?;

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

    async fn append(&self, upload: UploadId, chunk: &Chunk) -> Result<(), UploadError> {
        match self.store.append(upload, chunk).await? {
            true => Ok(()),
            false => Err(UploadRefusal::NotUnderWay.into()),
        }
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

/// Checks what comes, and gathers it for the store.
struct Intake<'a, S: Suite> {
    unpack: Unpack<'a, S>,
    /// Items as they come.
    block: Vec<u8>,
    item_len: usize,
    chunk: Chunk,
    /// How many messages have come.
    count: u32,
    /// How many the lists so far promise.
    promised: u64,
    max_messages: u32,
    lists: Sha256,
}

impl<'a, S: Suite> Intake<'a, S> {
    fn new(unpack: Unpack<'a, S>, geometry: Geometry, max_messages: u32) -> Self {
        let messages = Batch::new(geometry.sealed_len());
        let chunk = Chunk { lists: Vec::new(), first: 0, messages };
        let (block, item_len) = (Vec::new(), item_len(geometry));
        let lists = Sha256::new();
        Self { unpack, block, item_len, chunk, count: 0, promised: 0, max_messages, lists }
    }

    /// Fills a chunk; whether there may be more than it holds.
    async fn fill(&mut self, items: &mut impl Items) -> Result<bool, UploadError> {
        while !self.is_full() {
            let most = (BLOCK_BYTES / self.item_len).max(1);
            let count = items.announced().await?.min(most);
            if count == 0 {
                return Ok(false);
            }
            let mut block = std::mem::take(&mut self.block);
            block.resize(count * self.item_len, 0);
            items.read(&mut block).await?;
            block.chunks_exact(self.item_len).try_for_each(|item| self.take(item))?;
            self.block = block;
        }
        Ok(true)
    }

    fn take(&mut self, item: &[u8]) -> Result<(), UploadError> {
        match self.unpack.next(item)? {
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

    fn take_chunk(&mut self) -> Chunk {
        let messages = Batch::new(self.chunk.messages.item_len());
        let next = Chunk { lists: Vec::new(), first: self.count, messages };
        std::mem::replace(&mut self.chunk, next)
    }

    /// How many messages have come, and what tells this upload from any other: every list is signed, so the lists name
    /// every message.
    ///
    /// # Errors
    /// If something is missing.
    fn finish(self) -> Result<(u32, [u8; 32]), UploadError> {
        self.unpack.finish()?;
        Ok((self.count, self.lists.finalize().into()))
    }
}
