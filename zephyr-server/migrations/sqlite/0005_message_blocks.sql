-- Messages that follow each other in an upload are in one row: a database writes few long rows faster than many short ones.
-- id = upload * 2^32 + place of the first one, each of so many bytes.
CREATE TABLE mailbox_blocks (
    id       INTEGER NOT NULL PRIMARY KEY,
    length   INTEGER NOT NULL CHECK (length > 0),
    messages BLOB    NOT NULL
) STRICT;
INSERT INTO mailbox_blocks SELECT id, length(message), message FROM mailbox_messages;
DROP TABLE mailbox_messages;
