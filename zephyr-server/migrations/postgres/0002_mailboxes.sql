-- What a mailbox server keeps. Numbers of rounds and times fit 63 bits.

-- Rounds of which something has come, with their signed directories; a round that is void has none.
CREATE TABLE mailbox_rounds (
    round     BIGINT NOT NULL PRIMARY KEY,
    directory BYTEA
);

-- What one mixer delivers in one round. state: 0 coming, 1 complete, 2 to be deleted.
CREATE TABLE mailbox_uploads (
    upload BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    round  BIGINT NOT NULL,
    mixer  BIGINT NOT NULL,
    state  BIGINT NOT NULL CHECK (state IN (0, 1, 2)),
    digest BYTEA           CHECK (length(digest) = 32),
    CHECK (state <> 1 OR digest IS NOT NULL)
);
CREATE UNIQUE INDEX mailbox_uploads_complete ON mailbox_uploads (round, mixer) WHERE state = 1;
CREATE INDEX mailbox_uploads_rest ON mailbox_uploads (upload) WHERE state <> 1;

-- The mixer's signed list for one mailbox; its messages are the places from first on.
CREATE TABLE mailbox_lists (
    upload    BIGINT NOT NULL,
    mailbox   BIGINT NOT NULL,
    first     BIGINT NOT NULL,
    messages  BIGINT NOT NULL,
    signature BYTEA  NOT NULL CHECK (length(signature) = 128),
    PRIMARY KEY (upload, mailbox)
);

-- The messages. id = upload * 2^32 + place: an upload is one range, written and read from front to back. They look
-- random, so compressing them is a waste; a good part of the table goes with every round.
CREATE TABLE mailbox_messages (
    id      BIGINT NOT NULL PRIMARY KEY,
    message BYTEA  NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE mailbox_messages ALTER COLUMN message SET STORAGE EXTERNAL;
