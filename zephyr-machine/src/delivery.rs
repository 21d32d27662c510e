//! What a mixer sends to a mailbox server at the end of a round: for each of the server's mailboxes the signed
//! list, then the messages.
//!
//! ```text
//! item = mailbox 4 ‖ message, or the mailbox's head, which comes before its messages:
//!        mailbox 4 ‖ number of messages 4 ‖ signature 128 ‖ zeros
//! ```

use std::collections::BTreeMap;

use zephyr_core::{
    DeliveryList, DirectoryHash, Geometry, LIST_SIGNATURE_SIZE, Mailbox, Manifest, MixerIndex,
    ServerId, Suite,
};

use super::batch::Batch;
use super::mix::Messages;

/// Length in bytes of an item.
pub fn item_len(geometry: Geometry) -> usize {
    4 + geometry.sealed_len()
}

/// The mailboxes that the mailbox server with `index` keeps, ascending.
pub(crate) fn kept_by(manifest: &Manifest<'_>, index: usize) -> impl Iterator<Item = Mailbox> {
    (0..manifest.parameters().mailboxes)
        .map(Mailbox)
        .filter(move |&mailbox| manifest.mailbox_servers(mailbox).any(|server| server == index))
}

/// The signed list of what one mixer delivered to one mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// How many messages.
    pub messages: u32,
    /// The mixer's signature under the list.
    pub signature: [u8; LIST_SIGNATURE_SIZE],
}

/// What a mixer delivers to one mailbox server.
#[derive(Clone, Debug)]
pub struct Delivery {
    geometry: Geometry,
    /// In the order of the mailboxes. `None` is an empty one.
    lists: Vec<(Head, Option<Messages>)>,
}

impl Delivery {
    /// Signs the lists of `mailboxes`, those of one mailbox server; each gets a head, also if it has no message.
    pub fn new<S: Suite>(
        geometry: Geometry,
        mailboxes: impl IntoIterator<Item = Mailbox>,
        messages: &BTreeMap<Mailbox, Messages>,
        seed: &[u8; 32],
        directory: &DirectoryHash,
        mixer: MixerIndex,
    ) -> Self {
        let list = |mailbox| {
            let messages = messages.get(&mailbox).cloned();
            let mut list = DeliveryList::new();
            messages.iter().flat_map(Messages::iter).for_each(|m| list.push(m));
            let signature = list.sign::<S>(seed, directory, mixer, mailbox);
            (Head { mailbox, messages: list.count(), signature }, messages)
        };
        Self { geometry, lists: mailboxes.into_iter().map(list).collect() }
    }

    /// Length in bytes of an item.
    pub fn item_len(&self) -> usize {
        item_len(self.geometry)
    }

    /// The items in order, each with its mailbox.
    pub fn items(&self) -> impl Iterator<Item = (Mailbox, Item<'_>)> + Send {
        self.lists.iter().flat_map(|(head, messages)| {
            let messages = messages.iter().flat_map(Messages::iter).map(Item::Message);
            std::iter::once(Item::Head(*head)).chain(messages).map(|item| (head.mailbox, item))
        })
    }

    /// A copy of the items as they are sent.
    pub fn to_batch(&self) -> Batch {
        let mut batch = Batch::new(self.item_len());
        self.items().for_each(|(mailbox, item)| item.encode(mailbox, batch.push_zeros()));
        batch
    }
}

/// An item of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A mailbox begins.
    Head(Head),
    /// A message in the mailbox whose head came last.
    Message(&'a [u8]),
}

impl Item<'_> {
    /// Writes it as it is sent, into exactly the length of an item.
    pub fn encode(self, mailbox: Mailbox, item: &mut [u8]) {
        item[..4].copy_from_slice(&mailbox.0.to_be_bytes());
        match self {
            Self::Head(head) => {
                let (content, zeros) = item[4..].split_at_mut(4 + LIST_SIGNATURE_SIZE);
                content[..4].copy_from_slice(&head.messages.to_be_bytes());
                content[4..].copy_from_slice(&head.signature);
                zeros.fill(0);
            }
            Self::Message(message) => item[4..].copy_from_slice(message),
        }
    }
}

/// Why a delivery is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// An item does not belong where it stands.
    #[error("an item of the delivery is out of place")]
    OutOfPlace,
    /// A list is not signed by the mixer that delivers it.
    #[error("a list of the delivery does not bear the mixer's signature")]
    Signature,
    /// A mailbox is missing at the end, or its messages are.
    #[error("the delivery is incomplete")]
    Incomplete,
}

/// Takes a delivery apart, item by item, and checks it on the way.
pub struct Unpack<'a, S: Suite> {
    directory: &'a DirectoryHash,
    mixer: MixerIndex,
    server: &'a ServerId,
    expected: std::vec::IntoIter<Mailbox>,
    current: Option<(Head, DeliveryList)>,
    suite: std::marker::PhantomData<S>,
}

impl<'a, S: Suite> Unpack<'a, S> {
    /// The delivery of `mixer`, whose identity is `server`, for exactly `mailboxes`, in this order.
    pub fn new(
        mailboxes: Vec<Mailbox>,
        directory: &'a DirectoryHash,
        mixer: MixerIndex,
        server: &'a ServerId,
    ) -> Self {
        let expected = mailboxes.into_iter();
        Self { directory, mixer, server, expected, current: None, suite: Default::default() }
    }

    /// The next item.
    ///
    /// # Errors
    /// See [`DeliveryError`]; the delivery is worth nothing then.
    pub fn next<'i>(&mut self, item: &'i [u8]) -> Result<Item<'i>, DeliveryError> {
        let (mailbox, content) = item.split_first_chunk().ok_or(DeliveryError::OutOfPlace)?;
        let mailbox = Mailbox(u32::from_be_bytes(*mailbox));
        if let Some((head, list)) = &mut self.current
            && list.count() < head.messages
        {
            if mailbox != head.mailbox {
                return Err(DeliveryError::OutOfPlace);
            }
            list.push(content);
            return Ok(Item::Message(content));
        }
        self.end_list()?;
        if self.expected.next() != Some(mailbox) {
            return Err(DeliveryError::OutOfPlace);
        }
        let head = head(mailbox, content).ok_or(DeliveryError::OutOfPlace)?;
        self.current = Some((head, DeliveryList::new()));
        Ok(Item::Head(head))
    }

    /// The delivery has ended.
    ///
    /// # Errors
    /// See [`DeliveryError`].
    pub fn finish(mut self) -> Result<(), DeliveryError> {
        self.end_list()?;
        if self.expected.next().is_some() {
            return Err(DeliveryError::Incomplete);
        }
        Ok(())
    }

    fn end_list(&mut self) -> Result<(), DeliveryError> {
        let Some((head, list)) = self.current.take() else { return Ok(()) };
        if list.count() < head.messages {
            return Err(DeliveryError::Incomplete);
        }
        let (directory, signature) = (self.directory, &head.signature);
        if list.verify::<S>(self.server, directory, self.mixer, head.mailbox, signature) {
            Ok(())
        } else {
            Err(DeliveryError::Signature)
        }
    }
}

fn head(mailbox: Mailbox, content: &[u8]) -> Option<Head> {
    let (messages, rest) = content.split_first_chunk()?;
    let (signature, zeros) = rest.split_first_chunk()?;
    let messages = u32::from_be_bytes(*messages);
    zeros.iter().all(|&b| b == 0).then_some(Head { mailbox, messages, signature: *signature })
}
