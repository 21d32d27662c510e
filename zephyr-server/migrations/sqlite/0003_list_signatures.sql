-- A signature under a list carries the two hashes that it covers. Lists from before have none, and no client takes them.
DELETE FROM mailbox_rounds;
DELETE FROM mailbox_uploads;
DELETE FROM mailbox_messages;
DROP TABLE mailbox_lists;
CREATE TABLE mailbox_lists (
    upload    INTEGER NOT NULL,
    mailbox   INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    messages  INTEGER NOT NULL,
    signature BLOB    NOT NULL CHECK (length(signature) = 128),
    PRIMARY KEY (upload, mailbox)
) STRICT, WITHOUT ROWID;
