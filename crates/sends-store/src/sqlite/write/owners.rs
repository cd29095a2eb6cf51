//! Writes owners within the caller's transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result};

use super::{execute, one};
use crate::Owner;

/// Returns the row id of an owner. Creates the row if there is none.
pub(super) fn owner_number(connection: &Connection, owner: Owner) -> Result<i64> {
    let key = [owner.as_bytes()];
    let known = one(connection, "SELECT id FROM owner WHERE key = ?1", key).optional()?;
    known.map_or_else(
        || {
            one(
                connection,
                "INSERT INTO owner (key) VALUES (?1) RETURNING id",
                key,
            )
        },
        Ok,
    )
}

const NOTE_USE: &str = "
    INSERT INTO passing_owner (owner, used_at) VALUES (?1, ?2)
    ON CONFLICT (owner) DO UPDATE SET used_at = max(used_at, excluded.used_at)";

/// Cascading foreign keys delete the owner's data. A fetch counts as a use.
const DROP_UNUSED: &str = "
    DELETE FROM owner WHERE id IN (
        SELECT owner FROM passing_owner AS passing
        WHERE used_at < ?1
          AND NOT EXISTS (SELECT 1 FROM activity_history WHERE owner = passing.owner AND fetched_at >= ?1))";

pub(super) fn keep_passing(
    connection: &Connection,
    owner: Owner,
    now: Timestamp,
    unused_since: Timestamp,
) -> Result<u64> {
    let number = owner_number(connection, owner)?;
    execute(connection, NOTE_USE, (number, now.as_second()))?;
    let dropped = connection
        .prepare_cached(DROP_UNUSED)?
        .execute([unused_since.as_second()])?;
    Ok(dropped as u64)
}
