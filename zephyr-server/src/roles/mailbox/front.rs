//! A front: answers downloads from the mailbox server's database, beside it or in its place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zephyr_core::wire::{DownloadRefusal, MailboxRequest, WireError, decode};
use zephyr_core::{Mailbox, MixerIndex, Round, ServerId, UnixMs};

use super::health::Health;
use super::reader::{Frames, Reader};
use crate::listen::{Close, Handler, PeerInfo, Replies};
use crate::node::{Stats, context};
use crate::store::{Mailboxes, StoredList};
use zephyr_machine::SharedManifest;
use zephyr_machine::mailbox::{FrontMachine, Look};

/// Answers downloads out of a store that a mailbox server fills. Any number may stand side by side.
pub(crate) struct FrontServer<M> {
    machine: Mutex<FrontMachine>,
    store: M,
    reads: Health,
    stats: Arc<Stats>,
}

impl<M: Mailboxes> FrontServer<M> {
    /// A front of the mailbox server with this identity.
    pub(crate) fn new(manifest: SharedManifest, id: ServerId, store: M, stats: Arc<Stats>) -> Self {
        let machine = Mutex::new(FrontMachine::new(manifest, id));
        Self { machine, store, reads: Health::new("read"), stats }
    }

    /// Sends a whole mailbox, or why it can't be had, as the mailbox server itself does.
    ///
    /// # Errors
    /// The connection is of no more use: the client has gone, or the database broke in the middle.
    pub(crate) async fn download(
        &self,
        round: Round,
        mailbox: Mailbox,
        now: UnixMs,
        reply: &mut impl Frames,
    ) -> Result<(), Close> {
        self.reader().send(self.find(round, mailbox, now).await, reply).await
    }

    async fn find(
        &self,
        round: Round,
        mailbox: Mailbox,
        now: UnixMs,
    ) -> Result<Vec<StoredList>, DownloadRefusal> {
        let look = self.machine().download(round, mailbox, now);
        match look {
            Look::Give => {}
            Look::Ask => self.ask(round, now).await?,
            Look::Refuse(why) => return Err(why),
        }
        self.reader().lists(round, mailbox).await
    }

    async fn ask(&self, round: Round, now: UnixMs) -> Result<(), DownloadRefusal> {
        let stored = self.store.round(round).await;
        let stored = stored.map_err(|error| self.reader().unavailable(&error))?;
        let stored = stored.map(|stored| {
            let mixers: Vec<MixerIndex> =
                stored.delivered.iter().map(|(mixer, _)| *mixer).collect();
            (stored.directory, mixers)
        });
        let found = stored.as_ref().map(|(directory, mixers)| (directory.as_deref(), &mixers[..]));
        self.machine().found(round, found, now)
    }

    fn reader(&self) -> Reader<'_, M> {
        Reader { store: &self.store, health: &self.reads, stats: &self.stats }
    }

    fn machine(&self) -> MutexGuard<'_, FrontMachine> {
        // The rules do not panic; if they did, refusing everybody from then on would help nobody.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Mailboxes> Handler for FrontServer<M> {
    async fn handle(
        &self,
        _peer: &PeerInfo,
        request: &[u8],
        reply: &mut Replies<'_>,
    ) -> Result<(), Close> {
        let request = decode(request).map_err(|_: WireError| Close::Malformed)?;
        let MailboxRequest::Download { round, mailbox } = request;
        self.download(round, mailbox, context::now(), reply).await
    }
}
