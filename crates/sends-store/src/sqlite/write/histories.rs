//! What is written of the upstream's answers about activities, and when known records are dropped that an answer lacks.
//!
//! Must not know of transactions: each function is a part of one.

mod known;
mod rows;

use rusqlite::{Connection, Result};
use sends_core::{ActivityId, SendHistory};

use self::known::Known;
use self::rows::{Rows, write};
use super::moments::rounded_down;
use super::{execute, one, unreadable};
use crate::{Answer, FailedReading, Finding, Owner, StoredAnswer, Subject, UNCONFIRMED_REMOVAL};

/// Keeps an answer. Records of a campaign's activity that are known and that the answer lacks stay, and the history counts as
/// unreadable: one answer is not enough to drop them.
pub(super) fn keep(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    kept: &StoredAnswer,
) -> Result<()> {
    let rows = Rows::find(connection, owner, activity)?;
    let known = Known::read(connection, &rows)?.unwrap_or_default();
    merge(connection, &rows, kept, &known)
}

/// Drops the known records that an answer lacks when an earlier synchronisation has found just these missing, and marks them as
/// found missing otherwise. Returns how many stay.
pub(super) fn settle(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    kept: &StoredAnswer,
    finding: Finding,
) -> Result<u64> {
    const MARK: &str = "UPDATE activity_history SET missing_since = ?3 WHERE owner = ?1 AND activity = ?2";
    let rows = Rows::find(connection, owner, activity)?;
    let Some(known) = Known::read(connection, &rows)? else {
        return Ok(0);
    };
    let merged = known.merged(&kept.answer);
    let lost = u64::try_from(merged.lost).unwrap_or(u64::MAX);
    if lost == 0 || !merged.is_known_lack {
        return Ok(lost);
    }
    let (began, found_at) = (rounded_down(finding.began), rounded_down(finding.found_at));
    match known.missing_since {
        // A clock that was wrong may have dated it in the future.
        Some(since) if since < began || since > found_at => {
            merge(connection, &rows, kept, &Known::default())?;
            let last_run = known.history.summary().last_run_date;
            let reported_until = last_run.map(|ran| ran.as_second().saturating_add(SAME_SEND_SECONDS));
            execute(
                connection,
                FORGET_LAST_SENT,
                (rows.owner, activity.as_bytes(), reported_until),
            )?;
            return Ok(0);
        }
        Some(_) => {}
        None => execute(connection, MARK, (rows.owner, activity.as_bytes(), found_at))?,
    }
    let failed = failed(
        activity,
        kept,
        Some(&known.history),
        UNCONFIRMED_REMOVAL.to_owned(),
    );
    unreadable::keep_failed_of(connection, rows.owner, &failed)?;
    Ok(lost)
}

/// How many seconds later than it ran the summaries report may date a send (inferred).
const SAME_SEND_SECONDS: i64 = 60;

/// That the summaries report dates a send which is gone says nothing any more. A later date is that of another send.
const FORGET_LAST_SENT: &str = "
    UPDATE campaign SET last_sent_at = NULL, last_sent_at_nanos = NULL
    WHERE id = (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2) AND status IS NOT 'REMOVED'
      AND (?3 IS NULL OR last_sent_at <= ?3)";

/// Keeps an answer with the known records that it lacks.
fn merge(connection: &Connection, rows: &Rows, kept: &StoredAnswer, known: &Known) -> Result<()> {
    let (owner, activity) = (rows.owner, rows.activity);
    let merged = known.merged(&kept.answer);
    let missing_since = known
        .missing_since
        .filter(|_| merged.lost > 0 && merged.is_known_lack);
    if kept.answer == Answer::NotFound && known.records > 0 {
        if !merged.is_known_lack {
            for lose in LOSE_ALL {
                execute(connection, lose, (owner, activity.as_bytes()))?;
            }
        }
    } else {
        write(connection, rows, kept, &merged, missing_since)?;
    }
    let reason = match &kept.answer {
        Answer::NotFound if is_shown(connection, owner, activity)? => Some(NOT_FOUND_BUT_SHOWN.to_owned()),
        Answer::History(history) if history.unreadable_sends() > 0 => Some(reason_of_partial(history)),
        _ if merged.lost > 0 => Some(UNCONFIRMED_REMOVAL.to_owned()),
        _ if merged.history.iter().any(|send| send.run_date.is_none()) => Some(UNDATED.to_owned()),
        _ => None,
    };
    match reason {
        Some(reason) => {
            let failed = failed(activity, kept, Some(&merged.history), reason);
            unreadable::keep_failed_of(connection, owner, &failed)
        }
        None if rows.is_unreadable => unreadable::clear(connection, owner, Subject::History(activity)),
        None => Ok(()),
    }
}

const LOSE_ALL: [&str; 2] = [
    "UPDATE send SET is_missing = 1
     WHERE history = (SELECT id FROM activity_history WHERE owner = ?1 AND activity = ?2)",
    "UPDATE activity_history SET missing_since = NULL, is_found = 0 WHERE owner = ?1 AND activity = ?2",
];

/// An answer that lacks something, or may lack it.
fn failed(
    activity: ActivityId,
    kept: &StoredAnswer,
    history: Option<&SendHistory>,
    reason: String,
) -> FailedReading {
    let last_run = history.and_then(|history| history.summary().last_run_date);
    FailedReading {
        subject: Subject::History(activity),
        missing_from: None,
        // Which of them are missing is not known, so neither is when they ran.
        missing_until: last_run.map_or(kept.fetched_at, |ran| ran.max(kept.fetched_at)),
        failed_at: kept.fetched_at,
        records: 0,
        reason,
    }
}

/// Whether a campaign that is not removed lists the activity as one that can be sent.
const IS_SHOWN: &str = "
    SELECT EXISTS (
        SELECT 1 FROM campaign_activity AS known JOIN campaign ON campaign.id = known.campaign
        WHERE known.owner = ?1 AND known.activity = ?2 AND known.is_listed AND known.role IS NOT 'permalink'
          AND campaign.status IS NOT 'REMOVED' AND campaign.is_gone = 0)";

/// Why such an activity counts as unreadable.
const NOT_FOUND_BUT_SHOWN: &str =
    "Constant Contact shows this activity with its campaign and does not find its history.";

/// Why a history counts as unreadable that has a send without a date: any stretch of time may lack it. The log as a whole may
/// lack another one: without the date it is not known whether this is the last send that the summaries report has.
const UNDATED: &str =
    "Constant Contact does not say when a send of this activity ran, or in a form that cannot be read.";

fn is_shown(connection: &Connection, owner: i64, activity: ActivityId) -> Result<bool> {
    one(connection, IS_SHOWN, (owner, activity.as_bytes()))
}

/// Why a history counts as unreadable of which some sends could not be read.
fn reason_of_partial(history: &SendHistory) -> String {
    match history.unreadable_sends() {
        1 => "Constant Contact gave one send of this activity in a form that cannot be read.".to_owned(),
        count => {
            format!("Constant Contact gave {count} sends of this activity in a form that cannot be read.")
        }
    }
}
