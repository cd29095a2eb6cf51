//! Writes failed reads within the caller's transaction.

use rusqlite::{Connection, Result, params};

use super::execute;
use super::moments::{rounded_down, rounded_outwards};
use super::owners::owner_number;
use crate::{FailedReading, Owner, Subject};

const KEEP: &str = "
    INSERT INTO unreadable (owner, kind, subject, missing_from, missing_until, since, tried_at, attempts, records, reason)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1, ?8, ?7)
    ON CONFLICT (owner, kind, subject) DO UPDATE
    -- `min` returns NULL if either value is NULL, which means from the beginning.
    SET missing_from = min(missing_from, excluded.missing_from),
        missing_until = max(missing_until, excluded.missing_until),
        -- A clock that was ahead may have dated the first failure later than this failure.
        since = min(since, excluded.since),
        attempts = attempts + (tried_at IS NOT excluded.tried_at),
        tried_at = excluded.tried_at, records = max(records, excluded.records), reason = excluded.reason";

pub(super) fn keep_failed(connection: &Connection, owner: Owner, failed: &FailedReading) -> Result<()> {
    keep_failed_of(connection, owner_number(connection, owner)?, failed)
}

pub(super) fn keep_failed_of(connection: &Connection, owner: i64, failed: &FailedReading) -> Result<()> {
    let (kind, id) = key(&failed.subject);
    let (from, until) = rounded_outwards(failed.missing_from, failed.missing_until);
    let failed_at = rounded_down(failed.failed_at);
    let records = i64::try_from(failed.records).unwrap_or(i64::MAX);
    let values = params![owner, kind, id, from, until, failed_at, failed.reason, records];
    execute(connection, KEEP, values)
}

pub(super) fn clear(connection: &Connection, owner: i64, subject: Subject) -> Result<()> {
    const CLEAR: &str = "DELETE FROM unreadable WHERE owner = ?1 AND kind = ?2 AND subject = ?3";
    let (kind, id) = key(&subject);
    execute(connection, CLEAR, (owner, kind, id))
}

fn key(subject: &Subject) -> (i64, &[u8]) {
    match subject {
        Subject::Campaign(id) => (1, id.as_bytes()),
        Subject::History(id) => (2, id.as_bytes()),
        Subject::Campaigns => (3, &[]),
        Subject::Summaries => (4, &[]),
    }
}
