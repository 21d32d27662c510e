//! Messages out and in.

use zephyr_client::MessageId;
use zephyr_core::Address;

use super::ZephyrClient;
use crate::error::ZephyrError;
use crate::types::{Delivery, Message, OutboxEntry, SentMessage};

#[uniffi::export]
impl ZephyrClient {
    /// Puts a text to `to` into the outbox. Who is written to becomes a contact. It leaves when the client runs.
    ///
    /// # Errors
    /// `InvalidAddress`, `OwnAddress`, `Blocked`, `EmptyText`, `TooLong`, `ContactsFull`, `Closed`, or what the home's
    /// database says: nothing was queued then.
    pub async fn send_text(&self, to: String, text: String) -> Result<SentMessage, ZephyrError> {
        self.send(to, zephyr_client::Message::Text(text)).await
    }

    /// Puts bytes to `to` into the outbox. Who is written to becomes a contact. They leave when the client runs.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), but for `EmptyText`.
    pub async fn send_file(&self, to: String, bytes: Vec<u8>) -> Result<SentMessage, ZephyrError> {
        self.send(to, zephyr_client::Message::File(bytes)).await
    }

    /// How far a message has come.
    ///
    /// # Errors
    /// `NoMessage`, `Closed`, or what the home's database says.
    pub async fn delivery(&self, id: u64) -> Result<Delivery, ZephyrError> {
        self.with(async move |client| Ok(client.delivery(MessageId(id)).await?.into())).await
    }

    /// Waits until a message is in the recipient's inbox. The client must run meanwhile. Only people who have added the
    /// user acknowledge: else it waits until they do.
    ///
    /// # Errors
    /// `NoMessage`, also if the contact is removed meanwhile, `Closed`, or what the home's database says.
    pub async fn wait_delivered(&self, id: u64) -> Result<(), ZephyrError> {
        self.with(async move |client| Ok(client.delivered(MessageId(id)).await?)).await
    }

    /// All messages in the outbox, the oldest first: those on their way, and the last 1,000 that were delivered.
    ///
    /// # Errors
    /// `Closed`, or what the home's database says.
    pub async fn outbox(&self) -> Result<Vec<OutboxEntry>, ZephyrError> {
        self.with(async |client| {
            Ok(client.outbox().await?.into_iter().map(OutboxEntry::from).collect())
        })
        .await
    }

    /// The messages that came, the oldest first; with `unseen_only` those that were not marked as seen.
    ///
    /// # Errors
    /// `Closed`, or what the home's database says.
    #[uniffi::method(default(unseen_only = false))]
    pub async fn inbox(&self, unseen_only: bool) -> Result<Vec<Message>, ZephyrError> {
        self.with(async move |client| {
            Ok(client.inbox(unseen_only).await?.into_iter().map(Message::from).collect())
        })
        .await
    }

    /// Marks a message in the inbox as seen.
    ///
    /// # Errors
    /// `NoMessage`, `Closed`, or what the home's database says.
    pub async fn mark_seen(&self, id: u64) -> Result<(), ZephyrError> {
        self.with(async move |client| Ok(client.mark_seen(id).await?)).await
    }
}

impl ZephyrClient {
    async fn send(
        &self,
        to: String,
        message: zephyr_client::Message,
    ) -> Result<SentMessage, ZephyrError> {
        let to = Address::parse(&to)?;
        self.with(async move |client| Ok(client.send(&to, message).await?.into())).await
    }
}
