//! What is written of the upstream's answers about activities: the answer, its sends, and their lists and segments.
//!
//! Must not know of transactions: each function is a part of one.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, ToSql, params};
use sends_core::{ActivityId, ReasonCode, SendAttempt, SendHistory, SendStatus, Verbatim};

use super::moments::rounded_down;
use super::owners::owner_number;
use super::{execute, json, one, outcome_code, parts, unreadable};
use crate::list_ids::{self, UUID_LENGTH};
use crate::sqlite::read;
use crate::{Answer, FailedReading, Finding, Kept, Owner, Subject, UNCONFIRMED_REMOVAL, checksum};

const KEEP: &str = "
    INSERT INTO activity_history (owner, activity, fetched_at, fetched_at_nanos, sends, unreadable_sends, unreadable_values,
                                  checksum, records, missing_since)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (owner, activity) DO UPDATE
    SET fetched_at = excluded.fetched_at, fetched_at_nanos = excluded.fetched_at_nanos, sends = excluded.sends,
        unreadable_sends = excluded.unreadable_sends, unreadable_values = excluded.unreadable_values,
        checksum = excluded.checksum, records = excluded.records, missing_since = excluded.missing_since,
        is_found = excluded.is_found
    RETURNING id, (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2) AS campaign";

const KEEP_SEND: &str = "
    INSERT INTO send (history, ordinal, owner, activity, campaign, send_id, run_date, run_date_nanos, status,
                      status_spelling, reason_code, outcome, count, contact_list_ids, segment_ids, checksum, is_missing)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// A send may name a list twice.
const KEEP_LIST: &str = "
    INSERT OR IGNORE INTO send_list (history, ordinal, owner, list, outcome, run_date, run_date_nanos, count)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const KEEP_SEGMENT: &str =
    "INSERT OR IGNORE INTO send_segment (history, ordinal, owner, segment) VALUES (?1, ?2, ?3, ?4)";

/// Keeps an answer. Records of a campaign's activity that are known and that the answer lacks stay, and the history counts as
/// unreadable: one answer is not enough to drop them.
pub(super) fn keep(connection: &Connection, owner: Owner, activity: ActivityId, kept: &Kept) -> Result<()> {
    let known = Known::read(connection, owner, activity)?.unwrap_or_default();
    merge(connection, owner, activity, kept, &known)
}

/// Drops the known records that an answer lacks when an earlier synchronisation has found just these missing, and marks them as
/// found missing otherwise. Returns how many stay.
pub(super) fn settle(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    kept: &Kept,
    finding: Finding,
) -> Result<u64> {
    const MARK: &str = "UPDATE activity_history SET missing_since = ?3 WHERE owner = ?1 AND activity = ?2";
    let Some(known) = Known::read(connection, owner, activity)? else {
        return Ok(0);
    };
    let merged = known.merged(&kept.answer);
    let lost = u64::try_from(merged.lost).unwrap_or(u64::MAX);
    if lost == 0 || !merged.is_known_lack {
        return Ok(lost);
    }
    let number = owner_number(connection, owner)?;
    let (began, found_at) = (rounded_down(finding.began), rounded_down(finding.found_at));
    match known.missing_since {
        // A clock that was wrong may have dated it in the future.
        Some(since) if since < began || since > found_at => {
            merge(connection, owner, activity, kept, &Known::default())?;
            execute(connection, FORGET_LAST_SENT, (number, activity.as_bytes()))?;
            return Ok(0);
        }
        Some(_) => {}
        None => execute(connection, MARK, (number, activity.as_bytes(), found_at))?,
    }
    let failed = failed(
        activity,
        kept,
        Some(&known.history),
        UNCONFIRMED_REMOVAL.to_owned(),
    );
    unreadable::keep_failed_of(connection, number, &failed)?;
    Ok(lost)
}

/// That the summaries report dates a send which is gone says nothing any more.
const FORGET_LAST_SENT: &str = "
    UPDATE campaign SET last_sent_at = NULL, last_sent_at_nanos = NULL
    WHERE id = (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2) AND status IS NOT 'REMOVED'";

