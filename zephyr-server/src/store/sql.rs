//! Statements that SQLite and PostgreSQL understand alike.

use sqlx::SqlStr;
use sqlx::migrate::{self, MigrationType, Migrator};

/// A step to a version of the tables: version, description, statements.
pub(super) type Migration = (i64, &'static str, &'static str);

/// Brings tables to the version of the last step. (The macro that would read a folder compiles every
/// database driver a second time.)
pub(super) fn migrator(migrations: &[Migration]) -> Migrator {
    let migration = |&(version, description, sql): &Migration| {
        let (sql, kind) = (SqlStr::from_static(sql), MigrationType::Simple);
        migrate::Migration::new(version, description.into(), kind, sql, false)
    };
    Migrator::with_migrations(migrations.iter().map(migration).collect())
}

/// Of all servers.
pub(super) const OWN: &str =
    "INSERT INTO owners (role, server) VALUES ($1, $2) ON CONFLICT (role) DO NOTHING";
pub(super) const OWNER: &str = "SELECT server FROM owners WHERE role = $1";

/// The newest migration.
pub(super) const VERSION: &str = "SELECT max(version) FROM _sqlx_migrations WHERE success";

/// Of PKGs.
pub(super) mod registrations {
    pub const LOAD: &str = "SELECT client_key, since_ms, replacement_key, replacement_from_ms \
        FROM registrations WHERE address = $1";
    pub const PUT: &str = "INSERT INTO registrations \
        (address, client_key, since_ms, replacement_key, replacement_from_ms) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (address) DO UPDATE SET \
        client_key = excluded.client_key, since_ms = excluded.since_ms, \
        replacement_key = excluded.replacement_key, \
        replacement_from_ms = excluded.replacement_from_ms";
    pub const DELETE: &str = "DELETE FROM registrations WHERE address = $1";
}

/// Of mailbox servers. An upload's `state` is 0 while it comes, 1 when it is complete, 2 when it is to be deleted. A
/// round that is void has no directory.
pub(super) mod mailboxes {
    pub const DISCARD_ALL_COMING: &str = "UPDATE mailbox_uploads SET state = 2 WHERE state = 0";
    pub const ROUNDS: &str = "SELECT round, directory FROM mailbox_rounds ORDER BY round";
    pub const ROUND: &str = "SELECT round, directory FROM mailbox_rounds WHERE round = $1";
    pub const COMPLETE_UPLOADS: &str =
        "SELECT mixer, digest FROM mailbox_uploads WHERE round = $1 AND state = 1 ORDER BY mixer";
    /// Locks the row where there are locks of rows, so that the round can't be forgotten meanwhile.
    pub const PUT_ROUND: &str = "INSERT INTO mailbox_rounds (round, directory) VALUES ($1, $2) \
        ON CONFLICT (round) DO UPDATE SET round = excluded.round";
    /// In a void round it is discarded from the beginning.
    pub const BEGIN: &str = "INSERT INTO mailbox_uploads (round, mixer, state) \
        SELECT round, $2, CASE WHEN directory IS NULL THEN 2 ELSE 0 END \
        FROM mailbox_rounds WHERE round = $1 RETURNING upload";
    pub const IS_COMING: &str =
        "SELECT round, mixer FROM mailbox_uploads WHERE upload = $1 AND state = 0";
    pub const PUT_LISTS: &str =
        "INSERT INTO mailbox_lists (upload, mailbox, first, messages, signature) ";
    pub const PUT_BLOCKS: &str = "INSERT INTO mailbox_blocks (id, length, messages) ";
    pub const COMPLETE_UPLOAD_OF: &str =
        "SELECT digest FROM mailbox_uploads WHERE round = $1 AND mixer = $2 AND state = 1";
    pub const COMPLETE: &str =
        "UPDATE mailbox_uploads SET state = 1, digest = $2 WHERE upload = $1";
    pub const DISCARD: &str =
        "UPDATE mailbox_uploads SET state = 2 WHERE upload = $1 AND state = 0";
    pub const VOID: &str = "INSERT INTO mailbox_rounds (round, directory) VALUES ($1, NULL) \
        ON CONFLICT (round) DO UPDATE SET directory = NULL";
    pub const DELETE_ROUND: &str = "DELETE FROM mailbox_rounds WHERE round = $1";
    pub const DISCARD_ROUND: &str = "UPDATE mailbox_uploads SET state = 2 WHERE round = $1";
    pub const DISCARDED: &str =
        "SELECT upload FROM mailbox_uploads WHERE state = 2 ORDER BY upload LIMIT 1";
    pub const DELETE_BLOCKS: &str = "DELETE FROM mailbox_blocks WHERE id IN \
        (SELECT id FROM mailbox_blocks WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3)";
    pub const DELETE_LISTS: &str = "DELETE FROM mailbox_lists WHERE upload = $1 AND mailbox IN \
        (SELECT mailbox FROM mailbox_lists WHERE upload = $1 ORDER BY mailbox LIMIT $2)";
    pub const DELETE_UPLOAD: &str = "DELETE FROM mailbox_uploads WHERE upload = $1";
    pub const LISTS: &str = "SELECT l.upload, u.mixer, l.first, l.messages, l.signature \
        FROM mailbox_uploads u JOIN mailbox_lists l ON l.upload = u.upload \
        WHERE u.round = $1 AND u.state = 1 AND l.mailbox = $2 ORDER BY u.mixer";
    /// The last block that begins at the second place or before.
    pub const BLOCK: &str = "SELECT id, length, messages FROM mailbox_blocks \
        WHERE id >= $1 AND id <= $2 ORDER BY id DESC LIMIT 1";
}
