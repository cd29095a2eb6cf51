//! What is written to the tables.
//!
//! Owns one change at a time and its statements. Must not know of transactions, nor of the changes before and after.

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::{ActivityId, Outcome, ReasonCode, SendAttempt, SendStatus};
use sqlx::{Row, SqliteConnection};

use super::read::count;
use crate::{Answer, Kept, Owner, list_ids};

/// One change to the store.
pub(super) enum Change {
    Keep {
        owner: Owner,
        activity: ActivityId,
        kept: Kept,
    },
    Forget(Owner),
    AddCalls {
        day: Date,
        calls: u64,
    },
    RaiseCalls {
        day: Date,
        at_least: u64,
    },
    /// A change that means nothing.
    Probe,
}

impl Change {
    /// Makes the change. The number is the day's total for a change to it, and else 0.
    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
        match self {
            Self::Keep {
                owner,
                activity,
                kept,
            } => keep(connection, *owner, *activity, kept).await?,
            Self::Forget(owner) => {
                // The rest goes with it, by the foreign keys.
                let forget =
                    sqlx::query("DELETE FROM owner WHERE key = ?1").bind(owner.as_bytes().as_slice());
                forget.execute(connection).await?;
            }
            Self::AddCalls { day, calls } => return change_calls(connection, ADD_CALLS, *day, *calls).await,
            Self::RaiseCalls { day, at_least } => {
                return change_calls(connection, RAISE_CALLS, *day, *at_least).await;
            }
            Self::Probe => {
                sqlx::query(PROBE).execute(connection).await?;
            }
        }
        Ok(0)
    }
}

const KEEP: &str = "
    INSERT INTO activity_history (owner, activity, fetched_at, fetched_at_nanos, sends)
    SELECT id, ?2, ?3, ?4, ?5 FROM owner WHERE key = ?1
    ON CONFLICT (owner, activity) DO UPDATE
    SET fetched_at = excluded.fetched_at, fetched_at_nanos = excluded.fetched_at_nanos, sends = excluded.sends
    RETURNING id, owner";

const KEEP_SEND: &str = "
    INSERT INTO send (history, ordinal, owner, send_id, run_date, run_date_nanos, status, reason_code, outcome, count,
                      contact_list_ids, segment_ids)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// A sum beyond 64 bits would become a float.
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

async fn keep(
    connection: &mut SqliteConnection,
    owner: Owner,
    activity: ActivityId,
    kept: &Kept,
) -> Result<(), sqlx::Error> {
    let ids = if let Some(ids) = keep_answer(connection, owner, activity, kept).await? {
        Some(ids)
    } else {
        // Only an owner's first answer comes here.
        let add = sqlx::query("INSERT INTO owner (key) VALUES (?1)").bind(owner.as_bytes().as_slice());
        add.execute(&mut *connection).await?;
        keep_answer(connection, owner, activity, kept).await?
    };
    let (history, owner) = ids.ok_or(sqlx::Error::RowNotFound)?;
    let delete = sqlx::query("DELETE FROM send WHERE history = ?1").bind(history);
    delete.execute(&mut *connection).await?;
    if let Answer::History(sends) = &kept.answer {
        for (ordinal, send) in (0_i64..).zip(sends.iter()) {
            keep_send(connection, history, ordinal, owner, send).await?;
        }
    }
    Ok(())
}

/// The numbers of the history and its owner, or `None` if there is no such owner yet.
async fn keep_answer(
    connection: &mut SqliteConnection,
    owner: Owner,
    activity: ActivityId,
    kept: &Kept,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let (second, nanosecond) = parts(kept.fetched_at);
    let sends = kept.answer.send_count();
    let row = sqlx::query(KEEP)
        .bind(owner.as_bytes().as_slice())
        .bind(activity.as_bytes().as_slice())
        .bind(second)
        .bind(nanosecond)
        .bind(sends.map(|sends| i64::try_from(sends).unwrap_or(i64::MAX)))
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok((row.try_get("id")?, row.try_get("owner")?)))
        .transpose()
}

async fn keep_send(
    connection: &mut SqliteConnection,
    history: i64,
    ordinal: i64,
    owner: i64,
    send: &SendAttempt,
) -> Result<(), sqlx::Error> {
    let run_date = send.run_date.map(parts);
    let query = sqlx::query(KEEP_SEND)
        .bind(history)
        .bind(ordinal)
        .bind(owner)
        .bind(send.send_id)
        .bind(run_date.map(|(second, _)| second))
        .bind(run_date.map(|(_, nanosecond)| nanosecond))
        .bind(send.send_status.as_ref().map(SendStatus::as_str))
        .bind(send.reason_code.map(ReasonCode::get))
        .bind(outcome_code(send.outcome()))
        .bind(send.count);
    let lists = &send.contact_list_ids;
    let query = match list_ids::to_uuids(lists) {
        _ if lists.is_empty() => query.bind(None::<Vec<u8>>),
        Some(uuids) => query.bind(uuids),
        None => query.bind(json(lists)?),
    };
    let segments = &send.segment_ids;
    let query = query.bind((!segments.is_empty()).then(|| json(segments)).transpose()?);
    query.execute(connection).await.map(drop)
}

async fn change_calls(
    connection: &mut SqliteConnection,
    change: &'static str,
    day: Date,
    calls: u64,
) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar(change)
        .bind(day.to_string())
        .bind(i64::try_from(calls).unwrap_or(i64::MAX))
        .fetch_one(connection)
        .await
        .map(count)
}

fn parts(timestamp: Timestamp) -> (i64, i32) {
    (timestamp.as_second(), timestamp.subsec_nanosecond())
}

fn json<T: serde::Serialize>(ids: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(ids).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The numbers are listed in the migration, and stay what they are.
const fn outcome_code(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Sent => 1,
        Outcome::PartiallySent => 2,
        Outcome::Staged => 3,
        Outcome::NoRecipients => 4,
        Outcome::Failed => 5,
        Outcome::Unknown => 6,
    }
}
