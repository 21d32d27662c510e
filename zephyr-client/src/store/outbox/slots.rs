//! What goes into which slot of which round, and what became of it.

use std::fmt;

use sqlx::{Row, SqliteConnection};
use zephyr_core::session::Draft;
use zephyr_core::stream::resend_after;
use zephyr_core::{Address, DirectoryHash, Round};

use super::super::conversation::Conversation;
use super::states::states;
use super::{Delivery, MessageId, Store, StoreError, content, narrow};

/// What a slot was given: a fragment, or an acknowledgement alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment {
    /// All but the contents.
    pub(crate) head: Draft<'static>,
    pub(crate) body: Vec<u8>,
    /// Whether a mixer has taken it before, or it has no contents: nobody waits for its round.
    pub(crate) again: bool,
}

impl Fragment {
    /// As a session takes it.
    pub fn draft(&self) -> Draft<'_> {
        Draft { body: &self.body, ..self.head }
    }
}

/// Prints no contents: `Debug` ends up in logs.
impl fmt::Debug for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fragment({} of {})", self.head.fragment + 1, self.head.fragments)
    }
}

impl Store {
    /// Notes that `round` is the newest one in which slots are filled, and gives `slot` what is due for its holder:
    /// a fragment, or an acknowledgement if one is owed. `None` if there is neither, or the round is over for this
    /// home.
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
        let contacts: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM contacts").fetch_one(&mut *tx).await?;
        let network = self.home.network();
        let patience = resend_after(network.at(round).parameters(), narrow(contacts)?);
        let fragment = next(&mut tx, round, slot, holder, patience).await?;
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
        let query = "UPDATE under_way SET taken = $1
             WHERE round = $1 AND slot = $2 AND taken IS NOT $1 RETURNING contact, sequence";
        let query = sqlx::query_as(query).bind(round.0.cast_signed()).bind(i64::from(slot));
        let taken: Option<(String, i64)> = query.fetch_optional(&mut *tx).await?;
        let Some((contact, sequence)) = taken else { return Ok(None) };
        let query = "SELECT id FROM outbox WHERE contact = $1 AND first <= $2
             ORDER BY first DESC LIMIT 1";
        let query = sqlx::query_scalar(query).bind(contact).bind(sequence);
        let id = query.fetch_one(&mut *tx).await?;
        let state = states(&mut tx, &[id]).await?.pop();
        tx.commit().await?;
        Ok(state)
    }

    /// No mixer has what is in `slot`: it is due again at once. `false` if no fragment is in it.
    pub(crate) async fn requeue_slot(&self, round: Round, slot: u8) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let query = "UPDATE under_way SET round = NULL, slot = NULL
             WHERE round = $1 AND slot = $2 AND taken IS NOT $1";
        let query = sqlx::query(query).bind(round.0.cast_signed()).bind(i64::from(slot));
        let requeued = query.execute(&mut *tx).await?.rows_affected() > 0;
        let query = "UPDATE contacts SET peer_owed = 1
             WHERE told_round = $1 AND told_slot = $2 AND peer_stream > 0";
        let query = sqlx::query(query).bind(round.0.cast_signed()).bind(i64::from(slot));
        query.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(requeued)
    }

    /// The round was void: everything in it is due again at once. Returns how many fragments that are, and how far
    /// their messages have come now.
    pub(crate) async fn requeue_round(
        &self,
        round: Round,
    ) -> Result<(u64, Vec<(MessageId, Delivery)>), StoreError> {
        let round = round.0.cast_signed();
        let mut tx = self.pool.begin().await?;
        let query = "SELECT DISTINCT o.id FROM under_way u JOIN outbox o ON o.contact = u.contact
                 AND u.sequence BETWEEN o.first AND o.first + o.fragments - 1
             WHERE u.round = $1 OR u.taken = $1 ORDER BY o.id";
        let ids: Vec<i64> = sqlx::query_scalar(query).bind(round).fetch_all(&mut *tx).await?;
        let query =
            "UPDATE under_way SET round = NULLIF(round, $1), slot = IIF(round = $1, NULL, slot),
                 taken = NULLIF(taken, $1) WHERE round = $1 OR taken = $1";
        let fragments = sqlx::query(query).bind(round).execute(&mut *tx).await?.rows_affected();
        let query = "UPDATE contacts SET peer_owed = 1 WHERE told_round = $1 AND peer_stream > 0";
        sqlx::query(query).bind(round).execute(&mut *tx).await?;
        let states = states(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok((fragments, states))
    }

    /// What was in a slot when the program ended is due again. A mixer may have it; its recipient drops the copy.
    pub(crate) async fn requeue_unsent(&self) -> Result<u64, StoreError> {
        let query = "UPDATE under_way SET round = NULL, slot = NULL
             WHERE round IS NOT NULL AND taken IS NOT round";
        Ok(sqlx::query(query).execute(&self.pool).await?.rows_affected())
    }
}

async fn next(
    db: &mut SqliteConnection,
    round: Round,
    slot: u8,
    holder: &Address,
    patience: u64,
) -> Result<Option<Fragment>, StoreError> {
    let loaded = Conversation::load(db, holder.as_str()).await?;
    let Some(mut conversation) = loaded else { return Ok(None) };
    let due = conversation.sending.due(round, patience);
    if due.is_none() && !conversation.receiving.owed() {
        return Ok(None);
    }
    let ack = conversation.tell(round, slot);
    conversation.save(db).await?;
    let Some(sequence) = due else {
        let head = Draft::acknowledgement(ack);
        return Ok(Some(Fragment { head, body: Vec::new(), again: true }));
    };
    let query = "INSERT INTO under_way (contact, sequence, round, slot) VALUES ($1, $2, $3, $4)
         ON CONFLICT (contact, sequence) DO UPDATE SET round = $3, slot = $4
         RETURNING taken IS NOT NULL";
    let again = sqlx::query_scalar(query)
        .bind(holder.as_str())
        .bind(i64::from(sequence))
        .bind(round.0.cast_signed())
        .bind(i64::from(slot))
        .fetch_one(&mut *db)
        .await?;
    let query = "SELECT message, content, fragments, $2 - first AS fragment,
             substr(body, 1 + ($2 - first) * chunk, chunk) AS body
         FROM outbox WHERE contact = $1 AND first <= $2 ORDER BY first DESC LIMIT 1";
    let query = sqlx::query(query).bind(holder.as_str()).bind(i64::from(sequence));
    let row = query.fetch_one(db).await?;
    let int = |name| row.try_get::<i64, _>(name);
    let head = Draft {
        content: content(int("content")?)?,
        message: int("message")?.cast_unsigned(),
        stream: conversation.sending.stream(),
        sequence,
        fragment: narrow(int("fragment")?)?,
        fragments: narrow(int("fragments")?)?,
        ..Draft::acknowledgement(ack)
    };
    Ok(Some(Fragment { head, body: row.try_get("body")?, again }))
}
