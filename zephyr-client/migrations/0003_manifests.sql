-- Later versions of the network's manifest, each signed by the servers of the one before.
CREATE TABLE manifests (
    version INTEGER PRIMARY KEY CHECK (version > 0),
    signed  BLOB    NOT NULL
) STRICT;
