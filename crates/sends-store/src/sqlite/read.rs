//! What is read from the tables.
//!
//! Owns the queries and how a row becomes a send. Must not know who writes the rows: another process may.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::{ActivityId, ListId, ReasonCode, SegmentId, SendAttempt, SendHistory, SendStatus};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool, ValueRef};

use crate::{Answer, Kept, Owner, StoreError, list_ids};

/// One statement for any number of activities, so that it is prepared once and sees one state of the store. The ids come
/// as one value, 16 bytes each. `CROSS JOIN` fixes the order of the loops: each id is looked up by the key.
const HISTORIES: &str = "
    WITH RECURSIVE wanted (place, activity) AS (
        SELECT 0, substr(?2, 1, 16)
        UNION ALL
        SELECT place + 1, substr(?2, 16 * place + 17, 16) FROM wanted WHERE 16 * place + 32 <= length(?2)
    )
    SELECT place, fetched_at, fetched_at_nanos, sends,
           send_id, run_date, run_date_nanos, status, reason_code, count, contact_list_ids, segment_ids
    FROM wanted
    CROSS JOIN activity_history AS kept
        ON kept.owner = (SELECT id FROM owner WHERE key = ?1) AND kept.activity = wanted.activity
    LEFT JOIN send ON send.history = kept.id
    ORDER BY place, ordinal";

/// A reader is not held for longer than this many lookups take.
const IDS_PER_QUERY: usize = 1_000;

pub(super) async fn histories(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
    activities: &[ActivityId],
) -> Result<Vec<Option<Kept>>, StoreError> {
    let mut all = Vec::with_capacity(activities.len());
    for activities in activities.chunks(IDS_PER_QUERY) {
        let wanted: Vec<u8> = activities
            .iter()
            .flat_map(ActivityId::as_bytes)
            .copied()
            .collect();
        let rows = sqlx::query(HISTORIES)
            .bind(owner.as_bytes().as_slice())
            .bind(wanted)
            .fetch_all(readers)
            .await
            .map_err(|error| StoreError::from_sqlx(file, &error))?;
        let begin = all.len();
        all.resize_with(begin + activities.len(), || None);
        for rows in rows.chunk_by(|one, other| place(one).ok() == place(other).ok()) {
            let (place, kept) = kept(rows).map_err(|fault| fault.at(file))?;
            if let Some(slot) = all.get_mut(begin + place) {
                *slot = Some(kept);
            }
        }
    }
    Ok(all)
}

pub(super) async fn calls_on(readers: &SqlitePool, file: &Path, day: Date) -> Result<u64, StoreError> {
    sqlx::query_scalar("SELECT calls FROM day_calls WHERE day = ?1")
        .bind(day.to_string())
        .fetch_optional(readers)
        .await
        .map(|calls: Option<i64>| calls.map_or(0, count))
        .map_err(|error| StoreError::from_sqlx(file, &error))
}

/// How many activities and sends are kept.
pub(super) async fn size(readers: &SqlitePool, file: &Path) -> Result<(u64, u64), StoreError> {
    sqlx::query_as("SELECT count(*), coalesce(sum(sends), 0) FROM activity_history")
        .fetch_one(readers)
        .await
        .map(|(activities, sends)| (count(activities), count(sends)))
        .map_err(|error| StoreError::from_sqlx(file, &error))
}

/// How many bytes the pages of the database have.
pub(super) async fn pages(readers: &SqlitePool, file: &Path) -> Result<u64, StoreError> {
    sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        .fetch_one(readers)
        .await
        .map(count)
        .map_err(|error| StoreError::from_sqlx(file, &error))
}

/// A number the tables never hold below 0.
pub(super) fn count(number: i64) -> u64 {
    number.try_into().unwrap_or(0)
}

/// Why rows are not what was written.
pub(super) enum Fault {
    Sqlx(sqlx::Error),
    Row(&'static str),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

impl Fault {
    pub(super) fn at(self, file: &Path) -> StoreError {
        match self {
            Self::Sqlx(error) => StoreError::from_sqlx(file, &error),
            Self::Row(detail) => StoreError::Damaged {
                file: file.to_path_buf(),
                detail: detail.to_owned(),
            },
        }
    }
}

fn place(row: &SqliteRow) -> Result<usize, sqlx::Error> {
    row.try_get("place")
        .map(|place: i64| place.try_into().unwrap_or(usize::MAX))
}

/// The rows of one activity: its sends, or one row without a send.
fn kept(rows: &[SqliteRow]) -> Result<(usize, Kept), Fault> {
    let Some(first) = rows.first() else {
        return Err(Fault::Row("an activity without a row"));
    };
    let fetched_at = timestamp(first.try_get("fetched_at")?, first.try_get("fetched_at_nanos")?)?;
    let answer = match first.try_get::<Option<i64>, _>("sends")? {
        None => Answer::NotFound,
        Some(expected) => {
            let sends = rows
                .iter()
                .filter(|row| row.try_get_raw("send_id").is_ok_and(|value| !value.is_null()))
                .map(send)
                .collect::<Result<Vec<_>, _>>()?;
            if i64::try_from(sends.len()) != Ok(expected) {
                return Err(Fault::Row("a history has more or fewer sends than it should"));
            }
            Answer::History(Arc::new(SendHistory::new(sends)))
        }
    };
    Ok((place(first)?, Kept { fetched_at, answer }))
}

pub(super) fn send(row: &SqliteRow) -> Result<SendAttempt, Fault> {
    Ok(SendAttempt {
        send_id: row.try_get("send_id")?,
        contact_list_ids: contact_list_ids(row)?,
        segment_ids: segment_ids(row.try_get("segment_ids")?)?,
        count: row.try_get("count")?,
        run_date: optional_timestamp(row, "run_date", "run_date_nanos")?,
        send_status: row.try_get::<Option<&str>, _>("status")?.map(SendStatus::from),
        reason_code: row.try_get::<Option<i32>, _>("reason_code")?.map(ReasonCode::new),
    })
}

/// The moment in a pair of columns, or `None` where they hold none.
pub(super) fn optional_timestamp(
    row: &SqliteRow,
    second: &str,
    nanosecond: &str,
) -> Result<Option<Timestamp>, Fault> {
    match row.try_get(second)? {
        None => Ok(None),
        Some(second) => timestamp(second, row.try_get(nanosecond)?).map(Some),
    }
}

fn timestamp(second: i64, nanosecond: i32) -> Result<Timestamp, Fault> {
    Timestamp::new(second, nanosecond).map_err(|_| Fault::Row("a time is out of range"))
}

/// A blob or a text, see the table.
fn contact_list_ids(row: &SqliteRow) -> Result<Vec<ListId>, Fault> {
    const COLUMN: &str = "contact_list_ids";
    if row.try_get_raw(COLUMN)?.is_null() {
        return Ok(Vec::new());
    }
    if let Ok(json) = row.try_get::<&str, _>(COLUMN) {
        return serde_json::from_str(json).map_err(|_| Fault::Row("contact list ids that cannot be read"));
    }
    list_ids::from_uuids(row.try_get(COLUMN)?)
        .ok_or(Fault::Row("contact list ids of another length than 16 bytes"))
}

fn segment_ids(json: Option<&str>) -> Result<Vec<SegmentId>, Fault> {
    json.map_or(Ok(Vec::new()), |json| {
        serde_json::from_str(json).map_err(|_| Fault::Row("segment ids that cannot be read"))
    })
}
