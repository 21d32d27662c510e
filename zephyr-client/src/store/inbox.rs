//! Messages that came: fragments are kept until they are complete, within bounds that no sender can exceed.

mod contacts;
mod limits;
mod strangers;

use std::fmt;
use std::sync::Arc;

use sqlx::{Row, SqliteConnection};
use zephyr_core::{Address, Content, Payload, Round, UnixMs};

use super::blocked::is_blocked;
use super::conversation::Conversation;
use super::home::address;
use super::outbox::{Delivery, MessageId, content};
use super::{MAX_MESSAGE, Store, StoreError};

pub use limits::Refused;

/// A message that has arrived whole.
#[derive(Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// Its number in the inbox.
    pub id: u64,
    /// Who sent it; `None` if it is anonymous.
    pub from: Option<Address>,
    /// Whether the sender is proven: always, if there is one.
    pub authenticated: bool,
    /// Text or file. A text is valid UTF-8.
    pub content: Content,
    /// Its bytes.
    pub body: Vec<u8>,
    /// The round that brought its last fragment.
    pub round: Round,
    /// When that was.
    pub received_at: UnixMs,
    /// Whether the user has seen it.
    pub seen: bool,
}

impl InboxMessage {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if self.content == Content::Text { str::from_utf8(&self.body).ok() } else { None }
    }
}

/// Prints neither sender nor contents.
impl fmt::Debug for InboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, len, round) = (self.id, self.body.len(), self.round.0);
        write!(f, "InboxMessage {{ id: {id}, len: {len}, round: {round} }}")
    }
}

/// A fragment that came, out of the session's buffer.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    pub(crate) sender: Option<Address>,
    pub(crate) content: Content,
    pub(crate) message: u64,
    pub(crate) stream: u32,
    pub(crate) sequence: u32,
    pub(crate) ack_stream: u32,
    pub(crate) ack: u32,
    pub(crate) fragment: u16,
    pub(crate) fragments: u16,
    pub(crate) round: Round,
    pub(crate) body: Vec<u8>,
}

impl Incoming {
    pub(crate) fn new(round: Round, payload: &Payload<'_>) -> Self {
        let header = &payload.header;
        Self {
            sender: header.sender.clone(),
            content: header.content,
            message: header.message,
            stream: header.stream,
            sequence: header.sequence,
            ack_stream: header.ack_stream,
            ack: header.ack,
            fragment: header.fragment,
            fragments: header.fragments,
            round,
            body: payload.body.to_vec(),
        }
    }

    /// The sender as it stands in the database: anonymous is empty.
    fn sender(&self) -> &str {
        self.sender.as_ref().map_or("", Address::as_str)
    }
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It carried no contents.
    Empty,
    /// It is kept until the message is complete, and those before it.
    Kept {
        /// How many of the message's fragments are here.
        arrived: u32,
        /// Of how many.
        of: u32,
    },
    /// It made messages complete.
    Complete,
    /// It was here already.
    Duplicate,
    /// It is none that a contact should send now: it is of an older stream or too far ahead. It comes again.
    Late,
    /// It was dropped.
    Refused(Refused),
}

/// What a payload led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// What became of its fragment.
    pub(crate) receipt: Receipt,
    /// Messages that are in the inbox now, in their order.
    pub(crate) messages: Vec<Arc<InboxMessage>>,
    /// Messages to its sender that have come further, or fell back.
    pub(crate) changes: Vec<(MessageId, Delivery)>,
}

impl Received {
    fn refused(why: Refused) -> Self {
        let receipt = Receipt::Refused(why);
        Self { receipt, messages: Vec::new(), changes: Vec::new() }
    }
}

