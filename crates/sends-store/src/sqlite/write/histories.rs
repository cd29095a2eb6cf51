//! What is written of the upstream's answers about activities: the answer, its sends, and their lists and segments.
//!
//! Must not know of transactions: each function is a part of one.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, ToSql, params};
use sends_core::{ActivityId, ReasonCode, SendAttempt, SendHistory, SendStatus, Verbatim};

use super::owners::owner_number;
use super::{execute, json, one, outcome_code, parts, unreadable};
use crate::list_ids::{self, UUID_LENGTH};
use crate::sqlite::read;
use crate::{Answer, FailedReading, Kept, Owner, Subject, UNCONFIRMED_REMOVAL, checksum};

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

/// Keeps an answer. Sends of a campaign's activity that are known and that the answer lacks stay in the log, and the history
/// counts as unreadable: one answer is not enough to drop them.
pub(super) fn keep(connection: &Connection, owner: Owner, activity: ActivityId, kept: &Kept) -> Result<()> {
    let known = known_sends(connection, owner, activity)?;
    let unreadable = match (&kept.answer, known) {
        (Answer::NotFound, Some(known)) => {
            let number = owner_number(connection, owner)?;
            let reason = if is_shown(connection, number, activity)? {
                NOT_FOUND_BUT_SHOWN
            } else {
                UNCONFIRMED_REMOVAL
            };
            failed(activity, kept, Some(&known), reason.to_owned())
        }
        (Answer::History(history), Some(known)) if lacks(history, &known) => {
            let merged = Arc::new(merged(history, &known));
            let reason = reason_of_partial(history).unwrap_or_else(|| UNCONFIRMED_REMOVAL.to_owned());
            let unreadable = failed(activity, kept, Some(&merged), reason);
            let kept = Kept {
                fetched_at: kept.fetched_at,
                answer: Answer::History(merged),
            };
            write(connection, owner, activity, &kept)?;
            unreadable
        }
        _ => return replace(connection, owner, activity, kept),
    };
    unreadable::keep_failed(connection, owner, &unreadable)
}

/// Keeps an answer in place of the one before, whatever that has.
pub(super) fn replace(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    kept: &Kept,
) -> Result<()> {
    write(connection, owner, activity, kept)?;
    let number = owner_number(connection, owner)?;
    let (history, reason) = match &kept.answer {
        Answer::History(history) => (Some(&**history), reason_of_partial(history)),
        Answer::NotFound => {
            let is_shown = is_shown(connection, number, activity)?;
            (None, is_shown.then(|| NOT_FOUND_BUT_SHOWN.to_owned()))
        }
    };
    match reason {
        Some(reason) => {
            let failed = failed(activity, kept, history, reason);
            unreadable::keep_failed_of(connection, number, &failed)
        }
        None => unreadable::clear(connection, number, Subject::History(activity)),
    }
}

/// An answer that lacks sends, or may lack them.
fn failed(activity: ActivityId, kept: &Kept, history: Option<&SendHistory>, reason: String) -> FailedReading {
    let last_run = history.and_then(|history| history.summary().last_run_date);
    FailedReading {
        subject: Subject::History(activity),
        missing_from: None,
        // Which of them are missing is not known, so neither is when they ran.
        missing_until: last_run.map_or(kept.fetched_at, |ran| ran.max(kept.fetched_at)),
        failed_at: kept.fetched_at,
        reason,
    }
}

const HAS_SENDS_OF_A_CAMPAIGN: &str = "
    SELECT EXISTS (
        SELECT 1 FROM activity_history AS kept JOIN campaign_activity USING (owner, activity)
        WHERE kept.owner = ?1 AND kept.activity = ?2 AND kept.sends > 0)";

/// The sends of a campaign's activity as they are kept; `None` when there are none, or when they are damaged: then they are
/// written anew.
fn known_sends(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
) -> Result<Option<Arc<SendHistory>>> {
    let values = (owner_number(connection, owner)?, activity.as_bytes());
    if !one::<bool>(connection, HAS_SENDS_OF_A_CAMPAIGN, values)? {
        return Ok(None);
    }
    let kept = read::histories(connection, owner, &[activity]).ok();
    let kept = kept.and_then(|mut kept| kept.pop().flatten());
    Ok(kept.and_then(|kept| match kept.answer {
        Answer::History(history) => Some(history),
        Answer::NotFound => None,
    }))
}

fn is_in(history: &SendHistory, send: &SendAttempt) -> bool {
    history.iter().any(|other| other.send_id == send.send_id)
}

fn lacks(history: &SendHistory, known: &SendHistory) -> bool {
    known.iter().any(|send| !is_in(history, send))
}

/// The answer with the known sends that it lacks.
fn merged(history: &SendHistory, known: &SendHistory) -> SendHistory {
    let lacking = known.iter().filter(|send| !is_in(history, send));
    let sends = history.iter().chain(lacking).cloned().collect();
    SendHistory::new(sends).with_unreadable(history.unreadable_sends(), history.unreadable_values())
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

fn is_shown(connection: &Connection, owner: i64, activity: ActivityId) -> Result<bool> {
    one(connection, IS_SHOWN, (owner, activity.as_bytes()))
}

/// Why a history counts as unreadable of which some sends could not be read.
fn reason_of_partial(history: &SendHistory) -> Option<String> {
    match history.unreadable_sends() {
        0 => None,
        1 => {
            Some("Constant Contact gave one send of this activity in a form that cannot be read.".to_owned())
        }
        count => Some(format!(
            "Constant Contact gave {count} sends of this activity in a form that cannot be read."
        )),
    }
}

fn write(connection: &Connection, owner: Owner, activity: ActivityId, kept: &Kept) -> Result<()> {
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
    Ok(())
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
