//! What is written of owners themselves.
//!
//! Must not know of transactions: each function is a part of one.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result};

use super::{execute, one};
use crate::Owner;

/// The number that stands for an owner in the rows. Only an owner's first row makes one.
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

/// The rest goes with an owner, by the foreign keys. Whoever fetches something uses it, too.
const DROP_UNUSED: &str = "
    DELETE FROM owner WHERE id IN (
        SELECT owner FROM passing_owner AS passing
        WHERE used_at < ?1
          AND NOT EXISTS (SELECT 1 FROM activity_history WHERE owner = passing.owner AND fetched_at >= ?1))";

/// Notes the use of one, and drops those that are not used. Returns how many these were.
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
