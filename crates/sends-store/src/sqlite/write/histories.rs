//! Writes responses, and deletes known records that responses lack, within the caller's transaction.

mod known;
mod rows;

use rusqlite::{Connection, Result};
use sends_core::{ActivityId, SendHistory};

use self::known::Known;
use self::rows::{Rows, write};
use super::moments::rounded_down;
use super::{execute, one, unreadable};
use crate::{Answer, FailedReading, Finding, Owner, StoredAnswer, Subject, UNCONFIRMED_REMOVAL};

/// Stores a response. Known records of a campaign's activity that the response lacks are retained, and the history counts as
/// unreadable. A single response is not sufficient to delete records.
pub(super) fn keep(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    stored: &StoredAnswer,
) -> Result<()> {
    let rows = Rows::find(connection, owner, activity)?;
    let known = Known::read(connection, &rows)?.unwrap_or_default();
    merge(connection, &rows, stored, &known)
}

pub(super) fn settle(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    stored: &StoredAnswer,
    finding: Finding,
) -> Result<u64> {
    const MARK: &str = "UPDATE activity_history SET missing_since = ?3 WHERE owner = ?1 AND activity = ?2";
    let rows = Rows::find(connection, owner, activity)?;
    let Some(known) = Known::read(connection, &rows)? else {
        return Ok(0);
    };
    let merged = known.merged(&stored.answer);
    let lost = u64::try_from(merged.lost).unwrap_or(u64::MAX);
    if lost == 0 || !merged.is_known_lack {
        return Ok(lost);
    }
    let (began, found_at) = (rounded_down(finding.began), rounded_down(finding.found_at));
    match known.missing_since {
        // A wrong clock may have dated the finding in the future.
        Some(since) if since < began || since > found_at => {
            merge(connection, &rows, stored, &Known::default())?;
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
        stored,
        Some(&known.history),
        UNCONFIRMED_REMOVAL.to_owned(),
    );
    unreadable::keep_failed_of(connection, rows.owner, &failed)?;
    Ok(lost)
}

/// Maximum delay in seconds between a send's run and its date in the summaries report (inferred).
const SAME_SEND_SECONDS: i64 = 60;

/// Clears the last send of the summaries report if that send was deleted. A later date belongs to another send.
const FORGET_LAST_SENT: &str = "
    UPDATE campaign SET last_sent_at = NULL, last_sent_at_nanos = NULL
    WHERE id = (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2) AND status IS NOT 'REMOVED'
      AND (?3 IS NULL OR last_sent_at <= ?3)";

fn merge(connection: &Connection, rows: &Rows, stored: &StoredAnswer, known: &Known) -> Result<()> {
    let (owner, activity) = (rows.owner, rows.activity);
    let merged = known.merged(&stored.answer);
    let missing_since = known
        .missing_since
        .filter(|_| merged.lost > 0 && merged.is_known_lack);
    if stored.answer == Answer::NotFound && known.records > 0 {
        if !merged.is_known_lack {
            for lose in LOSE_ALL {
                execute(connection, lose, (owner, activity.as_bytes()))?;
            }
        }
    } else {
        write(connection, rows, stored, &merged, missing_since)?;
    }
    let reason = match &stored.answer {
        Answer::NotFound if is_shown(connection, owner, activity)? => Some(NOT_FOUND_BUT_SHOWN.to_owned()),
        Answer::History(history) if history.unreadable_sends() > 0 => Some(reason_of_partial(history)),
        _ if merged.lost > 0 => Some(UNCONFIRMED_REMOVAL.to_owned()),
        _ if merged.history.iter().any(|send| send.run_date.is_none()) => Some(UNDATED.to_owned()),
        _ => None,
    };
    match reason {
        Some(reason) => {
            let failed = failed(activity, stored, Some(&merged.history), reason);
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

fn failed(
    activity: ActivityId,
    stored: &StoredAnswer,
    history: Option<&SendHistory>,
    reason: String,
) -> FailedReading {
    let last_run = history.and_then(|history| history.summary().last_run_date);
    FailedReading {
        subject: Subject::History(activity),
        missing_from: None,
        // Neither the missing records nor their run dates are known.
        missing_until: last_run.map_or(stored.fetched_at, |ran| ran.max(stored.fetched_at)),
        failed_at: stored.fetched_at,
        records: 0,
        reason,
    }
}

/// Selects whether a campaign that is neither deleted nor removed lists the activity as sendable.
const IS_SHOWN: &str = "
    SELECT EXISTS (
        SELECT 1 FROM campaign_activity AS known JOIN campaign ON campaign.id = known.campaign
        WHERE known.owner = ?1 AND known.activity = ?2 AND known.is_listed AND known.role IS NOT 'permalink'
          AND campaign.status IS NOT 'REMOVED' AND campaign.is_gone = 0)";

const NOT_FOUND_BUT_SHOWN: &str =
    "Constant Contact lists this activity with its campaign but does not find its history.";

/// Failure reason of a history with an undated send, which may belong to any time range. The log may lack another send as well,
/// since an undated send cannot be identified as the last send of the summaries report.
const UNDATED: &str = "Constant Contact returned a send of this activity without a readable date.";

fn is_shown(connection: &Connection, owner: i64, activity: ActivityId) -> Result<bool> {
    one(connection, IS_SHOWN, (owner, activity.as_bytes()))
}

fn reason_of_partial(history: &SendHistory) -> String {
    match history.unreadable_sends() {
        1 => "Constant Contact returned one unreadable send of this activity.".to_owned(),
        count => {
            format!("Constant Contact returned {count} unreadable sends of this activity.")
        }
    }
}
