//! Queries for totals by group.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sends_core::{CampaignId, ListId, ReasonCode};

use super::search::{Search, outcome};
use crate::log::sort;
use crate::sqlite::fault::Fault;
use crate::sqlite::read::{count, optional_timestamp};
use crate::sqlite::statement::Statement;
use crate::{GroupBy, GroupKey, LogFilter, Owner, SendTotal, TotalGroup, list_ids};

pub(in crate::sqlite) fn totals(
    connection: &mut Connection,
    owner: Owner,
    filter: &LogFilter,
    group_by: &GroupBy,
) -> Result<Vec<TotalGroup>, Fault> {
    let search = Search { owner, filter };
    // The transaction gives all statements the same snapshot.
    let transaction = connection.transaction()?;
    let mut groups = match group_by {
        GroupBy::Outcome => by_outcome(&transaction, search)?,
        GroupBy::Reason => by_reason(&transaction, search)?,
        GroupBy::Day(zone) => by_date(&transaction, search, zone, |day| day)?,
        GroupBy::Week(zone) => by_date(&transaction, search, zone, monday)?,
        GroupBy::Month(zone) => by_date(&transaction, search, zone, Date::first_of_month)?,
        GroupBy::Campaign => by_campaign(&transaction, search)?,
        GroupBy::List => by_list(&transaction, search)?,
    };
    sort(&mut groups);
    Ok(groups)
}

/// Sums the upper and lower 32 bits of the counts separately, which cannot overflow.
const SUMS: &str = "send.outcome AS outcome, count(*) AS sends,
    sum(iif(send.outcome = 1, send.count >> 32, 0)) AS high, sum(iif(send.outcome = 1, send.count & 4294967295, 0)) AS low";

fn by_outcome(connection: &Connection, search: Search<'_>) -> Result<Vec<TotalGroup>, Fault> {
    let mut sql = Statement::new(format!("SELECT {SUMS}"));
    search.push(&mut sql);
    sql.push(" GROUP BY send.outcome");
    let mut groups = Groups::default();
    sql.read(connection, |row| {
        let outcome = outcome(row.get("outcome")?).ok_or(UNKNOWN_OUTCOME)?;
        groups.add(outcome, row)
    })?;
    Ok(groups.named(GroupKey::Outcome))
}

fn by_reason(connection: &Connection, search: Search<'_>) -> Result<Vec<TotalGroup>, Fault> {
    let mut sql = Statement::new(format!("SELECT send.reason_code AS reason_code, {SUMS}"));
    search.push(&mut sql);
    sql.push(" GROUP BY send.reason_code, send.outcome");
    let mut groups = Groups::default();
    sql.read(connection, |row| {
        groups.add(row.get::<_, Option<i32>>("reason_code")?, row)
    })?;
    Ok(groups.named(|code| GroupKey::Reason(code.map(ReasonCode::new))))
}

fn by_campaign(connection: &Connection, search: Search<'_>) -> Result<Vec<TotalGroup>, Fault> {
    let mut sql = Statement::new(format!("WITH grouped AS (SELECT send.campaign AS number, {SUMS}"));
    search.push(&mut sql);
    sql.push(
        " GROUP BY send.campaign, send.outcome)
          SELECT grouped.*, campaign.campaign AS campaign, name
          FROM grouped LEFT JOIN campaign ON campaign.id = number",
    );
    let mut groups = Groups::default();
    sql.read(connection, |row| {
        let id: Option<[u8; 16]> = row.get("campaign")?;
        let name: Option<String> = row.get("name")?;
        groups.add(id.map(|id| (CampaignId::from_bytes(id), name)), row)
    })?;
    Ok(groups.named(GroupKey::Campaign))
}

fn by_list(connection: &Connection, search: Search<'_>) -> Result<Vec<TotalGroup>, Fault> {
    let mut groups = Groups::default();
    for sql in listed(search) {
        sql.read(connection, |row| groups.add(list(row)?, row))?;
    }
    Ok(groups.named(GroupKey::List))
}

/// Returns the statements for totals by list. The list indexes avoid a sort if they cover the filter. Otherwise each selected
/// send is joined with its lists.
fn listed(search: Search<'_>) -> Vec<Statement> {
    if search.has_only_dates_and_outcomes() {
        let to_lists = "send.list AS list, {SUMS} FROM send_list AS send INDEXED BY send_by_list WHERE TRUE";
        let to_none =
            "NULL AS list, {SUMS} FROM send INDEXED BY send_without_list WHERE contact_list_ids IS NULL";
        return [(to_lists, "send.list, "), (to_none, "")]
            .map(|(columns, key)| {
                let mut sql = Statement::new(format!("SELECT {}", columns.replace("{SUMS}", SUMS)));
                sql.push(" AND send.owner = ");
                search.push_owner(&mut sql);
                search.push_conditions(&mut sql);
                sql.push(" GROUP BY ").push(key).push("send.outcome");
                sql
            })
            .into();
    }
    let mut sql = Statement::new(
        "WITH chosen AS (SELECT send.history AS history, send.ordinal AS ordinal, send.outcome AS outcome, send.count AS count",
    );
    search.push(&mut sql);
    sql.push(&format!(
        ") SELECT list, {SUMS} FROM chosen AS send
           LEFT JOIN send_list ON send_list.history = send.history AND send_list.ordinal = send.ordinal
           GROUP BY list, send.outcome",
    ));
    vec![sql]
}