/// Keeps an answer with the known records that it lacks.
fn merge(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    kept: &Kept,
    known: &Known,
) -> Result<()> {
    let merged = known.merged(&kept.answer);
    let missing_since = known
        .missing_since
        .filter(|_| merged.lost > 0 && merged.is_known_lack);
    let number = owner_number(connection, owner)?;
    if kept.answer == Answer::NotFound && known.records > 0 {
        if !merged.is_known_lack {
            for lose in LOSE_ALL {
                execute(connection, lose, (number, activity.as_bytes()))?;
            }
        }
    } else {
        write(connection, owner, activity, kept, &merged, missing_since)?;
    }
    let reason = match &kept.answer {
        Answer::NotFound if is_shown(connection, number, activity)? => Some(NOT_FOUND_BUT_SHOWN.to_owned()),
        Answer::History(history) if history.unreadable_sends() > 0 => Some(reason_of_partial(history)),
        _ if merged.lost > 0 => Some(UNCONFIRMED_REMOVAL.to_owned()),
        _ if merged.history.iter().any(|send| send.run_date.is_none()) => Some(UNDATED.to_owned()),
        _ => None,
    };
    match reason {
        Some(reason) => {
            let failed = failed(activity, kept, Some(&merged.history), reason);
            unreadable::keep_failed_of(connection, number, &failed)
        }
        None => unreadable::clear(connection, number, Subject::History(activity)),
    }
}

const LOSE_ALL: [&str; 2] = [
    "UPDATE send SET is_missing = 1
     WHERE history = (SELECT id FROM activity_history WHERE owner = ?1 AND activity = ?2)",
    "UPDATE activity_history SET missing_since = NULL, is_found = 0 WHERE owner = ?1 AND activity = ?2",
];

/// An answer that lacks something, or may lack it.
fn failed(activity: ActivityId, kept: &Kept, history: Option<&SendHistory>, reason: String) -> FailedReading {
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

/// What is known of the history of a campaign's activity.
#[derive(Default)]
struct Known {
    history: Arc<SendHistory>,
    /// Which of its sends the last answer lacked, in their order.
    missing: Vec<bool>,
    /// How many records it is known to have: its sends, and those that could not be read in any answer.
    records: usize,
    /// When a synchronisation found just these missing.
    missing_since: Option<i64>,
    /// Whether the last answer was a history.
    is_found: bool,
    /// When the last history was fetched.
    fetched_at: Timestamp,
}

/// An answer with the known records that it lacks.
struct Merged {
    history: SendHistory,
    missing: Vec<bool>,
    records: usize,
    /// How many records the answer lacks, those that could not be read before included.
    lost: usize,
    /// Whether the answer before was of the same kind and lacked just the same ones.
    is_known_lack: bool,
}

impl Known {
    /// `None` when it has no record, belongs to no campaign, or is damaged: then it is written anew.
    fn read(connection: &Connection, owner: Owner, activity: ActivityId) -> Result<Option<Self>> {
        const KNOWN: &str = "
            SELECT kept.id, records, missing_since, is_found FROM activity_history AS kept
            JOIN campaign_activity USING (owner, activity)
            WHERE kept.owner = ?1 AND kept.activity = ?2 AND records > 0";
        const MISSING: &str = "SELECT is_missing IS NOT NULL FROM send WHERE history = ?1 ORDER BY ordinal";
        let number = owner_number(connection, owner)?;
        let row = connection
            .prepare_cached(KNOWN)?
            .query_row((number, activity.as_bytes()), |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get(2)?,
                    row.get(3)?,
                ))
            })
            .optional()?;
        let Some((id, records, missing_since, is_found)) = row else {
            return Ok(None);
        };
        let kept = read::histories(connection, owner, &[activity]).ok();
        let kept = kept.and_then(|mut kept| kept.pop().flatten());
        let Some(Kept {
            fetched_at,
            answer: Answer::History(history),
        }) = kept
        else {
            return Ok(None);
        };
        let mut statement = connection.prepare_cached(MISSING)?;
        let missing = statement
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_>>()?;
        Ok(Some(Self {
            history,
            missing,
            records: usize::try_from(records).unwrap_or(0),
            missing_since,
            is_found,
            fetched_at,
        }))
    }

    fn merged(&self, answer: &Answer) -> Merged {
        let nothing = SendHistory::default();
        let told = match answer {
            Answer::History(history) => history,
            Answer::NotFound => &nothing,
        };
        let (known, mut lacking) = (self.history.sends(), (0..self.history.len()).collect::<Vec<_>>());
        let mut pairs = vec![None; told.len()];
        // Ids are not guaranteed to be unique.
        for is_exact in [true, false] {
            for (send, pair) in told.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
                let is_same = |&place: &usize| {
                    known[place].send_id == send.send_id
                        && (!is_exact || known[place].run_date == send.run_date)
                };
                *pair = lacking
                    .iter()
                    .position(is_same)
                    .map(|place| lacking.remove(place));
            }
        }
        let unpaired = told
            .iter()
            .zip(&pairs)
            .filter(|(_, pair)| pair.is_none())
            .map(|(send, _)| send);
        let shown = told.iter().zip(pairs.iter().copied());
        let mut sends: Vec<(SendAttempt, bool)> = shown
            .map(|(send, pair)| {
                (
                    pair.map_or_else(|| send.clone(), |place| filled(send, &known[place])),
                    false,
                )
            })
            .collect();
        sends.extend(lacking.iter().map(|&place| (known[place].clone(), true)));
        // As a history is sorted.
        sends.sort_by_key(|(send, _)| send.send_id);
        let told_records = told.len() + told.unreadable_sends();
        // What ran since then is none of the records that could not be read.
        let is_later = |send: &SendAttempt| send.run_date > Some(self.fetched_at);
        let later = unpaired.filter(|send| is_later(send)).count();
        let records = (self.records + later).max(told_records).max(sends.len());
        let known_lack = self
            .missing
            .iter()
            .enumerate()
            .filter(|(_, is_missing)| **is_missing);
        let is_known_lack = told.unreadable_sends() == 0
            && self.is_found == (*answer != Answer::NotFound)
            && lacking.iter().copied().eq(known_lack.map(|(place, _)| place))
            && records - sends.len() == self.records.saturating_sub(known.len());
        let (sends, missing) = sends.into_iter().unzip();
        Merged {
            history: SendHistory::new(sends)
                .with_unreadable(told.unreadable_sends(), told.unreadable_values()),
            missing,
            records,
            lost: records - told_records,
            is_known_lack,
        }
    }
}

