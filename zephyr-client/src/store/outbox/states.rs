//! How far messages have come.

use std::fmt;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use zephyr_core::{Address, Content, Round, UnixMs};

use super::super::home::address;
use super::{Store, StoreError, content, narrow};

/// How many delivered messages the outbox lists; older ones are forgotten.
pub(in crate::store) const LISTED: i64 = 1_000;

/// The number of a message in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a message has come.
///
/// It can fall back: if a round turns out to be void, or the recipient has lost what it had, fragments are to be
/// sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    /// Mixers have taken all of it, and the recipient's acknowledgement is waited for. Only contacts acknowledge:
    /// to people who have not added the user a message stays like this, and is sent again from time to time.
    Sent {
        /// The newest round in which a part of it was taken.
        round: Round,
    },
    /// The recipient has acknowledged all of it: it is in the recipient's inbox.
    Delivered,
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
    /// When the acknowledgement of its last fragment came.
    pub delivered_at: Option<UnixMs>,
}

impl Store {
    /// All messages in the outbox, the oldest first: those on their way, and the last 1,000 that were delivered.
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

macro_rules! outbox {
    ($which:literal) => {
        concat!(
            "SELECT o.id, o.contact, o.content, o.len, o.fragments, o.first, o.created_at,
                 o.delivered_at, o.sent_in, c.acked,
                 (SELECT COUNT(*) FROM under_way u WHERE u.contact = o.contact AND u.taken IS NOT NULL
                  AND u.sequence BETWEEN o.first AND o.first + o.fragments - 1) AS taken,
                 (SELECT MAX(taken) FROM under_way u WHERE u.contact = o.contact
                  AND u.sequence BETWEEN o.first AND o.first + o.fragments - 1) AS round
             FROM outbox o JOIN contacts c ON c.address = o.contact ",
            $which
        )
    };
}
const OUTBOX_ALL: &str = outbox!("ORDER BY o.id");
const OUTBOX_ONE: &str = outbox!("WHERE o.id = $1");

fn message(row: &SqliteRow) -> Result<OutboxMessage, StoreError> {
    let int = |name| row.try_get::<i64, _>(name);
    let maybe = |name| row.try_get::<Option<i64>, _>(name);
    let of = narrow(int("fragments")?)?;
    let delivered_at = maybe("delivered_at")?.map(|at| UnixMs(at.cast_unsigned()));
    let delivery = match (delivered_at, maybe("first")?) {
        (Some(_), _) => Delivery::Delivered,
        (None, None) => {
            let round = maybe("sent_in")?.ok_or(StoreError::Damaged)?;
            Delivery::Sent { round: Round(round.cast_unsigned()) }
        }
        (None, Some(first)) => {
            let acked = (int("acked")? - first + 1).max(0);
            let sent = narrow(acked + int("taken")?)?;
            match maybe("round")? {
                Some(round) if sent == of => Delivery::Sent { round: Round(round.cast_unsigned()) },
                _ if sent == 0 => Delivery::Queued,
                _ => Delivery::Sending { sent, of },
            }
        }
    };
    Ok(OutboxMessage {
        id: MessageId(int("id")?.cast_unsigned()),
        to: address(row.try_get("contact")?)?,
        content: content(int("content")?)?,
        len: int("len")?.cast_unsigned(),
        fragments: of,
        created_at: UnixMs(int("created_at")?.cast_unsigned()),
        delivery,
        delivered_at,
    })
}

/// How far the messages with these numbers have come.
pub(in crate::store) async fn states(
    db: &mut SqliteConnection,
    ids: &[i64],
) -> Result<Vec<(MessageId, Delivery)>, StoreError> {
    let mut states = Vec::new();
    for id in ids {
        let row = sqlx::query(OUTBOX_ONE).bind(id).fetch_one(&mut *db).await?;
        let message = message(&row)?;
        states.push((message.id, message.delivery));
    }
    Ok(states)
}

/// `contact` has everything up to `acked`: which messages are delivered. Their contents are erased.
pub(in crate::store) async fn delivered(
    db: &mut SqliteConnection,
    contact: &str,
    acked: u32,
    now: UnixMs,
) -> Result<Vec<(MessageId, Delivery)>, StoreError> {
    let query = "UPDATE outbox SET delivered_at = $3, body = x'', first = NULL
         WHERE contact = $1 AND first IS NOT NULL AND first + fragments - 1 <= $2 RETURNING id";
    let query = sqlx::query_scalar(query).bind(contact).bind(i64::from(acked));
    let mut ids: Vec<i64> = query.bind(now.0.cast_signed()).fetch_all(&mut *db).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    ids.sort_unstable();
    let query = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
         WHERE delivered_at IS NOT NULL ORDER BY delivered_at DESC, id DESC LIMIT -1 OFFSET $1)";
    sqlx::query(query).bind(LISTED).execute(db).await?;
    Ok(ids.into_iter().map(|id| (MessageId(id.cast_unsigned()), Delivery::Delivered)).collect())
}
