//! Messages on their way out: cut into fragments, each of which goes into one slot of one round.

use std::fmt;

use getrandom::SysRng;
use rand_core::TryRng;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use zephyr_core::session::Draft;
use zephyr_core::{Address, Content, DirectoryHash, Round, UnixMs};

use super::home::address;
use super::{Store, StoreError, contacts};

/// The number of a message in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing of it has left.
    Queued,
    /// Mixers have taken some of its fragments.
    Sending {
        /// How many.
        sent: u32,
        /// Of how many.
        of: u32,
    },
    /// Mixers have taken all of it.
    Sent {
        /// The last fragment's round.
        round: Round,
    },
}

/// A message in the outbox, without its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its number.
    pub id: MessageId,
    /// To whom it goes.
    pub to: Address,
    /// Text or file.
    pub content: Content,
    /// Its length in bytes.
    pub len: u64,
    /// How many fragments it has.
    pub fragments: u32,
    /// When it was written.
    pub created_at: UnixMs,
    /// How far it has come.
    pub delivery: Delivery,
}

/// A fragment that was given a slot.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment {
    pub(crate) content: Content,
    pub(crate) message: u64,
    pub(crate) stream: u32,
    pub(crate) sequence: u32,
    pub(crate) ack_stream: u32,
    pub(crate) ack: u32,
    pub(crate) fragment: u16,
    pub(crate) fragments: u16,
    pub(crate) body: Vec<u8>,
}

impl Fragment {
    /// As a session takes it.
    pub fn draft(&self) -> Draft<'_> {
        Draft {
            content: self.content,
            message: self.message,
            stream: self.stream,
            sequence: self.sequence,
            ack_stream: self.ack_stream,
            ack: self.ack,
            fragment: self.fragment,
            fragments: self.fragments,
            body: &self.body,
        }
    }
}

/// Prints no contents: `Debug` ends up in logs.
impl fmt::Debug for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fragment({} of {})", self.fragment + 1, self.fragments)
    }
}

impl Store {
    /// Puts a message into the outbox, in fragments of `chunk` bytes, which must be at most 65,535. Who gets it
    /// becomes a contact.
    pub(crate) async fn enqueue(
        &self,
        to: &Address,
        content: Content,
        body: &[u8],
        chunk: usize,
        now: UnixMs,
    ) -> Result<MessageId, StoreError> {
        let fragments = body.len().div_ceil(chunk).max(1) as i64;
        let mut tx = self.pool.begin().await?;
        contacts::insert(&mut tx, to, now).await?;
        let (stream, sequence) = reserve(&mut tx, to, fragments).await?;
        let query =
            "INSERT INTO outbox (message, contact, content, body, chunk, fragments, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
        let id: i64 = sqlx::query_scalar(query)
            .bind(SysRng.try_next_u64()?.cast_signed())
            .bind(to.as_str())
            .bind(content as i64)
            .bind(body)
            .bind(chunk as i64)
            .bind(fragments)
            .bind(now.0.cast_signed())
            .fetch_one(&mut *tx)
            .await?;
        let query =
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
             INSERT INTO fragments (outbox, fragment, contact, stream, sequence)
             SELECT $2, i, $3, $4, $5 + i FROM n";
        let query = sqlx::query(query).bind(fragments).bind(id).bind(to.as_str());
        query.bind(stream).bind(sequence).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(MessageId(id.cast_unsigned()))
    }

