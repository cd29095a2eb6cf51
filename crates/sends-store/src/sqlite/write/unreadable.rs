//! What is written of readings that failed.
//!
//! Must not know of transactions: each function is a part of one.

use sqlx::{Error, SqliteConnection};

use super::moments::{rounded_down, stretch};
use super::owners::owner_number;
use crate::{FailedReading, Owner, Subject};

const KEEP: &str = "
    INSERT INTO unreadable (owner, kind, subject, missing_from, missing_until, since, tried_at, reason)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
    ON CONFLICT (owner, kind, subject) DO UPDATE
    -- With NULL, which reaches back to the beginning, the lesser one is NULL.
    SET missing_from = min(missing_from, excluded.missing_from),
        missing_until = max(missing_until, excluded.missing_until),
        tried_at = excluded.tried_at, reason = excluded.reason";

pub(super) async fn keep_failed(
    connection: &mut SqliteConnection,
    owner: Owner,
    failed: &FailedReading,
) -> Result<(), Error> {
    let number = owner_number(connection, owner).await?;
    let (kind, id) = key(&failed.subject);
    let (from, until) = stretch(failed.missing_from, failed.missing_until);
    let keep = sqlx::query(KEEP)
        .bind(number)
        .bind(kind)
        .bind(id)
        .bind(from)
        .bind(until)
        .bind(rounded_down(failed.failed_at))
        .bind(failed.reason.as_str());
    keep.execute(connection).await?;
    Ok(())
}

/// It was read, or there is nothing to read any more.
pub(super) async fn clear(
    connection: &mut SqliteConnection,
    owner: i64,
    subject: Subject,
) -> Result<(), Error> {
    let (kind, id) = key(&subject);
    let clear = sqlx::query("DELETE FROM unreadable WHERE owner = ?1 AND kind = ?2 AND subject = ?3");
    clear.bind(owner).bind(kind).bind(id).execute(connection).await?;
    Ok(())
}

/// The kinds are listed in the migration.
fn key(subject: &Subject) -> (i64, &[u8]) {
    match subject {
        Subject::Campaign(id) => (1, id.as_bytes()),
        Subject::History(id) => (2, id.as_bytes()),
    }
}
