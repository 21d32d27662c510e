-- A client's home. Times are Unix milliseconds; 64-bit numbers without a sign are kept bit for bit in INTEGER.

CREATE TABLE home (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    address         TEXT    NOT NULL,
    seed            BLOB    NOT NULL CHECK (length(seed) = 32),
    manifest        BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    contacts_only   INTEGER NOT NULL DEFAULT 0,
    -- The newest round in which a slot may have been filled: no slot of it or of an older one is filled again.
    last_round      INTEGER,
    last_directory  BLOB CHECK (length(last_directory) = 32),
    CHECK ((last_round IS NULL) = (last_directory IS NULL))
) STRICT;

CREATE TABLE registrations (
    pkg     BLOB    PRIMARY KEY CHECK (length(pkg) = 32),
    -- 0 a code was asked for, 1 registered, 2 waits to replace another key
    state   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    until   INTEGER
) STRICT;

CREATE TABLE contacts (
    address         TEXT    PRIMARY KEY,
    added_at        INTEGER NOT NULL,
    note            TEXT    NOT NULL DEFAULT '',
    -- What is sent to the contact.
    stream          INTEGER NOT NULL,
    next_sequence   INTEGER NOT NULL DEFAULT 1,
    -- What comes from it: its stream, and up to where all of it has arrived.
    peer_stream     INTEGER NOT NULL DEFAULT 0,
    peer_ack        INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Sequence numbers that arrived before one that is missing.
CREATE TABLE early (
    contact     TEXT    NOT NULL REFERENCES contacts (address) ON DELETE CASCADE,
    sequence    INTEGER NOT NULL,
    PRIMARY KEY (contact, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The id on the wire.
    message     INTEGER NOT NULL UNIQUE,
    contact     TEXT    NOT NULL REFERENCES contacts (address) ON DELETE CASCADE,
    content     INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    -- Bytes of body in each fragment but the last.
    chunk       INTEGER NOT NULL CHECK (chunk > 0),
    fragments   INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE fragments (
    outbox      INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    fragment    INTEGER NOT NULL,
    contact     TEXT    NOT NULL,
    stream      INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    -- 0 queued, 1 in a slot, 2 taken by a mixer
    state       INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    round       INTEGER,
    slot        INTEGER,
    PRIMARY KEY (outbox, fragment)
) STRICT, WITHOUT ROWID;

CREATE INDEX fragments_unsent ON fragments (contact, outbox, fragment) WHERE state < 2;
CREATE INDEX fragments_round ON fragments (round, slot) WHERE round IS NOT NULL;

-- Messages that are not complete yet. An empty sender is an anonymous one.
CREATE TABLE incoming (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    sender      TEXT    NOT NULL,
    message     INTEGER NOT NULL,
    content     INTEGER NOT NULL,
    fragments   INTEGER NOT NULL,
    arrived     INTEGER NOT NULL DEFAULT 0,
    -- Bytes of body so far.
    bytes       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (sender, message)
) STRICT;

CREATE TABLE incoming_fragments (
    incoming    INTEGER NOT NULL REFERENCES incoming (id) ON DELETE CASCADE,
    fragment    INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    PRIMARY KEY (incoming, fragment)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    sender      TEXT    NOT NULL,
    message     INTEGER NOT NULL,
    content     INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    round       INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    seen        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (sender, message)
) STRICT;

CREATE INDEX inbox_unseen ON inbox (id) WHERE seen = 0;
