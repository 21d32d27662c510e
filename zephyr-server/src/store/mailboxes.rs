//! The rounds' sealed messages.

use std::future::Future;

use zephyr_core::{LIST_SIGNATURE_SIZE, Mailbox, MixerIndex, Round};

use super::StoreError;
use zephyr_machine::batch::Batch;

/// How a store names an upload: what one mixer delivers in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadId(pub i64);

/// What is stored of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRound {
    /// The round.
    pub round: Round,
    /// Its directory with signatures, as it was given to [`Mailboxes::begin`]; `None` if the round is void.
    pub directory: Option<Vec<u8>>,
    /// The mixers whose uploads are complete, with the digests of their signed lists.
    pub delivered: Vec<(MixerIndex, [u8; 32])>,
}

/// A mixer's signed list for one mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredList {
    /// The upload that it is part of.
    pub upload: UploadId,
    /// The mixer.
    pub mixer: MixerIndex,
    /// The place of its first message in the upload.
    pub first: u32,
    /// How many messages it has.
    pub messages: u32,
    /// The mixer's signature under it.
    pub signature: [u8; LIST_SIGNATURE_SIZE],
}

/// A piece of an upload.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The lists that begin in it: mailbox, place of the first message, number of messages, signature.
    pub lists: Vec<(Mailbox, u32, u32, [u8; LIST_SIGNATURE_SIZE])>,
    /// The place of its first message in the upload.
    pub first: u32,
    /// Its messages.
    pub messages: Batch,
}

/// Messages that follow each other, all of one length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    length: usize,
    bytes: Vec<u8>,
}

impl Page {
    /// Messages of `length` bytes, one behind the other; `None` if they are not.
    pub(super) fn new(length: usize, bytes: Vec<u8>) -> Option<Self> {
        let whole = length > 0 && bytes.len().is_multiple_of(length);
        whole.then_some(Self { length, bytes })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The messages in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.length.max(1))
    }
}

/// Where a mailbox server keeps what mixers deliver.
///
/// An upload is invisible until it is complete, and writes in small transactions, so that a slow mixer holds up
/// nobody. What is complete, void or forgotten when a method returns stays so after a crash; of an upload that is still
/// coming nothing has to. A method whose future is dropped has either happened or not.
pub trait Mailboxes: Send + Sync + 'static {
    /// What was there when the program ended, in the order of the rounds. Uploads that were still coming then are
    /// discarded: call it before anything else.
    fn restore(&self) -> impl Future<Output = Result<Vec<StoredRound>, StoreError>> + Send;

    /// Begins an upload, which stays invisible until [`Mailboxes::complete`]. In a void round it is discarded already.
    fn begin(
        &self,
        round: Round,
        directory: &[u8],
        mixer: MixerIndex,
    ) -> impl Future<Output = Result<UploadId, StoreError>> + Send;

    /// Adds a piece to an upload that is still coming; `false` if it was discarded meanwhile.
    fn append(
        &self,
        upload: UploadId,
        chunk: &Chunk,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Makes an upload visible, if it is the mixer's first complete one in the round, and else discards it. Returns
    /// the digest of the one that is visible now; `None` if this upload was discarded meanwhile.
    fn complete(
        &self,
        upload: UploadId,
        digest: &[u8; 32],
    ) -> impl Future<Output = Result<Option<[u8; 32]>, StoreError>> + Send;

    /// Discards an upload, unless it is complete.
    fn discard(&self, upload: UploadId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Discards all of a round at once, and remembers that it is void.
    fn void(&self, round: Round) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Discards all of a round at once, also that it is void.
    fn forget(&self, round: Round) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes some of what was discarded; `false` if nothing is left of it.
    fn sweep(&self) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What is stored of a round.
    fn round(
        &self,
        round: Round,
    ) -> impl Future<Output = Result<Option<StoredRound>, StoreError>> + Send;

    /// The lists of a mailbox in the complete uploads of a round, in ascending order of their mixers.
    fn lists(
        &self,
        round: Round,
        mailbox: Mailbox,
    ) -> impl Future<Output = Result<Vec<StoredList>, StoreError>> + Send;

    /// Messages of an upload from the place `first` on, `limit` at most: as many as are stored together, so that whoever
    /// reads on from page to page reads everything once. None if there is none at `first`.
    fn messages(
        &self,
        upload: UploadId,
        first: u32,
        limit: u32,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;
}
