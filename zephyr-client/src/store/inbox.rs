//! Messages that came: fragments are kept until they are complete, within bounds that no sender can exceed.

mod limits;
mod stream;

use std::fmt;
use std::sync::Arc;

use sqlx::{Row, SqliteConnection};
use zephyr_core::{Address, Content, Payload, Round, UnixMs};

use super::home::address;
use super::outbox::{content, narrow};
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It carried no contents.
    Empty,
    /// It is kept until the message is complete.
    Kept {
        /// How many of the message's fragments are here.
        arrived: u32,
        /// Of how many.
        of: u32,
    },
    /// It made a message complete.
    Complete(Arc<InboxMessage>),
    /// It was here already.
    Duplicate,
    /// It was dropped.
    Refused(Refused),
}

impl Store {
    /// Takes a fragment in. `capacity` is how many bytes a fragment of this sender can have.
    pub(crate) async fn receive(
        &self,
        incoming: &Incoming,
        capacity: usize,
        now: UnixMs,
    ) -> Result<Receipt, StoreError> {
        let mut tx = self.pool.begin().await?;
        let contact = stream::note(&mut tx, incoming).await?;
        let receipt = match incoming.content {
            Content::Text | Content::File => {
                take_in(&mut tx, incoming, contact, capacity, now).await?
            }
            _ => Receipt::Empty,
        };
        tx.commit().await?;
        Ok(receipt)
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

async fn take_in(
    db: &mut SqliteConnection,
    incoming: &Incoming,
    contact: bool,
    capacity: usize,
    now: UnixMs,
) -> Result<Receipt, StoreError> {
    let most = MAX_MESSAGE.div_ceil(capacity.max(1));
    if usize::from(incoming.fragments) > most {
        return Ok(Receipt::Refused(Refused::TooLong));
    }
    let query = sqlx::query("SELECT 1 FROM inbox WHERE sender = $1 AND message = $2");
    let query = query.bind(incoming.sender()).bind(incoming.message.cast_signed());
    if query.fetch_optional(&mut *db).await?.is_some() {
        return Ok(Receipt::Duplicate);
    }
    if incoming.fragments == 1 {
        return complete(db, incoming, contact, incoming.body.clone(), now).await;
    }
    let (id, arrived) = match keep(db, incoming).await? {
        Ok(kept) => kept,
        Err(receipt) => return Ok(receipt),
    };
    if arrived < u32::from(incoming.fragments) {
        limits::enforce(db, incoming, contact).await?;
        return Ok(Receipt::Kept { arrived, of: incoming.fragments.into() });
    }
    let query = "SELECT body FROM incoming_fragments WHERE incoming = $1 ORDER BY fragment";
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(query).bind(id).fetch_all(&mut *db).await?;
    let query = sqlx::query("DELETE FROM incoming WHERE id = $1").bind(id);
    query.execute(&mut *db).await?;
    complete(db, incoming, contact, bodies.concat(), now).await
}

/// Keeps one of several fragments: the message's number among the incomplete ones, and how much of it is here.
async fn keep(
    db: &mut SqliteConnection,
    incoming: &Incoming,
) -> Result<Result<(i64, u32), Receipt>, StoreError> {
    let query = "INSERT INTO incoming (sender, message, content, fragments) VALUES ($1, $2, $3, $4)
         ON CONFLICT (sender, message) DO UPDATE SET id = id
         RETURNING id, content, fragments, arrived, bytes";
    let row = sqlx::query(query)
        .bind(incoming.sender())
        .bind(incoming.message.cast_signed())
        .bind(incoming.content as i64)
        .bind(i64::from(incoming.fragments))
        .fetch_one(&mut *db)
        .await?;
    let int = |name| row.try_get::<i64, _>(name);
    let (id, bytes) = (int("id")?, int("bytes")? + incoming.body.len() as i64);
    let same = int("content")? == incoming.content as i64
        && int("fragments")? == i64::from(incoming.fragments);
    if !same {
        return Ok(Err(Receipt::Refused(Refused::Inconsistent)));
    }
    if bytes > MAX_MESSAGE as i64 {
        return Ok(Err(Receipt::Refused(Refused::TooLong)));
    }
    let query = "INSERT INTO incoming_fragments (incoming, fragment, body) VALUES ($1, $2, $3)
         ON CONFLICT (incoming, fragment) DO NOTHING";
    let query = sqlx::query(query).bind(id).bind(i64::from(incoming.fragment)).bind(&incoming.body);
    if query.execute(&mut *db).await?.rows_affected() == 0 {
        return Ok(Err(Receipt::Duplicate));
    }
    let arrived = int("arrived")? + 1;
    let query = sqlx::query("UPDATE incoming SET arrived = $2, bytes = $3 WHERE id = $1");
    query.bind(id).bind(arrived).bind(bytes).execute(db).await?;
    Ok(Ok((id, narrow(arrived)?)))
}

/// Puts a message into the inbox. A text that is not UTF-8 becomes a file.
async fn complete(
    db: &mut SqliteConnection,
    incoming: &Incoming,
    contact: bool,
    body: Vec<u8>,
    now: UnixMs,
) -> Result<Receipt, StoreError> {
    if !contact && limits::inbox_full(db, body.len()).await? {
        return Ok(Receipt::Refused(Refused::InboxFull));
    }
    let text = incoming.content == Content::Text && str::from_utf8(&body).is_ok();
    let content = if text { Content::Text } else { Content::File };
    let query = "INSERT INTO inbox (sender, message, content, body, round, received_at)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let id: i64 = sqlx::query_scalar(query)
        .bind(incoming.sender())
        .bind(incoming.message.cast_signed())
        .bind(content as i64)
        .bind(&body)
        .bind(incoming.round.0.cast_signed())
        .bind(now.0.cast_signed())
        .fetch_one(db)
        .await?;
    let message = InboxMessage {
        id: id.cast_unsigned(),
        from: incoming.sender.clone(),
        authenticated: incoming.sender.is_some(),
        content,
        body,
        round: incoming.round,
        received_at: now,
        seen: false,
    };
    Ok(Receipt::Complete(Arc::new(message)))
}
