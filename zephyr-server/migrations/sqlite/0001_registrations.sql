-- The addresses registered at a PKG. Times are milliseconds since the Unix epoch.
CREATE TABLE registrations (
    address             TEXT    NOT NULL PRIMARY KEY,
    client_key          BLOB    NOT NULL CHECK (length(client_key) = 32),
    since_ms            INTEGER NOT NULL,
    replacement_key     BLOB             CHECK (length(replacement_key) = 32),
    replacement_from_ms INTEGER,
    CHECK ((replacement_key IS NULL) = (replacement_from_ms IS NULL))
) STRICT, WITHOUT ROWID;
