//! What is written to the tables.
//!
//! Owns one change at a time and its statements. Must not know of transactions, nor of the changes before and after.

mod campaigns;
mod moments;
mod owners;
mod unreadable;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, Error, Params, Result, ToSql, params};
use sends_core::{
    ActivityId, ActivityReference, Campaign, CampaignId, Outcome, ReasonCode, SendAttempt, SendStatus,
    Verbatim,
};

use self::owners::owner_number;
use super::read::count;
use crate::checksum;
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
        lack: Option<FailedReading>,
    },
    KeepGone(Owner, CampaignId),
    Finish(Owner, SyncWork),
    KeepFailed(Owner, FailedReading),
    KeepListed(Owner, Subject),
    KeepState(Owner, SyncState),
    /// A change that means nothing.
    Probe,
}

impl Change {
    pub(super) fn is_probe(&self) -> bool {
        matches!(self, Self::Probe)
    }

    /// Makes the change. The number is the day's total for a change to it, or how many owners were dropped, and else 0.
    pub(super) fn apply(&self, connection: &Connection) -> Result<u64> {
        match self {
            Self::Keep {
                owner,
                activity,
                kept,
            } => keep(connection, *owner, *activity, kept)?,
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
                activities,
                lack,
            } => campaigns::keep_activities(connection, *owner, campaign, activities, lack.as_ref())?,
            Self::KeepGone(owner, campaign) => campaigns::keep_gone(connection, *owner, *campaign)?,
            Self::Finish(owner, work) => campaigns::finish(connection, *owner, work)?,
            Self::KeepFailed(owner, failed) => unreadable::keep_failed(connection, *owner, failed)?,
            Self::KeepListed(owner, subject) => {
                unreadable::clear(connection, owner_number(connection, *owner)?, *subject)?;
            }
            Self::KeepState(owner, state) => campaigns::keep_state(connection, *owner, state)?,
            Self::Probe => execute(connection, PROBE, ())?,
        }
        Ok(0)
    }
}

