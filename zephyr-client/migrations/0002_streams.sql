-- What is sent is kept until it is acknowledged, what contacts send is handed on in order: the columns hold what
-- zephyr_core::stream is made of.

-- The newest stream to a contact that was removed: those to contacts added later are newer.
ALTER TABLE home ADD COLUMN last_stream INTEGER NOT NULL DEFAULT 0;

-- To the contact: all up to this number is acknowledged, and the newest round from which an acknowledgement came.
ALTER TABLE contacts ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN acked_in INTEGER;
-- From the contact: a bit for each number behind peer_ack, and whether it is to be told.
ALTER TABLE contacts ADD COLUMN peer_early INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN peer_owed INTEGER NOT NULL DEFAULT 0 CHECK (peer_owed IN (0, 1));
-- Where it was told last.
ALTER TABLE contacts ADD COLUMN told_round INTEGER;
ALTER TABLE contacts ADD COLUMN told_slot INTEGER;

-- The number of the first fragment, the others follow; NULL if nothing of the message is to be sent any more.
ALTER TABLE outbox ADD COLUMN first INTEGER;
ALTER TABLE outbox ADD COLUMN len INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN delivered_at INTEGER;
-- Of messages that were sent before acknowledgements were: the last round.
ALTER TABLE outbox ADD COLUMN sent_in INTEGER;

UPDATE outbox SET len = length(body);
UPDATE outbox SET body = x'', sent_in = (SELECT MAX(round) FROM fragments f WHERE f.outbox = outbox.id)
    WHERE NOT EXISTS (SELECT 1 FROM fragments f WHERE f.outbox = outbox.id AND f.state < 2);
UPDATE outbox SET first = numbered.first
    FROM (SELECT id, 1 + SUM(fragments) OVER (PARTITION BY contact ORDER BY id) - fragments AS first
          FROM outbox WHERE sent_in IS NULL) AS numbered
    WHERE outbox.id = numbered.id;
UPDATE contacts SET stream = MIN(stream + 1, 4294967295), next_sequence = 1 +
    (SELECT COALESCE(SUM(fragments), 0) FROM outbox o WHERE o.contact = address AND o.first IS NOT NULL);

DROP TABLE fragments;
DROP TABLE early;
CREATE INDEX outbox_first ON outbox (contact, first) WHERE first IS NOT NULL;

-- Numbers that are in a slot or were, until they are acknowledged.
CREATE TABLE under_way (
    contact     TEXT    NOT NULL REFERENCES contacts (address) ON DELETE CASCADE,
    sequence    INTEGER NOT NULL,
    -- The last slot; NULL if the number is due.
    round       INTEGER,
    slot        INTEGER,
    -- The newest round in which a mixer took it; NULL if none did or the round was void.
    taken       INTEGER,
    PRIMARY KEY (contact, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX under_way_round ON under_way (round, slot) WHERE round IS NOT NULL;

-- Contacts' fragments by number, until their message is whole and its turn has come. Those of other people stay
-- in incoming_fragments.
CREATE TABLE arrived (
    contact     TEXT    NOT NULL REFERENCES contacts (address) ON DELETE CASCADE,
    sequence    INTEGER NOT NULL,
    message     INTEGER NOT NULL,
    content     INTEGER NOT NULL,
    fragment    INTEGER NOT NULL,
    fragments   INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    PRIMARY KEY (contact, sequence)
) STRICT, WITHOUT ROWID;

DELETE FROM incoming WHERE sender IN (SELECT address FROM contacts);
