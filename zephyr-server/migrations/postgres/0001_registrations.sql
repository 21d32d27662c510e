-- The addresses registered at a PKG. Times are milliseconds since the Unix epoch.
CREATE TABLE registrations (
    address             TEXT   NOT NULL COLLATE "C" PRIMARY KEY,
    client_key          BYTEA  NOT NULL CHECK (length(client_key) = 32),
    since_ms            BIGINT NOT NULL,
    replacement_key     BYTEA           CHECK (length(replacement_key) = 32),
    replacement_from_ms BIGINT,
    CHECK ((replacement_key IS NULL) = (replacement_from_ms IS NULL))
);

-- Whose tables these are: two servers of a role would overwrite each other's rows.
CREATE TABLE owners (
    role   TEXT  NOT NULL PRIMARY KEY,
    server BYTEA NOT NULL CHECK (length(server) = 32)
);
