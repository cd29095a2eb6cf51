//! What is written of owners themselves.
//!
//! Must not know of transactions: each function is a part of one.

use jiff::Timestamp;
use sqlx::{Error, SqliteConnection};

use crate::Owner;

/// The number that stands for an owner in the rows. Only an owner's first row makes one.
pub(super) async fn owner_number(connection: &mut SqliteConnection, owner: Owner) -> Result<i64, Error> {
    let find = sqlx::query_scalar("SELECT id FROM owner WHERE key = ?1").bind(owner.as_bytes().as_slice());
    if let Some(number) = find.fetch_optional(&mut *connection).await? {
        return Ok(number);
    }
    let add = sqlx::query_scalar("INSERT INTO owner (key) VALUES (?1) RETURNING id");
    add.bind(owner.as_bytes().as_slice()).fetch_one(connection).await
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
pub(super) async fn keep_passing(
    connection: &mut SqliteConnection,
    owner: Owner,
    now: Timestamp,
    unused_since: Timestamp,
) -> Result<u64, Error> {
    let number = owner_number(connection, owner).await?;
    let note = sqlx::query(NOTE_USE).bind(number).bind(now.as_second());
    note.execute(&mut *connection).await?;
    let drop = sqlx::query(DROP_UNUSED).bind(unused_since.as_second());
    Ok(drop.execute(connection).await?.rows_affected())
}
