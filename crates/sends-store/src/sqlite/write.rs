//! Changes of the tables, applied within the caller's transaction.

mod campaigns;
mod histories;
mod moments;
mod owners;
mod unreadable;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Error, Params, Result};
use sends_core::{ActivityId, ActivityReference, Campaign, CampaignId, Outcome};

use self::owners::owner_number;
use super::read::count;
use crate::{FailedReading, Finding, Listing, Owner, StoredAnswer, Subject, SyncState, SyncWork};

pub(super) enum Change {
    Keep {
        owner: Owner,
        activity: ActivityId,
        kept: StoredAnswer,
    },
    SettleHistory {
        owner: Owner,
        activity: ActivityId,
        kept: StoredAnswer,
        finding: Finding,
    },
    Forget(Owner),
    KeepPassing {
        owner: Owner,
        now: Timestamp,
        unused_since: Timestamp,
    },
    AddCalls {
        day: Date,
        calls: u64,
    },
    RaiseCalls {
        day: Date,
        at_least: u64,
    },
    KeepListing(Owner, Listing),
    KeepActivities {
        owner: Owner,
        campaign: Campaign,
        listed: Vec<ActivityReference>,
        unlisted: Vec<ActivityReference>,
    },
    KeepGone(Owner, CampaignId),
    Finish(Owner, SyncWork),
    KeepFailed(Owner, FailedReading),
    KeepRead(Owner, Subject),
    KeepState(Owner, SyncState),
    /// Write without effect, to check that the store is writable.
    Probe,
}

impl Change {
    pub(super) fn is_probe(&self) -> bool {
        matches!(self, Self::Probe)
    }

    /// Applies the change. Returns the resulting daily call count, the number of deleted owners, or the number of missing records
    /// that a history retains. Returns 0 for changes that have no such number.
    pub(super) fn apply(&self, connection: &Connection) -> Result<u64> {
        match self {
            Self::Keep {
                owner,
                activity,
                kept,
            } => histories::keep(connection, *owner, *activity, kept)?,
            Self::SettleHistory {
                owner,
                activity,
                kept,
                finding,
            } => return histories::settle(connection, *owner, *activity, kept, *finding),
            Self::Forget(owner) => execute(connection, FORGET, [owner.as_bytes()])?,
            Self::KeepPassing {
                owner,
                now,
                unused_since,
            } => return owners::keep_passing(connection, *owner, *now, *unused_since),
            Self::AddCalls { day, calls } => return change_calls(connection, ADD_CALLS, *day, *calls),
            Self::RaiseCalls { day, at_least } => {
                return change_calls(connection, RAISE_CALLS, *day, *at_least);
            }
            Self::KeepListing(owner, listing) => campaigns::keep_listing(connection, *owner, listing)?,
            Self::KeepActivities {
                owner,
                campaign,
                listed,
                unlisted,
            } => campaigns::keep_activities(connection, *owner, campaign, listed, unlisted)?,
            Self::KeepGone(owner, campaign) => campaigns::keep_gone(connection, *owner, *campaign)?,
            Self::Finish(owner, work) => campaigns::finish(connection, *owner, work)?,
            Self::KeepFailed(owner, failed) => unreadable::keep_failed(connection, *owner, failed)?,
            Self::KeepRead(owner, subject) => {
                unreadable::clear(connection, owner_number(connection, *owner)?, *subject)?;
            }
            Self::KeepState(owner, state) => campaigns::keep_state(connection, *owner, state)?,
            Self::Probe => execute(connection, PROBE, ())?,
        }
        Ok(0)
    }
}

fn execute(connection: &Connection, sql: &'static str, values: impl Params) -> Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn one<T: FromSql>(connection: &Connection, sql: &'static str, values: impl Params) -> Result<T> {
    connection
        .prepare_cached(sql)?
        .query_one(values, |row| row.get(0))
}

/// Cascading foreign keys delete the owner's data.
const FORGET: &str = "DELETE FROM owner WHERE key = ?1";

/// Saturates, since SQLite would convert a sum beyond 64 bits to a float.
const ADD_CALLS: &str = "
    INSERT INTO day_calls (day, calls) VALUES (?1, ?2)
    ON CONFLICT (day) DO UPDATE
    SET calls = iif(calls > 9223372036854775807 - excluded.calls, 9223372036854775807, calls + excluded.calls)
    RETURNING calls";

const RAISE_CALLS: &str = "
    INSERT INTO day_calls (day, calls) VALUES (?1, ?2)
    ON CONFLICT (day) DO UPDATE SET calls = max(calls, excluded.calls)
    RETURNING calls";

const PROBE: &str = "
    INSERT INTO write_probe (id, writes) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET writes = (writes + 1) % 1000000";

fn change_calls(connection: &Connection, change: &'static str, day: Date, calls: u64) -> Result<u64> {
    let calls = i64::try_from(calls).unwrap_or(i64::MAX);
    one(connection, change, (day.to_string(), calls)).map(count)
}

pub(super) fn parts(timestamp: Timestamp) -> (i64, i32) {
    (timestamp.as_second(), timestamp.subsec_nanosecond())
}

fn json<T: serde::Serialize>(ids: &[T]) -> Result<String> {
    serde_json::to_string(ids).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// Returns the stored code (see `schema.sql`), which must not change.
pub(super) const fn outcome_code(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Sent => 1,
        Outcome::PartiallySent => 2,
        Outcome::Staged => 3,
        Outcome::NoRecipients => 4,
        Outcome::Failed => 5,
        Outcome::Unknown => 6,
    }
}
