//! Writes responses about activities, and removes known records that responses lack.
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

/// Stores a response. Known records of a campaign's activity that the response lacks stay, and the history counts as unreadable:
/// one response is not enough to remove them.
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

/// Removes the known records that a response lacks if an earlier synchronisation has missed exactly the same ones, and otherwise
/// marks them as missing. Returns the number of missing records that stay.
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
        // A wrong clock may have dated the finding in the future.
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

/// Maximum delay in seconds of the date of a send in the summaries report after its run (inferred).
const SAME_SEND_SECONDS: i64 = 60;

/// Clears the last send by the summaries report if that send is gone. A later date belongs to another send.
const FORGET_LAST_SENT: &str = "
    UPDATE campaign SET last_sent_at = NULL, last_sent_at_nanos = NULL
    WHERE id = (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2) AND status IS NOT 'REMOVED'
      AND (?3 IS NULL OR last_sent_at <= ?3)";

/// Stores a response with the known records that it lacks.
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

/// Failure of a response that lacks, or may lack, records.
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
        // Which records are missing is unknown, and so are their run dates.
        missing_until: last_run.map_or(kept.fetched_at, |ran| ran.max(kept.fetched_at)),
        failed_at: kept.fetched_at,
        records: 0,
        reason,
    }
}

/// Whether a campaign that is neither gone nor removed lists the activity as one that can be sent.
const IS_SHOWN: &str = "
    SELECT EXISTS (
        SELECT 1 FROM campaign_activity AS known JOIN campaign ON campaign.id = known.campaign
        WHERE known.owner = ?1 AND known.activity = ?2 AND known.is_listed AND known.role IS NOT 'permalink'
          AND campaign.status IS NOT 'REMOVED' AND campaign.is_gone = 0)";

/// Failure reason of an activity that its campaign shows but whose history is not found.
const NOT_FOUND_BUT_SHOWN: &str =
    "Constant Contact shows this activity with its campaign and does not find its history.";

/// Failure reason of a history with an undated send: any time range may lack the send. The log as a whole may lack another send
/// too, since an undated one cannot be identified as the last send of the summaries report.
const UNDATED: &str =
    "Constant Contact does not say when a send of this activity ran, or in a form that cannot be read.";

fn is_shown(connection: &Connection, owner: i64, activity: ActivityId) -> Result<bool> {
    one(connection, IS_SHOWN, (owner, activity.as_bytes()))
}

/// Failure reason of a history with unreadable sends.
fn reason_of_partial(history: &SendHistory) -> String {
    match history.unreadable_sends() {
        1 => "Constant Contact gave one send of this activity in a form that cannot be read.".to_owned(),
        count => {
            format!("Constant Contact gave {count} sends of this activity in a form that cannot be read.")
        }
    }
}
