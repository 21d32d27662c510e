//! Giving clients their mailboxes, and mixers what they check them by.

use zephyr_core::wire::{Bytes, DownloadRefusal};
use zephyr_core::{Mailbox, MixerIndex, Round, Suite};

use super::reader::Frames;
use super::server::MailboxServer;
use crate::listen::Close;
use crate::store::{Mailboxes, StoredList};
use zephyr_machine::peer::{self, DeliveredReply, MAX_HASHES};

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
        self.reader().send(self.find(round, mailbox).await, reply).await
    }

    async fn find(
        &self,
        round: Round,
        mailbox: Mailbox,
    ) -> Result<Vec<StoredList>, DownloadRefusal> {
        self.machine().download(round, mailbox)?;
        self.reader().lists(round, mailbox).await
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
        self.reader().hashes(&list, from, MAX_HASHES as u32, hashes).await?;
        Ok(list)
    }
}
