//! Queries for histories, and conversion of rows.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use sends_core::{ActivityId, ListId, OpenSet, ReasonCode, SegmentId, SendAttempt, SendHistory, Verbatim};

use super::fault::Fault;
use crate::{Answer, Owner, StoredAnswer, checksum, list_ids};

/// Single statement for any number of activities, so that it is prepared once and reads one snapshot. The ids are bound as one
/// value of 16 bytes each. `CROSS JOIN` fixes the order of the loops, so that each id is looked up by key.
const HISTORIES: &str = "
    WITH RECURSIVE wanted (place, activity) AS (
        SELECT 0, substr(?2, 1, 16)
        UNION ALL
        SELECT place + 1, substr(?2, 16 * place + 17, 16) FROM wanted WHERE 16 * place + 32 <= length(?2)
    )
    SELECT place, fetched_at, fetched_at_nanos, sends, unreadable_sends, unreadable_values, kept.checksum AS checksum,
           send_id, run_date, run_date_nanos, status, status_spelling, reason_code, count, contact_list_ids, segment_ids
    FROM wanted
    CROSS JOIN activity_history AS kept
        ON kept.owner = (SELECT id FROM owner WHERE key = ?1) AND kept.activity = wanted.activity
    LEFT JOIN send ON send.history = kept.id
    ORDER BY place, ordinal";

pub(super) fn histories(
    connection: &Connection,
    owner: Owner,
    activities: &[ActivityId],
) -> Result<Vec<Option<StoredAnswer>>, Fault> {
    let wanted: Vec<u8> = activities
        .iter()
        .flat_map(ActivityId::as_bytes)
        .copied()
        .collect();
    let mut statement = connection.prepare_cached(HISTORIES)?;
    let mut rows = statement.query((owner.as_bytes(), wanted))?;
    let mut histories: Vec<Option<Found>> = Vec::new();
    histories.resize_with(activities.len(), || None);
    while let Some(row) = rows.next()? {
        let place: u32 = row.get("place")?;
        let slot = histories
            .get_mut(place as usize)
            .ok_or(Fault::Row("a response that was not requested"))?;
        let found = match slot {
            Some(found) => found,
            none => none.insert(Found::new(row)?),
        };
        found.add(row)?;
    }
    let answers = histories
        .into_iter()
        .zip(activities)
        .map(|(found, activity)| found.map(|found| found.answer(owner, *activity)).transpose());
    answers.collect()
}

pub(super) fn calls_on(connection: &Connection, day: Date) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached("SELECT calls FROM day_calls WHERE day = ?1")?;
    let calls = statement
        .query_one([day.to_string()], |row| row.get(0))
        .optional()?;
    Ok(calls.map_or(0, count))
}

pub(super) fn size(connection: &Connection) -> Result<(u64, u64), Fault> {
    let mut statement =
        connection.prepare_cached("SELECT count(*), coalesce(sum(sends), 0) FROM activity_history")?;
    Ok(statement.query_one((), |row| Ok((count(row.get(0)?), count(row.get(1)?))))?)
}

pub(super) fn pages(connection: &Connection) -> Result<u64, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")?;
    Ok(statement.query_one((), |row| row.get(0).map(count))?)
}

pub(super) fn count(number: i64) -> u64 {
    number.try_into().unwrap_or(0)
}

fn length(row: &Row<'_>, column: &str) -> Result<usize, Fault> {
    Ok(usize::try_from(count(row.get(column)?)).unwrap_or(usize::MAX))
}

/// Rows of one activity: its sends, or one row without a send.
struct Found {
    fetched_at: Timestamp,
    expected: Option<i64>,
    unreadable: (usize, usize),
    /// `None` if an earlier version wrote the response.
    checksum: Option<u32>,
    sends: Vec<SendAttempt>,
}