    /// Notes that `round` is the newest one in which slots are filled, and gives `slot` the next fragment for its
    /// holder. `None` if there is none, or the round is over for this home.
    pub(crate) async fn assign(
        &self,
        round: Round,
        directory: &DirectoryHash,
        slot: u8,
        holder: &Address,
    ) -> Result<Option<Fragment>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let query = "UPDATE home SET last_round = $1, last_directory = $2
             WHERE last_round IS NULL OR last_round < $1 OR (last_round = $1 AND last_directory = $2)";
        let query = sqlx::query(query).bind(round.0.cast_signed()).bind(&directory.as_bytes()[..]);
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(None);
        }
        let fragment = take_next(&mut tx, round, slot, holder).await?;
        tx.commit().await?;
        Ok(fragment)
    }

    /// A mixer took the packet in `slot`: which message it belongs to, and how far that has come.
    pub(crate) async fn mark_sent(
        &self,
        round: Round,
        slot: u8,
    ) -> Result<Option<(MessageId, Delivery)>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let query = "UPDATE fragments SET state = 2 WHERE round = $1 AND slot = $2 AND state = 1 RETURNING outbox";
        let query = sqlx::query_scalar(query).bind(round.0.cast_signed()).bind(i64::from(slot));
        let Some(id) = query.fetch_optional(&mut *tx).await? else { return Ok(None) };
        let query = sqlx::query(OUTBOX_ONE).bind::<i64>(id);
        let message = message(&query.fetch_one(&mut *tx).await?)?;
        tx.commit().await?;
        Ok(Some((message.id, message.delivery)))
    }

    /// No mixer has the fragment in `slot`: it is to be sent in a later round. `false` if there is none in it.
    pub(crate) async fn requeue_slot(&self, round: Round, slot: u8) -> Result<bool, StoreError> {
        let query = "UPDATE fragments SET state = 0, round = NULL, slot = NULL
             WHERE round = $1 AND slot = $2 AND state = 1";
        let query = sqlx::query(query).bind(round.0.cast_signed()).bind(i64::from(slot));
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// The round was void: everything in it is to be sent again. Returns how many fragments that are.
    pub(crate) async fn requeue_round(&self, round: Round) -> Result<u64, StoreError> {
        let query = "UPDATE fragments SET state = 0, round = NULL, slot = NULL WHERE round = $1";
        let query = sqlx::query(query).bind(round.0.cast_signed());
        Ok(query.execute(&self.pool).await?.rows_affected())
    }

    /// Queues again what was in a slot when the program ended. A mixer may have it; its recipient drops the copy.
    pub(crate) async fn requeue_unsent(&self) -> Result<u64, StoreError> {
        let query = "UPDATE fragments SET state = 0, round = NULL, slot = NULL WHERE state = 1";
        Ok(sqlx::query(query).execute(&self.pool).await?.rows_affected())
    }

    /// How many fragments no mixer has taken yet.
    pub(crate) async fn unsent(&self) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM fragments WHERE state < 2");
        Ok(query.fetch_one(&self.pool).await.map(i64::cast_unsigned)?)
    }

    /// How many fragments wait for `contact`, and how many contacts there are.
    pub(crate) async fn queue(&self, contact: &Address) -> Result<(u64, u64), StoreError> {
        let query =
            "SELECT (SELECT COUNT(*) FROM fragments WHERE contact = $1 AND state < 2) AS queued,
             (SELECT COUNT(*) FROM contacts) AS contacts";
        let row = sqlx::query(query).bind(contact.as_str()).fetch_one(&self.pool).await?;
        let count = |name| row.try_get::<i64, _>(name).map(i64::cast_unsigned);
        Ok((count("queued")?, count("contacts")?))
    }

    /// All messages in the outbox, the oldest first, also those that were sent.
    ///
    /// # Errors
    /// The database's.
    pub async fn outbox(&self) -> Result<Vec<OutboxMessage>, StoreError> {
        sqlx::query(OUTBOX_ALL).fetch_all(&self.pool).await?.iter().map(message).collect()
    }

    /// One message of the outbox.
    ///
    /// # Errors
    /// If there is none with this number, or the database's.
    pub async fn outbox_message(&self, id: MessageId) -> Result<OutboxMessage, StoreError> {
        let query = sqlx::query(OUTBOX_ONE).bind(id.0.cast_signed());
        let row = query.fetch_optional(&self.pool).await?.ok_or(StoreError::NoMessage(id.0))?;
        message(&row)
    }
}