fn list(row: &Row<'_>) -> Result<Option<ListId>, Fault> {
    match row.get_ref("list")? {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(uuid) => list_ids::from_uuids(uuid)
            .and_then(|mut ids| ids.pop())
            .map(Some)
            .ok_or(Fault::Row("a contact list id whose length is not 16 bytes")),
        text => Ok(Some(ListId::from(text.as_str()?))),
    }
}

/// SQLite has no time zones and groups by days of 24 hours. Each period with a constant offset from UTC is therefore queried
/// separately, and periods without a send are skipped.
fn by_date(
    connection: &Connection,
    search: Search<'_>,
    zone: &TimeZone,
    first_day: impl Fn(Date) -> Date,
) -> Result<Vec<TotalGroup>, Fault> {
    let mut groups = Groups::default();
    let (from, until) = (search.filter.send.from, search.filter.send.until);
    // The bound is a second earlier, since a time before 1970 has negative nanoseconds and may precede its whole second.
    let earliest = from.map_or(i64::MIN, |from| from.as_second().saturating_sub(1));
    let mut next = first_send(connection, search, earliest)?;
    while let Some(begin) = next {
        let change = zone.following(begin).next().map(|change| change.timestamp());
        // The index supports one pair of bounds. A second pair would be compared with each row, which would double the time.
        let mut period = search.filter.clone();
        period.send.from = from.max(Some(begin));
        period.send.until = until.into_iter().chain(change).min();
        let period = Search {
            filter: &period,
            ..search
        };
        let mut sql = Statement::new("SELECT (send.run_date - (send.run_date_nanos < 0) + ");
        sql.push_bind(zone.to_offset(begin).seconds());
        // The constant makes the dividend positive, so that the division rounds down.
        sql.push(&format!(" + 864000000000) / 86400 - 10000000 AS day, {SUMS}"));
        period.push(&mut sql);
        sql.push(" GROUP BY day, send.outcome");
        sql.read(connection, |row| {
            let day = date(1970, 1, 1).checked_add(row.get::<_, i64>("day")?.days());
            let day = day.map_err(|_| Fault::Row("a time is out of range"))?;
            groups.add(Some(first_day(day)), row)
        })?;
        next = match change.filter(|change| until.is_none_or(|until| *change < until)) {
            Some(change) => first_send(connection, search, change.as_second())?,
            None => None,
        };
    }
    let mut sql = Statement::new(format!("SELECT {SUMS}"));
    search.push(&mut sql);
    sql.push(" AND send.run_date IS NULL GROUP BY send.outcome");
    sql.read(connection, |row| groups.add(None, row))?;
    Ok(groups.named(GroupKey::Date))
}

/// Returns the time of the owner's first send at or after `from`. The index lookup ignores the filter.
fn first_send(connection: &Connection, search: Search<'_>, from: i64) -> Result<Option<Timestamp>, Fault> {
    let mut sql =
        Statement::new("SELECT run_date, run_date_nanos FROM send INDEXED BY send_by_date WHERE owner = ");
    search.push_owner(&mut sql);
    sql.push(" AND (run_date, run_date_nanos) >= (").push_bind(from);
    sql.push(", 0) ORDER BY run_date, run_date_nanos LIMIT 1");
    let first = sql.read(connection, |row| {
        optional_timestamp(row, "run_date", "run_date_nanos")
    })?;
    Ok(first.into_iter().next().flatten())
}

fn monday(day: Date) -> Date {
    let since = day.weekday().to_monday_zero_offset();
    // The Monday of the first week is out of range.
    day.checked_sub(since.days()).unwrap_or(Date::MIN)
}

const UNKNOWN_OUTCOME: Fault = Fault::Row("an unknown outcome code");

struct Groups<K>(HashMap<K, SendTotal>);

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Groups<K> {
    fn add(&mut self, key: K, row: &Row<'_>) -> Result<(), Fault> {
        let outcome = outcome(row.get("outcome")?).ok_or(UNKNOWN_OUTCOME)?;
        let part = |name| {
            row.get::<_, Option<i64>>(name)
                .map(|sum| i128::from(sum.unwrap_or(0)))
        };
        let contacts = (part("high")? << 32) + part("low")?;
        let total = self.0.entry(key).or_default();
        total.add(outcome, count(row.get("sends")?), contacts);
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