impl Found {
    fn new(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            fetched_at: timestamp(row.get("fetched_at")?, row.get("fetched_at_nanos")?)?,
            expected: row.get("sends")?,
            unreadable: (
                length(row, "unreadable_sends")?,
                length(row, "unreadable_values")?,
            ),
            checksum: row.get("checksum")?,
            sends: Vec::new(),
        })
    }

    fn add(&mut self, row: &Row<'_>) -> Result<(), Fault> {
        if self.expected.is_some() && row.get::<_, Option<i64>>("send_id")?.is_some() {
            self.sends.push(send(row)?);
        }
        Ok(())
    }

    fn answer(self, owner: Owner, activity: ActivityId) -> Result<StoredAnswer, Fault> {
        let answer = match self.expected {
            None => Answer::NotFound,
            Some(expected) if i64::try_from(self.sends.len()) == Ok(expected) => {
                let (sends, values) = self.unreadable;
                Answer::History(Arc::new(
                    SendHistory::new(self.sends).with_unreadable(sends, values),
                ))
            }
            Some(_) => return Err(Fault::Row("a history has more or fewer sends than expected")),
        };
        let stored = StoredAnswer {
            fetched_at: self.fetched_at,
            answer,
        };
        match self.checksum {
            Some(checksum) if checksum != checksum::of_answer(owner, activity, &stored) => {
                Err(Fault::Row("the checksum of a response does not match"))
            }
            _ => Ok(stored),
        }
    }
}

pub(super) fn send(row: &Row<'_>) -> Result<SendAttempt, Fault> {
    Ok(SendAttempt {
        send_id: row.get("send_id")?,
        contact_list_ids: contact_list_ids(row)?,
        segment_ids: segment_ids(text(row, "segment_ids")?)?,
        count: row.get("count")?,
        run_date: optional_timestamp(row, "run_date", "run_date_nanos")?,
        send_status: verbatim(row, "status", "status_spelling")?,
        reason_code: row.get::<_, Option<i32>>("reason_code")?.map(ReasonCode::new),
    })
}

pub(super) fn text<'r>(row: &'r Row<'_>, column: &str) -> Result<Option<&'r str>, Fault> {
    Ok(row.get_ref(column)?.as_str_or_null()?)
}

pub(super) fn verbatim<T: OpenSet>(
    row: &Row<'_>,
    word: &str,
    spelling: &str,
) -> Result<Option<Verbatim<T>>, Fault> {
    let text = match text(row, spelling)? {
        None => text(row, word)?,
        spelled => spelled,
    };
    Ok(text.map(Verbatim::from))
}

pub(super) fn optional_timestamp(
    row: &Row<'_>,
    second: &str,
    nanosecond: &str,
) -> Result<Option<Timestamp>, Fault> {
    match row.get(second)? {
        None => Ok(None),
        Some(second) => timestamp(second, row.get(nanosecond)?).map(Some),
    }
}

pub(super) fn moment(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, Fault> {
    let millisecond: Option<i64> = row.get(column)?;
    let moment = millisecond.map(Timestamp::from_millisecond).transpose();
    moment.map_err(|_| Fault::Row("a time is out of range"))
}

fn timestamp(second: i64, nanosecond: i32) -> Result<Timestamp, Fault> {
    Timestamp::new(second, nanosecond).map_err(|_| Fault::Row("a time is out of range"))
}

fn contact_list_ids(row: &Row<'_>) -> Result<Vec<ListId>, Fault> {
    match row.get_ref("contact_list_ids")? {
        ValueRef::Null => Ok(Vec::new()),
        ValueRef::Blob(uuids) => list_ids::from_uuids(uuids).ok_or(Fault::Row(
            "contact list ids whose length is not a multiple of 16 bytes",
        )),
        json => serde_json::from_str(json.as_str()?).map_err(|_| Fault::Row("unreadable contact list ids")),
    }
}

fn segment_ids(json: Option<&str>) -> Result<Vec<SegmentId>, Fault> {
    json.map_or(Ok(Vec::new()), |json| {
        serde_json::from_str(json).map_err(|_| Fault::Row("unreadable segment ids"))
    })
}
