//! What is under way to a contact and what has come from it: the state of [`zephyr_core::stream`] in the database.

use sqlx::{Row, SqliteConnection};
use zephyr_core::stream::{Acked, Receiving, Sending, WINDOW, stream_at};
use zephyr_core::{Round, UnixMs};

use super::StoreError;
use super::outbox::{Delivery, MessageId, delivered, narrow, states};

/// Both directions of a contact.
pub(super) struct Conversation {
    contact: String,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    /// The last slot whose payload acknowledged something.
    told: Option<(Round, u8)>,
}

impl Conversation {
    /// `None` if `contact` is no contact.
    pub(super) async fn load(
        db: &mut SqliteConnection,
        contact: &str,
    ) -> Result<Option<Self>, StoreError> {
        let query = "SELECT stream, acked, next_sequence, acked_in, peer_stream, peer_ack,
                 peer_early, peer_owed, told_round, told_slot FROM contacts WHERE address = $1";
        let row = sqlx::query(query).bind(contact).fetch_optional(&mut *db).await?;
        let Some(row) = row else { return Ok(None) };
        let int = |name| row.try_get::<i64, _>(name);
        let round = |name| {
            Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(name)?.map(i64::cast_unsigned))
        };
        let query =
            "SELECT sequence, round FROM under_way WHERE contact = $1 AND round IS NOT NULL";
        let sent: Vec<(i64, i64)> = sqlx::query_as(query).bind(contact).fetch_all(db).await?;
        let sent = sent
            .into_iter()
            .map(|(sequence, round)| Ok((narrow(sequence)?, Round(round.cast_unsigned()))))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let sending = Sending::from_parts(
            narrow(int("stream")?)?,
            narrow(int("acked")?)?,
            narrow(int("next_sequence")?)?,
            round("acked_in")?.map(Round),
            sent,
        );
        let receiving = Receiving::from_parts(
            narrow(int("peer_stream")?)?,
            narrow(int("peer_ack")?)?,
            int("peer_early")?.cast_unsigned(),
            int("peer_owed")? != 0,
        );
        let slot = row.try_get::<Option<i64>, _>("told_slot")?.map(narrow).transpose()?;
        Ok(Some(Self {
            contact: contact.to_owned(),
            sending: sending.ok_or(StoreError::Damaged)?,
            receiving: receiving.ok_or(StoreError::Damaged)?,
            told: round("told_round")?.map(Round).zip(slot),
        }))
    }

    /// Writes down everything but where numbers were sent.
    pub(super) async fn save(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        let query =
            "UPDATE contacts SET stream = $2, acked = $3, next_sequence = $4, acked_in = $5,
                 peer_stream = $6, peer_ack = $7, peer_early = $8, peer_owed = $9, told_round = $10,
                 told_slot = $11 WHERE address = $1";
        let (peer_stream, peer_ack) = self.receiving.ack();
        sqlx::query(query)
            .bind(&self.contact)
            .bind(i64::from(self.sending.stream()))
            .bind(i64::from(self.sending.acked()))
            .bind(i64::from(self.sending.next()))
            .bind(self.sending.acked_in().map(|round| round.0.cast_signed()))
            .bind(i64::from(peer_stream))
            .bind(i64::from(peer_ack))
            .bind(self.receiving.early().cast_signed())
            .bind(self.receiving.owed())
            .bind(self.told.map(|(round, _)| round.0.cast_signed()))
            .bind(self.told.map(|(_, slot)| i64::from(slot)))
            .execute(db)
            .await?;
        Ok(())
    }

    /// The acknowledgement for a payload in `slot` of `round`, which owes none any more then.
    pub(super) fn tell(&mut self, round: Round, slot: u8) -> (u32, u32) {
        self.receiving.told();
        self.told = Some((round, slot));
        self.receiving.ack()
    }

    /// Gives `fragments` fragments their numbers, and returns the first.
    ///
    /// If nothing is under way they begin a new stream: a home that was restored from a backup must not give other
    /// fragments the numbers that it has forgotten.
    pub(super) async fn number(
        &mut self,
        db: &mut SqliteConnection,
        fragments: u32,
        now: UnixMs,
    ) -> Result<u32, StoreError> {
        let (next, idle) = (self.sending.next(), self.sending.acked() + 1 == self.sending.next());
        if next.checked_add(fragments).is_none() || (idle && next > 1) {
            // With the last stream of all, its numbers go on.
            if let Some(stream) = self.sending.stream().checked_add(1) {
                self.restart(db, stream.max(stream_at(now))).await?;
            }
        }
        let first = self.sending.next();
        for _ in 0..fragments {
            self.sending.push().ok_or(StoreError::Damaged)?;
        }
        Ok(first)
    }

    /// The contact acknowledged in `round` all of `ack_stream` up to `ack`: which messages have come further, or
    /// fell back because it has lost what it had.
    pub(super) async fn acknowledged(
        &mut self,
        db: &mut SqliteConnection,
        round: Round,
        (ack_stream, ack): (u32, u32),
        now: UnixMs,
    ) -> Result<Vec<(MessageId, Delivery)>, StoreError> {
        match self.sending.acknowledged(round, ack_stream, ack) {
            Acked::Nothing => Ok(Vec::new()),
            Acked::Progress(arrived) => {
                let query = "DELETE FROM under_way WHERE contact = $1 AND sequence <= $2";
                let query = sqlx::query(query).bind(&self.contact).bind(i64::from(*arrived.end()));
                query.execute(&mut *db).await?;
                delivered(db, &self.contact, *arrived.end(), now).await
            }
            Acked::Restart(stream) => {
                let last = self.sending.acked().saturating_add(WINDOW);
                let query = "SELECT id FROM outbox WHERE contact = $1 AND first <= $2 ORDER BY id";
                let query = sqlx::query_scalar(query).bind(&self.contact).bind(i64::from(last));
                let begun: Vec<i64> = query.fetch_all(&mut *db).await?;
                self.restart(db, stream).await?;
                // What is read now is what was written down.
                self.save(db).await?;
                states(db, &begun).await
            }
        }
    }

    /// After the home was restored from a backup: everything goes on in a stream that was never used, `newest` or a
    /// newer one, and the contact is told how far the home is, which may be less than it was told before.
    pub(super) async fn begin_again(
        mut self,
        db: &mut SqliteConnection,
        newest: u32,
    ) -> Result<(), StoreError> {
        let stream = self.sending.stream().saturating_add(1).max(newest);
        self.restart(db, stream).await?;
        let (known, ack) = self.receiving.ack();
        let told = Receiving::from_parts(known, ack, self.receiving.early(), known > 0);
        self.receiving = told.ok_or(StoreError::Damaged)?;
        self.told = None;
        self.save(db).await
    }

    /// Numbers what was not delivered anew.
    async fn restart(&mut self, db: &mut SqliteConnection, stream: u32) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM under_way WHERE contact = $1").bind(&self.contact);
        query.execute(&mut *db).await?;
        let query = "UPDATE outbox SET first = numbered.first
             FROM (SELECT id, 1 + SUM(fragments) OVER (ORDER BY id) - fragments AS first
                   FROM outbox WHERE contact = $1 AND first IS NOT NULL) AS numbered
             WHERE outbox.id = numbered.id";
        sqlx::query(query).bind(&self.contact).execute(&mut *db).await?;
        let query = "SELECT COALESCE(SUM(fragments), 0) FROM outbox
             WHERE contact = $1 AND first IS NOT NULL";
        let fragments = sqlx::query_scalar(query).bind(&self.contact).fetch_one(db).await?;
        self.sending.restart(stream, narrow(fragments)?);
        Ok(())
    }
}
