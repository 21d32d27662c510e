//! Mailboxes in PostgreSQL.

mod transactions;

use zephyr_core::{Mailbox, MixerIndex, Role, Round, ServerId};

use super::attempts::attempt;
use super::{Pools, open, open_to_read};
use crate::store::mailboxes::{Chunk, Mailboxes, Page, StoredList, StoredRound, UploadId};
use crate::store::{Database, StoreError, sql::mailboxes as sql};

/// Mailboxes in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresMailboxes(Pools);

impl PostgresMailboxes {
    /// Connects to the database and brings its tables to this version.
    ///
    /// # Errors
    /// If it cannot be reached or written, or was made by a newer version.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        open(database).await.map(Self)
    }

    /// Connects to a database that a mailbox server of this version fills, and changes nothing there.
    ///
    /// # Errors
    /// If it cannot be reached or read, or is of another version.
    pub async fn open_to_read(database: &Database) -> Result<Self, StoreError> {
        open_to_read(database).await.map(Self)
    }

    pub(in crate::store) async fn owner(&self) -> Result<[u8; 32], StoreError> {
        self.0.owner(Role::Mailbox).await
    }

    pub(in crate::store) async fn claim(
        &self,
        role: Role,
        server: &ServerId,
    ) -> Result<[u8; 32], StoreError> {
        self.0.claim(role, server).await
    }

    /// Closes the connections when all that is under way is done.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl Mailboxes for PostgresMailboxes {
    async fn restore(&self) -> Result<Vec<StoredRound>, StoreError> {
        attempt!(self.0.restore())
    }

    async fn begin(
        &self,
        round: Round,
        directory: &[u8],
        mixer: MixerIndex,
    ) -> Result<UploadId, StoreError> {
        attempt!(self.0.begin(round, directory, mixer))
    }

    async fn append(&self, upload: UploadId, chunk: &Chunk) -> Result<bool, StoreError> {
        attempt!(self.0.append(upload, chunk))
    }

    async fn complete(
        &self,
        upload: UploadId,
        digest: &[u8; 32],
    ) -> Result<Option<[u8; 32]>, StoreError> {
        attempt!(self.0.complete(upload, digest))
    }

    async fn discard(&self, upload: UploadId) -> Result<(), StoreError> {
        attempt!(self.0.discard(upload))
    }

    async fn void(&self, round: Round) -> Result<(), StoreError> {
        attempt!(self.0.end(round, sql::VOID))
    }

    async fn forget(&self, round: Round) -> Result<(), StoreError> {
        attempt!(self.0.end(round, sql::DELETE_ROUND))
    }

    async fn sweep(&self) -> Result<bool, StoreError> {
        attempt!(self.0.sweep())
    }

    async fn round(&self, round: Round) -> Result<Option<StoredRound>, StoreError> {
        attempt!(self.0.round(round))
    }

    async fn lists(&self, round: Round, mailbox: Mailbox) -> Result<Vec<StoredList>, StoreError> {
        attempt!(self.0.lists(round, mailbox))
    }

    async fn messages(&self, upload: UploadId, first: u32, limit: u32) -> Result<Page, StoreError> {
        attempt!(self.0.messages(upload, first, limit))
    }
}