impl Store {
    /// Takes a payload in. `capacity` is how many bytes a fragment of this sender can have.
    ///
    /// Contacts' fragments are acknowledged, and their messages come in the order in which they were sent. Those of
    /// other people come as soon as they are complete. Nothing of blocked ones has any effect, not even what it
    /// acknowledges.
    pub(crate) async fn receive(
        &self,
        incoming: &Incoming,
        capacity: usize,
        now: UnixMs,
    ) -> Result<Received, StoreError> {
        let mut tx = self.pool.begin().await?;
        if is_blocked(&mut tx, incoming.sender()).await? {
            return Ok(Received::refused(Refused::Blocked));
        }
        let received = match Conversation::load(&mut tx, incoming.sender()).await? {
            Some(conversation) => {
                contacts::receive(&mut tx, conversation, incoming, capacity, now).await?
            }
            None => strangers::receive(&mut tx, incoming, capacity, now).await?,
        };
        tx.commit().await?;
        Ok(received)
    }

    /// The messages in the inbox, the oldest first; with `unseen` only those that the user has not seen.
    ///
    /// # Errors
    /// The database's.
    pub async fn inbox(&self, unseen: bool) -> Result<Vec<InboxMessage>, StoreError> {
        let query = "SELECT id, sender, content, body, round, received_at, seen FROM inbox
             WHERE seen = 0 OR NOT $1 ORDER BY id";
        let rows = sqlx::query(query).bind(unseen).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let int = |name| row.try_get::<i64, _>(name);
                let sender: &str = row.try_get("sender")?;
                let from = if sender.is_empty() { None } else { Some(address(sender)?) };
                Ok(InboxMessage {
                    id: int("id")?.cast_unsigned(),
                    authenticated: from.is_some(),
                    from,
                    content: content(int("content")?)?,
                    body: row.try_get("body")?,
                    round: Round(int("round")?.cast_unsigned()),
                    received_at: UnixMs(int("received_at")?.cast_unsigned()),
                    seen: int("seen")? != 0,
                })
            })
            .collect()
    }

    /// Notes that the user has seen the message with the number `id`.
    ///
    /// # Errors
    /// The database's.
    pub async fn mark_seen(&self, id: u64) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE inbox SET seen = 1 WHERE id = $1").bind(id.cast_signed());
        query.execute(&self.pool).await?;
        Ok(())
    }
}

/// How many fragments of `capacity` bytes the longest message has.
fn most_fragments(capacity: usize) -> usize {
    MAX_MESSAGE.div_ceil(capacity.max(1))
}

/// Whether the message is in the inbox.
async fn is_here(db: &mut SqliteConnection, incoming: &Incoming) -> Result<bool, StoreError> {
    let query = sqlx::query("SELECT 1 FROM inbox WHERE sender = $1 AND message = $2");
    let query = query.bind(incoming.sender()).bind(incoming.message.cast_signed());
    Ok(query.fetch_optional(db).await?.is_some())
}

/// A message that is whole.
struct Whole<'m> {
    sender: Option<&'m Address>,
    message: i64,
    content: Content,
    body: Vec<u8>,
    round: Round,
}

/// Puts a message into the inbox, unless it is in it. A text that is not UTF-8 becomes a file.
async fn put(
    db: &mut SqliteConnection,
    whole: Whole<'_>,
    now: UnixMs,
) -> Result<Option<Arc<InboxMessage>>, StoreError> {
    let Whole { sender, message, content, body, round } = whole;
    let text = content == Content::Text && str::from_utf8(&body).is_ok();
    let content = if text { Content::Text } else { Content::File };
    let query = "INSERT INTO inbox (sender, message, content, body, round, received_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sender, message) DO NOTHING RETURNING id";
    let id: Option<i64> = sqlx::query_scalar(query)
        .bind(sender.map_or("", Address::as_str))
        .bind(message)
        .bind(content as i64)
        .bind(&body)
        .bind(round.0.cast_signed())
        .bind(now.0.cast_signed())
        .fetch_optional(db)
        .await?;
    Ok(id.map(|id| {
        Arc::new(InboxMessage {
            id: id.cast_unsigned(),
            from: sender.cloned(),
            authenticated: sender.is_some(),
            content,
            body,
            round,
            received_at: now,
            seen: false,
        })
    }))
}
