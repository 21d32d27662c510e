//! A store in whichever database the URL names.

use zephyr_core::{Address, Mailbox, MixerIndex, Role, Round, ServerId};

use super::mailboxes::{Chunk, Mailboxes, Page, StoredList, StoredRound, UploadId};
use super::registrations::Registrations;
use super::{
    Database, PostgresMailboxes, PostgresRegistrations, SqliteMailboxes, SqliteRegistrations,
    StoreError,
};
use zephyr_machine::pkg::Registration;

/// Registrations in either database.
#[derive(Clone, Debug)]
pub enum SqlRegistrations {
    /// In SQLite.
    Sqlite(SqliteRegistrations),
    /// In PostgreSQL.
    Postgres(PostgresRegistrations),
}

/// Mailboxes in either database.
#[derive(Clone, Debug)]
pub enum SqlMailboxes {
    /// In SQLite.
    Sqlite(SqliteMailboxes),
    /// In PostgreSQL.
    Postgres(PostgresMailboxes),
}

/// Calls the same method of whichever store it is.
macro_rules! either {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            Self::Sqlite(store) => store.$method($($argument),*).await,
            Self::Postgres(store) => store.$method($($argument),*).await,
        }
    };
}

impl SqlRegistrations {
    /// Opens the database of the PKG `owner`, and brings its tables to this version.
    ///
    /// # Errors
    /// If it cannot be reached, opened or written, was made by a newer version, or is another PKG's.
    pub async fn open(database: &Database, owner: &ServerId) -> Result<Self, StoreError> {
        let store = match database.is_postgres() {
            true => Self::Postgres(PostgresRegistrations::open(database).await?),
            false => Self::Sqlite(SqliteRegistrations::open(&database.url).await?),
        };
        store.claim(owner).await?;
        Ok(store)
    }

    async fn claim(&self, owner: &ServerId) -> Result<(), StoreError> {
        let first = either!(self.claim(Role::Pkg, owner))?;
        belongs(owner, &first)
    }

    /// Closes the database when all that is under way is done.
    pub async fn close(&self) {
        either!(self.close())
    }
}

impl SqlMailboxes {
    /// Opens the database of the mailbox server `owner`, and brings its tables to this version.
    ///
    /// # Errors
    /// If it cannot be reached, opened or written, was made by a newer version, or is another server's.
    pub async fn open(database: &Database, owner: &ServerId) -> Result<Self, StoreError> {
        let store = match database.is_postgres() {
            true => Self::Postgres(PostgresMailboxes::open(database).await?),
            false => Self::Sqlite(SqliteMailboxes::open(&database.url).await?),
        };
        store.claim(owner).await?;
        Ok(store)
    }

    /// Opens the database of the mailbox server `owner` beside it, and changes nothing there.
    ///
    /// # Errors
    /// If it is not PostgreSQL's, cannot be reached or read, is of another version, or is another server's.
    pub async fn open_to_read(database: &Database, owner: &ServerId) -> Result<Self, StoreError> {
        if !database.is_postgres() {
            return Err(StoreError::NotShared);
        }
        let store = PostgresMailboxes::open_to_read(database).await?;
        belongs(owner, &store.owner().await?)?;
        Ok(Self::Postgres(store))
    }

    async fn claim(&self, owner: &ServerId) -> Result<(), StoreError> {
        let first = either!(self.claim(Role::Mailbox, owner))?;
        belongs(owner, &first)
    }

    /// Closes the database when all that is under way is done.
    pub async fn close(&self) {
        either!(self.close())
    }
}

fn belongs(server: &ServerId, owner: &[u8; 32]) -> Result<(), StoreError> {
    match server.as_bytes() == owner {
        true => Ok(()),
        false => Err(StoreError::Another),
    }
}

impl Registrations for SqlRegistrations {
    async fn load(&self, address: &Address) -> Result<Option<Registration>, StoreError> {
        either!(self.load(address))
    }

    async fn put(&self, address: &Address, registration: &Registration) -> Result<(), StoreError> {
        either!(self.put(address, registration))
    }

    async fn delete(&self, address: &Address) -> Result<(), StoreError> {
        either!(self.delete(address))
    }
}

impl Mailboxes for SqlMailboxes {
    async fn restore(&self) -> Result<Vec<StoredRound>, StoreError> {
        either!(self.restore())
    }

    async fn begin(
        &self,
        round: Round,
        directory: &[u8],
        mixer: MixerIndex,
    ) -> Result<UploadId, StoreError> {
        either!(self.begin(round, directory, mixer))
    }

    async fn append(&self, upload: UploadId, chunk: &Chunk) -> Result<bool, StoreError> {
        either!(self.append(upload, chunk))
    }

    async fn complete(
        &self,
        upload: UploadId,
        digest: &[u8; 32],
    ) -> Result<Option<[u8; 32]>, StoreError> {
        either!(self.complete(upload, digest))
    }

    async fn discard(&self, upload: UploadId) -> Result<(), StoreError> {
        either!(self.discard(upload))
    }

    async fn void(&self, round: Round) -> Result<(), StoreError> {
        either!(self.void(round))
    }

    async fn forget(&self, round: Round) -> Result<(), StoreError> {
        either!(self.forget(round))
    }

    async fn sweep(&self) -> Result<bool, StoreError> {
        either!(self.sweep())
    }

    async fn round(&self, round: Round) -> Result<Option<StoredRound>, StoreError> {
        either!(self.round(round))
    }

    async fn lists(&self, round: Round, mailbox: Mailbox) -> Result<Vec<StoredList>, StoreError> {
        either!(self.lists(round, mailbox))
    }

    async fn messages(&self, upload: UploadId, first: u32, limit: u32) -> Result<Page, StoreError> {
        either!(self.messages(upload, first, limit))
    }
}