/// Takes the next `count` numbers of the stream to `to`; a stream whose numbers end is followed by a new one.
async fn reserve(
    db: &mut SqliteConnection,
    to: &Address,
    count: i64,
) -> Result<(i64, i64), StoreError> {
    let query = "SELECT stream, next_sequence FROM contacts WHERE address = $1";
    let row = sqlx::query(query).bind(to.as_str()).fetch_one(&mut *db).await?;
    let (mut stream, mut next): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if next + count > i64::from(u32::MAX) {
        (stream, next) = (SysRng.try_next_u32()?.max(1).into(), 1);
    }
    let query = "UPDATE contacts SET stream = $2, next_sequence = $3 WHERE address = $1";
    let query = sqlx::query(query).bind(to.as_str()).bind(stream).bind(next + count);
    query.execute(db).await?;
    Ok((stream, next))
}

async fn take_next(
    db: &mut SqliteConnection,
    round: Round,
    slot: u8,
    holder: &Address,
) -> Result<Option<Fragment>, StoreError> {
    let query =
        "SELECT f.outbox, f.fragment, f.stream, f.sequence, o.message, o.content, o.fragments,
             substr(o.body, 1 + f.fragment * o.chunk, o.chunk) AS body, c.peer_stream, c.peer_ack
         FROM fragments f JOIN outbox o ON o.id = f.outbox JOIN contacts c ON c.address = f.contact
         WHERE f.contact = $1 AND f.state < 2 AND f.state = 0 ORDER BY f.outbox, f.fragment LIMIT 1";
    let query = sqlx::query(query).bind(holder.as_str());
    let Some(row) = query.fetch_optional(&mut *db).await? else { return Ok(None) };
    let int = |name| row.try_get::<i64, _>(name);
    let query =
        "UPDATE fragments SET state = 1, round = $3, slot = $4 WHERE outbox = $1 AND fragment = $2";
    sqlx::query(query)
        .bind(int("outbox")?)
        .bind(int("fragment")?)
        .bind(round.0.cast_signed())
        .bind(i64::from(slot))
        .execute(db)
        .await?;
    Ok(Some(Fragment {
        content: content(int("content")?)?,
        message: int("message")?.cast_unsigned(),
        stream: narrow(int("stream")?)?,
        sequence: narrow(int("sequence")?)?,
        ack_stream: narrow(int("peer_stream")?)?,
        ack: narrow(int("peer_ack")?)?,
        fragment: narrow(int("fragment")?)?,
        fragments: narrow(int("fragments")?)?,
        body: row.try_get("body")?,
    }))
}

macro_rules! outbox {
    ($which:literal) => {
        concat!(
            "SELECT o.id, o.contact, o.content, length(o.body) AS len, o.fragments, o.created_at,
                 (SELECT COUNT(*) FROM fragments f WHERE f.outbox = o.id AND f.state = 2) AS sent,
                 (SELECT MAX(round) FROM fragments f WHERE f.outbox = o.id) AS round
             FROM outbox o ",
            $which
        )
    };
}
const OUTBOX_ALL: &str = outbox!("ORDER BY o.id");
const OUTBOX_ONE: &str = outbox!("WHERE o.id = $1");

fn message(row: &SqliteRow) -> Result<OutboxMessage, StoreError> {
    let int = |name| row.try_get::<i64, _>(name);
    let (sent, of) = (narrow(int("sent")?)?, narrow(int("fragments")?)?);
    let round = row.try_get::<Option<i64>, _>("round")?;
    let delivery = match round {
        Some(round) if sent == of => Delivery::Sent { round: Round(round.cast_unsigned()) },
        _ if sent == 0 => Delivery::Queued,
        _ => Delivery::Sending { sent, of },
    };
    Ok(OutboxMessage {
        id: MessageId(int("id")?.cast_unsigned()),
        to: address(row.try_get("contact")?)?,
        content: content(int("content")?)?,
        len: int("len")?.cast_unsigned(),
        fragments: of,
        created_at: UnixMs(int("created_at")?.cast_unsigned()),
        delivery,
    })
}

pub(super) fn content(number: i64) -> Result<Content, StoreError> {
    match number {
        0 => Ok(Content::Text),
        1 => Ok(Content::File),
        _ => Err(StoreError::Damaged),
    }
}

pub(super) fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T, StoreError> {
    number.try_into().map_err(|_| StoreError::Damaged)
}