/// Runs a statement that has no result.
fn execute(connection: &Connection, sql: &'static str, values: impl Params) -> Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// Runs a statement with one result.
fn one<T: FromSql>(connection: &Connection, sql: &'static str, values: impl Params) -> Result<T> {
    connection
        .prepare_cached(sql)?
        .query_one(values, |row| row.get(0))
}

/// The rest goes with it, by the foreign keys.
const FORGET: &str = "DELETE FROM owner WHERE key = ?1";

const KEEP: &str = "
    INSERT INTO activity_history (owner, activity, fetched_at, fetched_at_nanos, sends, unreadable_sends, unreadable_values,
                                  checksum)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (owner, activity) DO UPDATE
    SET fetched_at = excluded.fetched_at, fetched_at_nanos = excluded.fetched_at_nanos, sends = excluded.sends,
        unreadable_sends = excluded.unreadable_sends, unreadable_values = excluded.unreadable_values,
        checksum = excluded.checksum
    RETURNING id, (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2) AS campaign";

const KEEP_SEND: &str = "
    INSERT INTO send (history, ordinal, owner, activity, campaign, send_id, run_date, run_date_nanos, status,
                      status_spelling, reason_code, outcome, count, contact_list_ids, segment_ids, checksum)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

/// A send may name a list twice.
const KEEP_LIST: &str = "
    INSERT OR IGNORE INTO send_list (history, ordinal, owner, list, outcome, run_date, run_date_nanos, count)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

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

fn keep(connection: &Connection, owner: Owner, activity: ActivityId, kept: &Kept) -> Result<()> {
    let checksum = checksum::of_answer(owner, activity, kept);
    let (owner, key) = (owner_number(connection, owner)?, owner);
    let (second, nanosecond) = parts(kept.fetched_at);
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    let (unreadable_sends, unreadable_values) = kept.answer.unreadable();
    let values = params![
        owner,
        activity.as_bytes(),
        second,
        nanosecond,
        kept.answer.send_count().map(number),
        number(unreadable_sends),
        number(unreadable_values),
        checksum,
    ];
    let history = connection.prepare_cached(KEEP)?.query_one(values, |row| {
        Ok(History {
            number: row.get("id")?,
            owner,
            key,
            activity,
            campaign: row.get("campaign")?,
        })
    })?;
    for delete in DELETE_SENDS {
        execute(connection, delete, [history.number])?;
    }
    if let Answer::History(sends) = &kept.answer {
        for (ordinal, send) in (0_u32..).zip(sends.iter()) {
            history.keep_send(connection, ordinal, send)?;
        }
    }
    let reason = match &kept.answer {
        Answer::History(_) => (unreadable_sends > 0).then(|| reason_of_partial(unreadable_sends)),
        Answer::NotFound => {
            let is_shown: bool = one(connection, IS_SHOWN, (owner, activity.as_bytes()))?;
            is_shown.then(|| NOT_FOUND_BUT_SHOWN.to_owned())
        }
    };
    let Some(reason) = reason else {
        return unreadable::clear(connection, owner, Subject::History(activity));
    };
    let last_run = match &kept.answer {
        Answer::History(history) => history.summary().last_run_date,
        Answer::NotFound => None,
    };
    let failed = FailedReading {
        subject: Subject::History(activity),
        missing_from: None,
        // Which of them are missing is not known, so neither is when they ran.
        missing_until: last_run.map_or(kept.fetched_at, |ran| ran.max(kept.fetched_at)),
        failed_at: kept.fetched_at,
        reason,
    };
    unreadable::keep_failed_of(connection, owner, &failed)
}

/// Whether a campaign that is not removed has the activity as one that can be sent.
const IS_SHOWN: &str = "
    SELECT EXISTS (
        SELECT 1 FROM campaign_activity AS known JOIN campaign ON campaign.id = known.campaign
        WHERE known.owner = ?1 AND known.activity = ?2 AND known.role IS NOT 'permalink'
          AND campaign.status IS NOT 'REMOVED' AND campaign.is_gone = 0)";

/// Why such an activity counts as unreadable.
const NOT_FOUND_BUT_SHOWN: &str =
    "Constant Contact shows this activity with its campaign and does not find its history.";

/// Why a history counts as unreadable of which some sends could be read.
fn reason_of_partial(unreadable_sends: usize) -> String {
    match unreadable_sends {
        1 => "Constant Contact gave one send of this activity in a form that cannot be read.".to_owned(),
        count => {
            format!("Constant Contact gave {count} sends of this activity in a form that cannot be read.")
        }
    }
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
    key: Owner,
    activity: ActivityId,
    campaign: Option<i64>,
}

impl History {
    fn keep_send(&self, connection: &Connection, ordinal: u32, send: &SendAttempt) -> Result<()> {
        let run_date = send.run_date.map(parts);
        let lists = &send.contact_list_ids;
        let uuids = list_ids::to_uuids(lists);
        let all_lists = match &uuids {
            _ if lists.is_empty() => Value::Null,
            Some(uuids) => Value::Blob(uuids.clone()),
            None => Value::Text(json(lists)?),
        };
        let segments = &send.segment_ids;
        let all_segments = (!segments.is_empty()).then(|| json(segments)).transpose()?;
        let values = params![
            self.number,
            ordinal,
            self.owner,
            self.activity.as_bytes(),
            self.campaign,
            send.send_id,
            run_date.map(|(second, _)| second),
            run_date.map(|(_, nanosecond)| nanosecond),
            send.send_status.as_deref().map(SendStatus::as_str),
            send.send_status.as_ref().and_then(Verbatim::other_spelling),
            send.reason_code.map(ReasonCode::get),
            outcome_code(send.outcome()),
            send.count,
            all_lists,
            all_segments,
            checksum::of_send(self.key, self.activity, ordinal, send),
        ];
        execute(connection, KEEP_SEND, values)?;

        for (place, list) in lists.iter().enumerate() {
            let list: &dyn ToSql = match &uuids {
                Some(uuids) => &&uuids[place * UUID_LENGTH..][..UUID_LENGTH],
                None => &list.as_str(),
            };
            let values = params![
                self.number,
                ordinal,
                self.owner,
                list,
                outcome_code(send.outcome()),
                run_date.map(|(second, _)| second),
                run_date.map(|(_, nanosecond)| nanosecond),
                send.count,
            ];
            execute(connection, KEEP_LIST, values)?;
        }
        for segment in segments {
            let values = (self.number, ordinal, self.owner, segment.get());
            execute(connection, KEEP_SEGMENT, values)?;
        }
        Ok(())
    }
}

fn change_calls(connection: &Connection, change: &'static str, day: Date, calls: u64) -> Result<u64> {
    let calls = i64::try_from(calls).unwrap_or(i64::MAX);
    one(connection, change, (day.to_string(), calls)).map(count)
}

/// Seconds and the nanoseconds beside them, as the columns have them.
pub(super) fn parts(timestamp: Timestamp) -> (i64, i32) {
    (timestamp.as_second(), timestamp.subsec_nanosecond())
}

fn json<T: serde::Serialize>(ids: &[T]) -> Result<String> {
    serde_json::to_string(ids).map_err(|error| Error::ToSqlConversionFailure(error.into()))
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
