//! Reading mailboxes out of the store, for clients and for mixers. Nothing of the database is held while a client is
//! sent to, and of a mailbox never more than a page is in memory.

use std::future::Future;

use zephyr_core::wire::{Bytes, DownloadRefusal, MailboxReply, encode};
use zephyr_core::{Mailbox, Round, message_digest};

use super::health::Health;
use crate::listen::{Close, Replies};
use crate::node::{Stats, stats};
use crate::store::{Mailboxes, Page, StoreError, StoredList};

/// Where the frames of a download go: [`Replies`], or a test.
pub(crate) trait Frames: Send {
    /// See [`Replies::send`].
    fn send(&mut self, frame: &[u8]) -> impl Future<Output = Result<(), Close>> + Send;
}

impl Frames for Replies<'_> {
    async fn send(&mut self, frame: &[u8]) -> Result<(), Close> {
        Replies::send(self, frame).await
    }
}

/// A store, and where it is noted how it does.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a, M> {
    pub(super) store: &'a M,
    pub(super) health: &'a Health,
    pub(super) stats: &'a Stats,
}

impl<M: Mailboxes> Reader<'_, M> {
    /// The lists of a mailbox in a round that is complete.
    pub(super) async fn lists(
        &self,
        round: Round,
        mailbox: Mailbox,
    ) -> Result<Vec<StoredList>, DownloadRefusal> {
        match self.store.lists(round, mailbox).await {
            // It has been pruned just now.
            Ok(lists) if lists.is_empty() => Err(DownloadRefusal::Gone),
            Ok(lists) => Ok(lists),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// Sends a whole mailbox, or why it can't be had.
    pub(super) async fn send(
        &self,
        lists: Result<Vec<StoredList>, DownloadRefusal>,
        reply: &mut impl Frames,
    ) -> Result<(), Close> {
        let lists = match lists {
            Ok(lists) => lists,
            Err(why) => return send(reply, &MailboxReply::Refused(why)).await,
        };
        let messages = lists.iter().fold(0u32, |sum, list| sum.saturating_add(list.messages));
        send(reply, &MailboxReply::Start { lists: lists.len() as u16, messages }).await?;
        for list in &lists {
            let (mixer, messages, signature) = (list.mixer, list.messages, Bytes(list.signature));
            send(reply, &MailboxReply::List { mixer, messages, signature }).await?;
            let mut sent = 0;
            while sent < list.messages {
                // Unreadable, or being pruned: the client sees that the mailbox is not whole.
                let page = self.page(list, sent, list.messages).await;
                let page = page.map_err(|_| Close::Refused)?;
                for message in page.iter() {
                    reply.send(message).await?;
                }
                sent += page.len() as u32;
            }
        }
        self.health.works();
        stats::add(&self.stats.downloads, 1);
        send(reply, &MailboxReply::End).await
    }

    /// Adds the hashes of `count` messages of a list, from the one with the number `from` on.
    pub(super) async fn hashes(
        &self,
        list: &StoredList,
        from: u32,
        count: u32,
        hashes: &mut Vec<u8>,
    ) -> Result<(), DownloadRefusal> {
        let end = list.messages.min(from.saturating_add(count));
        let mut first = from;
        while first < end {
            let page = self.page(list, first, end).await?;
            page.iter().for_each(|message| hashes.extend(message_digest(message)));
            first += page.len() as u32;
        }
        Ok(())
    }

    /// The messages of a list from the one with the number `first` on, as far as they are stored together and come before
    /// `end`: at least one.
    async fn page(&self, list: &StoredList, first: u32, end: u32) -> Result<Page, DownloadRefusal> {
        let place = list.first.saturating_add(first);
        let page = self.store.messages(list.upload, place, end - first).await;
        let page = page.map_err(|error| self.unavailable(&error))?;
        match page.is_empty() {
            false => Ok(page),
            true => Err(DownloadRefusal::Gone), // it is being pruned
        }
    }

    pub(super) fn unavailable(&self, error: &StoreError) -> DownloadRefusal {
        self.health.failed(error);
        DownloadRefusal::Unavailable
    }
}

async fn send(reply: &mut impl Frames, message: &MailboxReply) -> Result<(), Close> {
    let mut out = [0; 160];
    reply.send(encode(message, &mut out).expect("a reply is at most 138 bytes")).await
}
