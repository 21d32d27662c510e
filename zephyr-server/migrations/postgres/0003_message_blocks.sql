-- Messages that follow each other in an upload are in one row: a database writes few long rows faster than many short ones.
-- id = upload * 2^32 + place of the first one, each of so many bytes. They look random, so compressing them is a waste; a
-- good part of the table goes with every round.
CREATE TABLE mailbox_blocks (
    id       BIGINT NOT NULL PRIMARY KEY,
    length   BIGINT NOT NULL CHECK (length > 0),
    messages BYTEA  NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE mailbox_blocks ALTER COLUMN messages SET STORAGE EXTERNAL;
INSERT INTO mailbox_blocks SELECT id, length(message), message FROM mailbox_messages;
DROP TABLE mailbox_messages;
