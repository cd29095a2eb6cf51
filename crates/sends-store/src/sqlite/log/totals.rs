//! What the sends of a search add up to.
//!
//! Owns how groups are counted by the database, and put together where it cannot tell them apart: it knows no time zones.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use sends_core::{CampaignId, ListId, ReasonCode};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool, ValueRef};

use super::search::{Search, Statement, outcome};
use crate::log::sort;
use crate::sqlite::campaigns::uuid;
use crate::sqlite::read::{Fault, count, optional_timestamp};
use crate::{GroupBy, GroupKey, LogFilter, Owner, SendTotal, StoreError, TotalGroup, list_ids};

pub(in crate::sqlite) async fn totals(
    readers: &SqlitePool,
    file: &Path,
    owner: Owner,
    filter: &LogFilter,
    group_by: GroupBy,
) -> Result<Vec<TotalGroup>, StoreError> {
    let search = Search { owner, filter };
    let totals = async {
        let mut transaction = readers.begin().await?;
        let connection = &mut *transaction;
        let mut groups = match group_by {
            GroupBy::Outcome => by_outcome(connection, search).await?,
            GroupBy::Reason => by_reason(connection, search).await?,
            GroupBy::Day(zone) => by_date(connection, search, &zone, |day| day).await?,
            GroupBy::Week(zone) => by_date(connection, search, &zone, monday).await?,
            GroupBy::Month(zone) => by_date(connection, search, &zone, Date::first_of_month).await?,
            GroupBy::Campaign => by_campaign(connection, search).await?,
            GroupBy::List => by_list(connection, search).await?,
        };
        transaction.commit().await?;
        sort(&mut groups);
        Ok(groups)
    };
    totals.await.map_err(|fault: Fault| fault.at(file))
}

/// A sum of 64 bits could overflow, two of 32 each cannot.
const SUMS: &str = "send.outcome AS outcome, count(*) AS sends,
    sum(iif(send.outcome = 1, send.count >> 32, 0)) AS high, sum(iif(send.outcome = 1, send.count & 4294967295, 0)) AS low";

async fn by_outcome(connection: &mut SqliteConnection, search: Search<'_>) -> Result<Vec<TotalGroup>, Fault> {
    let mut sql = Statement::new(format!("SELECT {SUMS}"));
    search.push(&mut sql);
    sql.push(" GROUP BY send.outcome");
    let mut groups = Groups::default();
    for row in sql.build().fetch_all(connection).await? {
        let outcome = outcome(row.try_get("outcome")?).ok_or(UNKNOWN_OUTCOME)?;
        groups.add(outcome, &row)?;
    }
    Ok(groups.named(GroupKey::Outcome))
}

async fn by_reason(connection: &mut SqliteConnection, search: Search<'_>) -> Result<Vec<TotalGroup>, Fault> {
    let mut sql = Statement::new(format!("SELECT send.reason_code AS reason_code, {SUMS}"));
    search.push(&mut sql);
    sql.push(" GROUP BY send.reason_code, send.outcome");
    let mut groups = Groups::default();
    for row in sql.build().fetch_all(connection).await? {
        groups.add(row.try_get::<Option<i32>, _>("reason_code")?, &row)?;
    }
    Ok(groups.named(|code| GroupKey::Reason(code.map(ReasonCode::new))))
}

async fn by_campaign(
    connection: &mut SqliteConnection,
    search: Search<'_>,
) -> Result<Vec<TotalGroup>, Fault> {
    let mut sql = Statement::new(format!("WITH grouped AS (SELECT send.campaign AS number, {SUMS}"));
    search.push(&mut sql);
    sql.push(
        " GROUP BY send.campaign, send.outcome)
          SELECT grouped.*, campaign.campaign AS campaign, name
          FROM grouped LEFT JOIN campaign ON campaign.id = number",
    );
    let mut groups = Groups::default();
    for row in sql.build().fetch_all(connection).await? {
        let id: Option<&[u8]> = row.try_get("campaign")?;
        let id = id.map(uuid).transpose()?.map(CampaignId::from_bytes);
        let name: Option<String> = row.try_get("name")?;
        groups.add(id.map(|id| (id, name)), &row)?;
    }
    Ok(groups.named(GroupKey::Campaign))
}

async fn by_list(connection: &mut SqliteConnection, search: Search<'_>) -> Result<Vec<TotalGroup>, Fault> {
    let mut sql = Statement::new(
        "WITH chosen AS (SELECT send.history AS history, send.ordinal AS ordinal, send.outcome AS outcome, send.count AS count",
    );
    search.push(&mut sql);
    sql.push(format!(
        ") SELECT list, {SUMS} FROM chosen AS send
           LEFT JOIN send_list ON send_list.history = send.history AND send_list.ordinal = send.ordinal
           GROUP BY list, send.outcome",
    ));
    let mut groups = Groups::default();
    for row in sql.build().fetch_all(connection).await? {
        groups.add(list(&row)?, &row)?;
    }
    Ok(groups.named(GroupKey::List))
}

