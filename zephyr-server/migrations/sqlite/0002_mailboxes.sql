-- What a mailbox server keeps. Numbers of rounds and times fit 63 bits.

-- Rounds of which something has come, with their signed directories.
CREATE TABLE mailbox_rounds (
    round     INTEGER NOT NULL PRIMARY KEY,
    directory BLOB    NOT NULL
) STRICT;

-- What one mixer delivers in one round. state: 0 coming, 1 complete, 2 to be deleted.
CREATE TABLE mailbox_uploads (
    upload INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    round  INTEGER NOT NULL,
    mixer  INTEGER NOT NULL,
    state  INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    digest BLOB             CHECK (length(digest) = 32),
    CHECK (state <> 1 OR digest IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX mailbox_uploads_complete ON mailbox_uploads (round, mixer) WHERE state = 1;
CREATE INDEX mailbox_uploads_rest ON mailbox_uploads (upload) WHERE state <> 1;

-- The mixer's signed list for one mailbox; its messages are the places from first on.
CREATE TABLE mailbox_lists (
    upload    INTEGER NOT NULL,
    mailbox   INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    messages  INTEGER NOT NULL,
    signature BLOB    NOT NULL CHECK (length(signature) = 64),
    PRIMARY KEY (upload, mailbox)
) STRICT, WITHOUT ROWID;

-- The messages. id = upload * 2^32 + place: an upload is one piece of the tree, written from front to back and
-- read the same way, without a second index.
CREATE TABLE mailbox_messages (
    id      INTEGER NOT NULL PRIMARY KEY,
    message BLOB    NOT NULL
) STRICT;
