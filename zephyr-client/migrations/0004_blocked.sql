-- People from whom nothing is taken. None of them is a contact.
CREATE TABLE blocked (
    address     TEXT    PRIMARY KEY,
    blocked_at  INTEGER NOT NULL
) STRICT;
