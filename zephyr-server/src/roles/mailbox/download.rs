//! Giving clients their mailboxes, and mixers what they check them by.

use std::future::Future;

use zephyr_core::wire::{Bytes, DownloadRefusal, MailboxReply, encode};
use zephyr_core::{Mailbox, MixerIndex, Round, Suite, message_digest};

use super::server::MailboxServer;
use crate::listen::{Close, Replies};
use crate::node::stats;
use crate::store::{Mailboxes, StoredList};
use zephyr_machine::peer::{self, DeliveredReply, MAX_HASHES};

/// How many messages are read at a time.
const PAGE: u32 = 64;

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

impl<S: Suite, M: Mailboxes> MailboxServer<S, M> {
    /// Sends a whole mailbox, or why it can't be had. A slow client holds up nobody: nothing of the database is held
    /// while it is sent to.
    ///
    /// # Errors
    /// The connection is of no more use: the client has gone, or the database broke in the middle.
    pub(crate) async fn download(
        &self,
        round: Round,
        mailbox: Mailbox,
        reply: &mut impl Frames,
    ) -> Result<(), Close> {
        match self.find(round, mailbox).await {
            Ok(lists) => self.send_lists(&lists, reply).await,
            Err(why) => send(reply, &MailboxReply::Refused(why)).await,
        }
    }

    async fn find(
        &self,
        round: Round,
        mailbox: Mailbox,
    ) -> Result<Vec<StoredList>, DownloadRefusal> {
        self.machine().download(round, mailbox)?;
        match self.store.lists(round, mailbox).await {
            // It has been pruned just now.
            Ok(lists) if lists.is_empty() => Err(DownloadRefusal::Gone),
            Ok(lists) => Ok(lists),
            Err(error) => {
                self.reads.failed(&error);
                Err(DownloadRefusal::Unavailable)
            }
        }
    }

    /// The hashes of what `mixer` has delivered to a mailbox, from the one with the number `from` on: the encoded
    /// [`DeliveredReply`].
    pub(crate) async fn delivered(
        &self,
        round: Round,
        mailbox: Mailbox,
        mixer: MixerIndex,
        from: u32,
    ) -> Vec<u8> {
        let mut hashes = Vec::new();
        let reply = match self.find_delivered(round, mailbox, mixer, from, &mut hashes).await {
            Ok(list) => {
                let (messages, signature) = (list.messages, Bytes(list.signature));
                DeliveredReply::Page { messages, signature, hashes: &hashes }
            }
            Err(why) => DeliveredReply::Refused(why),
        };
        peer::encode(&reply)
    }

    async fn find_delivered(
        &self,
        round: Round,
        mailbox: Mailbox,
        mixer: MixerIndex,
        from: u32,
        hashes: &mut Vec<u8>,
    ) -> Result<StoredList, DownloadRefusal> {
        let lists = self.find(round, mailbox).await?;
        let list = lists.into_iter().find(|list| list.mixer == mixer);
        let list = list.ok_or(DownloadRefusal::NotHere)?;
        let end = list.messages.min(from.saturating_add(MAX_HASHES as u32));
        for first in (from..end).step_by(PAGE as usize) {
            let wanted = PAGE.min(end - first);
            let page = self.store.messages(list.upload, list.first + first, wanted).await;
            let page = page.map_err(|error| {
                self.reads.failed(&error);
                DownloadRefusal::Unavailable
            })?;
            if page.len() != wanted as usize {
                return Err(DownloadRefusal::Gone); // it is being pruned
            }
            page.iter().for_each(|message| hashes.extend(message_digest(message)));
        }
        Ok(list)
    }

    async fn send_lists(&self, lists: &[StoredList], reply: &mut impl Frames) -> Result<(), Close> {
        let messages = lists.iter().fold(0u32, |sum, list| sum.saturating_add(list.messages));
        send(reply, &MailboxReply::Start { lists: lists.len() as u16, messages }).await?;
        for list in lists {
            let (mixer, messages, signature) = (list.mixer, list.messages, Bytes(list.signature));
            send(reply, &MailboxReply::List { mixer, messages, signature }).await?;
            let mut sent = 0;
            while sent < list.messages {
                let wanted = PAGE.min(list.messages - sent);
                let page = self.store.messages(list.upload, list.first + sent, wanted).await;
                let page = page.map_err(|error| {
                    self.reads.failed(&error);
                    Close::Refused
                })?;
                if page.len() != wanted as usize {
                    // It is being pruned.
                    return Err(Close::Refused);
                }
                for message in &page {
                    reply.send(message).await?;
                }
                sent += wanted;
            }
        }
        self.reads.works();
        stats::add(&self.stats.downloads, 1);
        send(reply, &MailboxReply::End).await
    }
}

async fn send(reply: &mut impl Frames, message: &MailboxReply) -> Result<(), Close> {
    let mut out = [0; 160];
    reply.send(encode(message, &mut out).expect("a reply is at most 138 bytes")).await
}