/// 16 bytes or a text, see the table.
fn list(row: &SqliteRow) -> Result<Option<ListId>, Fault> {
    if row.try_get_raw("list")?.is_null() {
        return Ok(None);
    }
    if let Ok(text) = row.try_get::<&str, _>("list") {
        return Ok(Some(ListId::from(text)));
    }
    let mut ids = list_ids::from_uuids(row.try_get("list")?).unwrap_or_default();
    ids.pop()
        .map(Some)
        .ok_or(Fault::Row("a contact list id of another length than 16 bytes"))
}

/// The database counts days of 24 hours, which is what days are as long as the zone keeps its offset from UTC. So each
/// stretch with one offset is counted by itself, and a stretch without a send costs nothing.
async fn by_date(
    connection: &mut SqliteConnection,
    search: Search<'_>,
    zone: &TimeZone,
    first_day: impl Fn(Date) -> Date,
) -> Result<Vec<TotalGroup>, Fault> {
    let mut groups = Groups::default();
    let mut next = first_send(connection, search, i64::MIN).await?;
    while let Some(begin) = next {
        let end = zone
            .following(begin)
            .next()
            .map(|change| change.timestamp().as_second());
        let mut sql = Statement::new("SELECT (send.run_date - (send.run_date_nanos < 0) + ");
        sql.push_bind(zone.to_offset(begin).seconds());
        // The great number makes it positive, so that a division rounds down.
        sql.push(format!(" + 864000000000) / 86400 - 10000000 AS day, {SUMS}"));
        search.push(&mut sql);
        sql.push(" AND (send.run_date, send.run_date_nanos) >= (")
            .push_bind(begin.as_second());
        sql.push(", ").push_bind(begin.subsec_nanosecond()).push(")");
        if let Some(end) = end {
            sql.push(" AND (send.run_date, send.run_date_nanos) < (")
                .push_bind(end)
                .push(", 0)");
        }
        sql.push(" GROUP BY day, send.outcome");
        for row in sql.build().fetch_all(&mut *connection).await? {
            let day = date(1970, 1, 1).checked_add(row.try_get::<i64, _>("day")?.days());
            let day = day.map_err(|_| Fault::Row("a time is out of range"))?;
            groups.add(Some(first_day(day)), &row)?;
        }
        next = match end {
            Some(end) => first_send(connection, search, end).await?,
            None => None,
        };
    }
    let mut sql = Statement::new(format!("SELECT {SUMS}"));
    search.push(&mut sql);
    sql.push(" AND send.run_date IS NULL GROUP BY send.outcome");
    for row in sql.build().fetch_all(connection).await? {
        groups.add(None, &row)?;
    }
    Ok(groups.named(GroupKey::Date))
}

/// When the first send of the owner ran, from a second on; chosen or not, since that is found at once.
async fn first_send(
    connection: &mut SqliteConnection,
    search: Search<'_>,
    from: i64,
) -> Result<Option<Timestamp>, Fault> {
    let mut sql =
        Statement::new("SELECT run_date, run_date_nanos FROM send INDEXED BY send_by_date WHERE owner = ");
    search.push_owner(&mut sql);
    sql.push(" AND (run_date, run_date_nanos) >= (").push_bind(from);
    sql.push(", 0) ORDER BY run_date, run_date_nanos LIMIT 1");
    let row = sql.build().fetch_optional(connection).await?;
    row.map_or(Ok(None), |row| {
        optional_timestamp(&row, "run_date", "run_date_nanos")
    })
}

fn monday(day: Date) -> Date {
    let since = day.weekday().to_monday_zero_offset();
    // The first days there are begin a week that has no Monday.
    day.checked_sub(since.days()).unwrap_or(Date::MIN)
}

const UNKNOWN_OUTCOME: Fault = Fault::Row("an outcome that cannot be read");

/// Totals by what their sends have in common.
struct Groups<K>(HashMap<K, SendTotal>);

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Groups<K> {
    /// Adds the sends that a row counts.
    fn add(&mut self, key: K, row: &SqliteRow) -> Result<(), Fault> {
        let outcome = outcome(row.try_get("outcome")?).ok_or(UNKNOWN_OUTCOME)?;
        let part = |name| {
            row.try_get::<Option<i64>, _>(name)
                .map(|sum| i128::from(sum.unwrap_or(0)))
        };
        let contacts = (part("high")? << 32) + part("low")?;
        let total = self.0.entry(key).or_default();
        total.add(outcome, count(row.try_get("sends")?), contacts);
        Ok(())
    }

    fn named(self, name: impl Fn(K) -> GroupKey) -> Vec<TotalGroup> {
        let group = |(key, total)| TotalGroup {
            key: name(key),
            total,
        };
        self.0.into_iter().map(group).collect()
    }
}