/// A send as it is shown now, with what was known of it where it does not say.
fn filled(send: &SendAttempt, known: &SendAttempt) -> SendAttempt {
    let has_audience = !send.contact_list_ids.is_empty() || !send.segment_ids.is_empty();
    let audience = if has_audience { send } else { known };
    SendAttempt {
        send_id: send.send_id,
        contact_list_ids: audience.contact_list_ids.clone(),
        segment_ids: audience.segment_ids.clone(),
        count: send.count.or(known.count),
        run_date: send.run_date.or(known.run_date),
        send_status: send.send_status.clone().or_else(|| known.send_status.clone()),
        reason_code: send.reason_code.or(known.reason_code),
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

/// Why a history counts as unreadable that has a send without a date: any stretch of time may lack it.
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

/// Writes an answer with the known sends that it lacks.
fn write(
    connection: &Connection,
    owner: Owner,
    activity: ActivityId,
    kept: &Kept,
    merged: &Merged,
    missing_since: Option<i64>,
) -> Result<()> {
    let kept = match &kept.answer {
        Answer::NotFound => kept.clone(),
        Answer::History(_) => Kept {
            fetched_at: kept.fetched_at,
            answer: Answer::History(Arc::new(merged.history.clone())),
        },
    };
    let checksum = checksum::of_answer(owner, activity, &kept);
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
        number(merged.records),
        missing_since,
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
    for (ordinal, (send, is_missing)) in (0_u32..).zip(merged.history.iter().zip(&merged.missing)) {
        history.keep_send(connection, ordinal, send, *is_missing)?;
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
    fn keep_send(
        &self,
        connection: &Connection,
        ordinal: u32,
        send: &SendAttempt,
        is_missing: bool,
    ) -> Result<()> {
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
            is_missing.then_some(1),
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
