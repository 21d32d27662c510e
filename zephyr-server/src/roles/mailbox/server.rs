//! A mailbox server without its sockets: the rules and the database together.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zephyr_core::{Directory, MixerIndex, Round, ServerId, Suite, UnixMs};

use super::health::Health;
use super::reader::Reader;
use crate::node::Stats;
use crate::store::{Mailboxes, StoreError, UploadId};
use zephyr_machine::SharedManifest;
use zephyr_machine::mailbox::{Chore, MailboxMachine};

/// The most messages that one mixer may deliver to this server in one round, unless told otherwise.
pub(crate) const MAX_MESSAGES: u32 = 1_000_000;
/// How many steps of deleting follow each other before others have their turn.
const SWEEPS: usize = 16;

/// Takes deliveries and answers downloads. Cheap to share in an `Arc`.
///
/// 1. [`open`](Self::open) it.
/// 2. Tell it the [directories](Self::agreed) and what mixers [give up](Self::void), and the time, often:
///    [`tick`](Self::tick), then [`clean`](Self::clean).
/// 3. Hand it uploads and downloads, any number side by side.
pub(crate) struct MailboxServer<S, M> {
    pub(super) manifest: SharedManifest,
    pub(super) machine: Mutex<MailboxMachine>,
    pub(super) store: M,
    pub(super) stats: Arc<Stats>,
    pub(super) max_messages: u32,
    pub(super) writes: Health,
    pub(super) reads: Health,
    /// Uploads that ended before they were complete, not yet discarded in the store.
    abandoned: Mutex<Vec<UploadId>>,
    suite: PhantomData<fn() -> S>,
}

impl<S: Suite, M: Mailboxes> MailboxServer<S, M> {
    /// The mailbox server with this identity, with what its store still has of rounds that are under way.
    ///
    /// # Errors
    /// If the store can't be read or written.
    pub(crate) async fn open(
        manifest: SharedManifest,
        id: ServerId,
        store: M,
        stats: Arc<Stats>,
        now: UnixMs,
    ) -> Result<Self, StoreError> {
        let mut machine = MailboxMachine::new(manifest.clone(), id, now);
        for stored in store.restore().await? {
            let round = stored.round;
            let Some(directory) = stored.directory else {
                machine.restore_void(round);
                continue;
            };
            let ours = Directory::parse(&directory).is_ok_and(|d| {
                d.round() == round && d.verify::<S>(&manifest.at(round), false).is_ok()
            });
            if ours {
                machine.restore(round, &directory, stored.delivered);
            } else {
                store.forget(round).await?;
            }
        }
        let server = Self {
            manifest,
            machine: Mutex::new(machine),
            store,
            stats,
            max_messages: MAX_MESSAGES,
            writes: Health::new("written"),
            reads: Health::new("read"),
            abandoned: Mutex::default(),
            suite: PhantomData,
        };
        server.do_chores().await?;
        Ok(server)
    }

    /// Whether the round's directory has been told, or no longer matters.
    pub(crate) fn knows(&self, round: Round) -> bool {
        self.machine().knows(round)
    }

    /// The round's directory is agreed on: `directory` has been verified, with all its signatures.
    pub(crate) fn agreed(&self, round: Round, directory: &[u8]) {
        self.machine().agree(round, directory);
    }

    /// The mixer `from` has given the round up. Returns whether the round is void since now.
    pub(crate) fn void(&self, from: MixerIndex, round: Round) -> bool {
        self.machine().void(from, round)
    }

    /// It is `now`.
    pub(crate) fn tick(&self, now: UnixMs) {
        self.machine().advance(now);
    }

    /// Deletes some of what is no longer needed, in small steps. What fails is tried again next time.
    pub(crate) async fn clean(&self) {
        if let Err(error) = self.try_clean().await {
            self.writes.failed(&error);
        }
    }

    async fn try_clean(&self) -> Result<(), StoreError> {
        self.do_chores().await?;
        loop {
            let Some(upload) = self.abandoned().last().copied() else { break };
            self.store.discard(upload).await?;
            self.abandoned().retain(|other| *other != upload);
        }
        for _ in 0..SWEEPS {
            if !self.store.sweep().await? {
                break;
            }
        }
        Ok(())
    }

    async fn do_chores(&self) -> Result<(), StoreError> {
        loop {
            let Some(chore) = self.machine().chore() else { return Ok(()) };
            match chore {
                Chore::Void(round) => self.store.void(round).await?,
                Chore::Forget(round) => self.store.forget(round).await?,
            }
            self.machine().done(chore);
        }
    }

    /// What gives out what is in the store.
    pub(super) fn reader(&self) -> Reader<'_, M> {
        Reader { store: &self.store, health: &self.reads, stats: &self.stats }
    }

    pub(super) fn machine(&self) -> MutexGuard<'_, MailboxMachine> {
        // The rules do not panic; if they did, refusing everybody from then on would help nobody.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn abandoned(&self) -> MutexGuard<'_, Vec<UploadId>> {
        self.abandoned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
