//! Rows of a response, its sends, and their lists and segments.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, ToSql, params};
use sends_core::{ActivityId, ReasonCode, SendAttempt, SendStatus, Verbatim};

use super::super::owners::owner_number;
use super::super::{execute, json, one, outcome_code, parts};
use super::known::Merged;
use crate::list_ids::{self, UUID_LENGTH};
use crate::{Answer, Owner, StoredAnswer, checksum};

const KEEP: &str = "
    INSERT INTO activity_history (owner, activity, fetched_at, fetched_at_nanos, sends, unreadable_sends, unreadable_values,
                                  checksum, records, missing_since)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (owner, activity) DO UPDATE
    SET fetched_at = excluded.fetched_at, fetched_at_nanos = excluded.fetched_at_nanos, sends = excluded.sends,
        unreadable_sends = excluded.unreadable_sends, unreadable_values = excluded.unreadable_values,
        checksum = excluded.checksum, records = excluded.records, missing_since = excluded.missing_since,
        is_found = excluded.is_found
    RETURNING id";

const KEEP_SEND: &str = "
    INSERT INTO send (history, ordinal, owner, activity, campaign, send_id, run_date, run_date_nanos, status,
                      status_spelling, reason_code, outcome, count, contact_list_ids, segment_ids, checksum, is_missing)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// A send may contain the same list twice.
const KEEP_LIST: &str = "
    INSERT OR IGNORE INTO send_list (history, ordinal, owner, list, outcome, run_date, run_date_nanos, count)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const KEEP_SEGMENT: &str =
    "INSERT OR IGNORE INTO send_segment (history, ordinal, owner, segment) VALUES (?1, ?2, ?3, ?4)";

const FIND: &str = "
    SELECT (SELECT id FROM activity_history WHERE owner = ?1 AND activity = ?2),
           (SELECT campaign FROM campaign_activity WHERE owner = ?1 AND activity = ?2),
           EXISTS (SELECT 1 FROM unreadable WHERE owner = ?1 AND kind = 2 AND subject = ?2)";

/// Existing rows of an activity, looked up once per change. Most responses are the first for their activity, and therefore need
/// no read, delete or clear.
pub(super) struct Rows {
    pub(super) owner: i64,
    pub(super) key: Owner,
    pub(super) activity: ActivityId,
    pub(super) history: Option<i64>,
    pub(super) campaign: Option<i64>,
    pub(super) is_unreadable: bool,
}

impl Rows {
    pub(super) fn find(connection: &Connection, key: Owner, activity: ActivityId) -> Result<Self> {
        let owner = owner_number(connection, key)?;
        connection
            .prepare_cached(FIND)?
            .query_one((owner, activity.as_bytes()), |row| {
                Ok(Self {
                    owner,
                    key,
                    activity,
                    history: row.get(0)?,
                    campaign: row.get(1)?,
                    is_unreadable: row.get(2)?,
                })
            })
    }
}

pub(super) fn write(
    connection: &Connection,
    rows: &Rows,
    stored: &StoredAnswer,
    merged: &Merged,
    missing_since: Option<i64>,
) -> Result<()> {
    let stored = match &stored.answer {
        Answer::NotFound => stored.clone(),
        Answer::History(_) => StoredAnswer {
            fetched_at: stored.fetched_at,
            answer: Answer::History(Arc::new(merged.history.clone())),
        },
    };
    let checksum = checksum::of_answer(rows.key, rows.activity, &stored);
    let (second, nanosecond) = parts(stored.fetched_at);
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    let (unreadable_sends, unreadable_values) = stored.answer.unreadable();
    let values = params![
        rows.owner,
        rows.activity.as_bytes(),
        second,
        nanosecond,
        stored.answer.send_count().map(number),
        number(unreadable_sends),
        number(unreadable_values),
        checksum,
        number(merged.records),
        missing_since,
    ];
    let number = one(connection, KEEP, values)?;
    if rows.history.is_some() {
        for delete in DELETE_SENDS {
            execute(connection, delete, [number])?;
        }
    }
    let history = History { number, rows };
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

struct History<'a> {
    number: i64,
    rows: &'a Rows,
}

impl History<'_> {
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
            self.rows.owner,
            self.rows.activity.as_bytes(),
            self.rows.campaign,
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
            checksum::of_send(self.rows.key, self.rows.activity, ordinal, send),
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
                self.rows.owner,
                list,
                outcome_code(send.outcome()),
                run_date.map(|(second, _)| second),
                run_date.map(|(_, nanosecond)| nanosecond),
                send.count,
            ];
            execute(connection, KEEP_LIST, values)?;
        }
        for segment in segments {
            let values = (self.number, ordinal, self.rows.owner, segment.get());
            execute(connection, KEEP_SEGMENT, values)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;
    use sends_core::SendHistory;

    use super::*;
    use crate::sqlite::{connection::Database, schema, write::histories::keep};

    /// Some bound values make SQLite plan a statement again on each run, which took a third of the time of storing a response.
    #[test]
    fn statements_that_store_a_response_are_prepared_once() {
        let database = Database::in_memory().unwrap();
        let connection = schema::open(&database).unwrap();
        let json =
            br#"[{"send_id": 1, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 5,
                         "run_date": "2026-06-15T11:00:00Z", "send_status": "COMPLETED", "reason_code": 0}]"#;
        let stored = StoredAnswer {
            fetched_at: jiff::Timestamp::UNIX_EPOCH,
            answer: Answer::History(Arc::new(SendHistory::from_json(json).unwrap())),
        };
        for number in [1, 2, 3, 1, 2, 3] {
            let activity = ActivityId::from_bytes([number; 16]);
            keep(&connection, Owner::new([1; 16]), activity, &stored).unwrap();
        }
        for sql in [FIND, KEEP, KEEP_SEND, KEEP_LIST] {
            let statement = connection.prepare_cached(sql).unwrap();
            assert!(statement.get_status(StatementStatus::Run) >= 6, "{sql}");
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
    }
}
