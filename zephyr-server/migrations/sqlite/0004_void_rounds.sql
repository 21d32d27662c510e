-- A round that is void stays known until it is over: without a directory.
CREATE TABLE mailbox_rounds_now (
    round     INTEGER NOT NULL PRIMARY KEY,
    directory BLOB
) STRICT;
INSERT INTO mailbox_rounds_now SELECT round, directory FROM mailbox_rounds;
DROP TABLE mailbox_rounds;
ALTER TABLE mailbox_rounds_now RENAME TO mailbox_rounds;

-- Whose tables these are: two servers of a role would overwrite each other's rows.
CREATE TABLE owners (
    role   TEXT NOT NULL PRIMARY KEY,
    server BLOB NOT NULL CHECK (length(server) = 32)
) STRICT, WITHOUT ROWID;
