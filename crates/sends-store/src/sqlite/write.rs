//! What is written to the tables.
//!
//! Owns one change at a time and its statements. Must not know of transactions, nor of the changes before and after.

mod campaigns;
mod moments;
mod owners;
mod unreadable;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::{
    ActivityId, ActivityReference, Campaign, CampaignId, Outcome, ReasonCode, SendAttempt, SendStatus,
};
use sqlx::{Row, SqliteConnection};

use self::owners::owner_number;
use super::read::count;
use crate::list_ids::{self, UUID_LENGTH};
use crate::{Answer, FailedReading, Kept, Listing, Owner, Subject, SyncState, SyncWork};

/// One change to the store.
pub(super) enum Change {
    Keep {
        owner: Owner,
        activity: ActivityId,
        kept: Kept,
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
        activities: Vec<ActivityReference>,
    },
    KeepGone(Owner, CampaignId),
    Finish(Owner, SyncWork),
    KeepFailed(Owner, FailedReading),
    KeepState(Owner, SyncState),
    /// A change that means nothing.
    Probe,
}

impl Change {
    /// Makes the change. The number is the day's total for a change to it, or how many owners were dropped, and else 0.
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
            Self::KeepPassing {
                owner,
                now,
                unused_since,
            } => return owners::keep_passing(connection, *owner, *now, *unused_since).await,
            Self::AddCalls { day, calls } => return change_calls(connection, ADD_CALLS, *day, *calls).await,
            Self::RaiseCalls { day, at_least } => {
                return change_calls(connection, RAISE_CALLS, *day, *at_least).await;
            }
            Self::KeepListing(owner, listing) => campaigns::keep_listing(connection, *owner, listing).await?,
            Self::KeepActivities {
                owner,
                campaign,
                activities,
            } => campaigns::keep_activities(connection, *owner, campaign, activities).await?,
            Self::KeepGone(owner, campaign) => campaigns::keep_gone(connection, *owner, *campaign).await?,
            Self::Finish(owner, work) => campaigns::finish(connection, *owner, work).await?,
            Self::KeepFailed(owner, failed) => unreadable::keep_failed(connection, *owner, failed).await?,
            Self::KeepState(owner, state) => campaigns::keep_state(connection, *owner, state).await?,
            Self::Probe => {
                sqlx::query(PROBE).execute(connection).await?;
            }
        }
        Ok(0)
    }
}

const KEEP: &str = "
    INSERT INTO activity_history (owner, activity, fetched_at, fetched_at_nanos, sends)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (owner, activity) DO UPDATE
    SET fetched_at = excluded.fetched_at, fetched_at_nanos = excluded.fetched_at_nanos, sends = excluded.sends
    RETURNING id, (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2) AS campaign";

const KEEP_SEND: &str = "
    INSERT INTO send (history, ordinal, owner, activity, campaign, send_id, run_date, run_date_nanos, status, reason_code,
                      outcome, count, contact_list_ids, segment_ids)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// A send may name a list twice.
const KEEP_LIST: &str =
    "INSERT OR IGNORE INTO send_list (history, ordinal, owner, list) VALUES (?1, ?2, ?3, ?4)";

const KEEP_SEGMENT: &str =
    "INSERT OR IGNORE INTO send_segment (history, ordinal, owner, segment) VALUES (?1, ?2, ?3, ?4)";

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
    let owner = owner_number(connection, owner).await?;
    let (second, nanosecond) = parts(kept.fetched_at);
    let sends = kept.answer.send_count();
    let row = sqlx::query(KEEP)
        .bind(owner)
        .bind(activity.as_bytes().as_slice())
        .bind(second)
        .bind(nanosecond)
        .bind(sends.map(|sends| i64::try_from(sends).unwrap_or(i64::MAX)))
        .fetch_one(&mut *connection)
        .await?;
    let history = History {
        number: row.try_get("id")?,
        owner,
        activity,
        campaign: row.try_get("campaign")?,
    };
    for delete in DELETE_SENDS {
        sqlx::query(delete)
            .bind(history.number)
            .execute(&mut *connection)
            .await?;
    }
    if let Answer::History(sends) = &kept.answer {
        for (ordinal, send) in (0_i64..).zip(sends.iter()) {
            history.keep_send(connection, ordinal, send).await?;
        }
    }
    unreadable::clear(connection, owner, Subject::History(activity)).await
}

const DELETE_SENDS: [&str; 3] = [
    "DELETE FROM send WHERE history = ?1",
    "DELETE FROM send_list WHERE history = ?1",
    "DELETE FROM send_segment WHERE history = ?1",
];

/// The row that the sends belong to.
struct History {
    number: i64,
    owner: i64,
    activity: ActivityId,
    campaign: Option<i64>,
}

impl History {
    async fn keep_send(
        &self,
        connection: &mut SqliteConnection,
        ordinal: i64,
        send: &SendAttempt,
    ) -> Result<(), sqlx::Error> {
        let run_date = send.run_date.map(parts);
        let query = sqlx::query(KEEP_SEND)
            .bind(self.number)
            .bind(ordinal)
            .bind(self.owner)
            .bind(self.activity.as_bytes().as_slice())
            .bind(self.campaign)
            .bind(send.send_id)
            .bind(run_date.map(|(second, _)| second))
            .bind(run_date.map(|(_, nanosecond)| nanosecond))
            .bind(send.send_status.as_ref().map(SendStatus::as_str))
            .bind(send.reason_code.map(ReasonCode::get))
            .bind(outcome_code(send.outcome()))
            .bind(send.count);
        let lists = &send.contact_list_ids;
        let uuids = list_ids::to_uuids(lists);
        let query = match &uuids {
            _ if lists.is_empty() => query.bind(None::<Vec<u8>>),
            Some(uuids) => query.bind(uuids.as_slice()),
            None => query.bind(json(lists)?),
        };
        let segments = &send.segment_ids;
        let query = query.bind((!segments.is_empty()).then(|| json(segments)).transpose()?);
        query.execute(&mut *connection).await?;

        for (place, list) in lists.iter().enumerate() {
            let keep = sqlx::query(KEEP_LIST)
                .bind(self.number)
                .bind(ordinal)
                .bind(self.owner);
            let keep = match &uuids {
                Some(uuids) => keep.bind(&uuids[place * UUID_LENGTH..][..UUID_LENGTH]),
                None => keep.bind(list.as_str()),
            };
            keep.execute(&mut *connection).await?;
        }
        for segment in segments {
            let keep = sqlx::query(KEEP_SEGMENT)
                .bind(self.number)
                .bind(ordinal)
                .bind(self.owner);
            keep.bind(segment.get()).execute(&mut *connection).await?;
        }
        Ok(())
    }
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

/// Seconds and the nanoseconds beside them, as the columns have them.
pub(super) fn parts(timestamp: Timestamp) -> (i64, i32) {
    (timestamp.as_second(), timestamp.subsec_nanosecond())
}

fn json<T: serde::Serialize>(ids: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(ids).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The numbers are listed in the migration, and stay what they are.
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
