//! Pages of the send log, read from a position in either direction.
//!
//! A walk along the log reads dated and undated sends separately, since undated sends are last in both orders.

mod search;
mod totals;

use rusqlite::{Connection, Row};
use sends_core::ActivityId;

use self::search::Search;
pub(super) use self::totals::totals;
use super::campaigns::campaign;
use super::fault::Fault;
use super::read::{count as unsigned, send};
use super::statement::Statement;
use super::write::parts;
use crate::{LogFilter, LogOrder, LogPage, LogPageRequest, LogPosition, LoggedSend, Owner, checksum};

pub(super) fn page(
    connection: &mut Connection,
    owner: Owner,
    filter: &LogFilter,
    request: &LogPageRequest,
) -> Result<LogPage, Fault> {
    // The transaction gives all statements the same snapshot.
    let transaction = connection.transaction()?;
    read_page(&transaction, Search { owner, filter }, request)
}

pub(super) fn count(connection: &Connection, owner: Owner, filter: &LogFilter) -> Result<u64, Fault> {
    let mut sql = Statement::new("SELECT count(*)");
    Search { owner, filter }.push(&mut sql);
    let counts = sql.read(connection, |row| Ok(row.get(0)?))?;
    Ok(counts.into_iter().map(unsigned).sum())
}

fn read_page(
    connection: &Connection,
    search: Search<'_>,
    request: &LogPageRequest,
) -> Result<LogPage, Fault> {
    let (begin, end) = if request.from_end {
        (request.before, request.after)
    } else {
        (request.after, request.before)
    };
    let onward = Walk {
        search,
        is_ascending: (request.order == LogOrder::OldestFirst) != request.from_end,
        undated_first: request.from_end,
        begin: begin.map(|place| (place, false)),
        end,
    };
    let mut sends = onward.read(connection, request.limit.saturating_add(1))?;
    let has_sends_ahead = sends.len() > request.limit;
    sends.truncate(request.limit);
    // Unlike the page, the opposite walk includes the start position.
    let back = Walk {
        is_ascending: !onward.is_ascending,
        undated_first: !onward.undated_first,
        begin: begin.map(|place| (place, true)),
        end: None,
        ..onward
    };
    let has_sends_behind = begin.is_some() && !back.read(connection, 1)?.is_empty();
    if request.from_end {
        sends.reverse();
        return Ok(LogPage {
            sends,
            has_previous: has_sends_ahead,
            has_next: has_sends_behind,
        });
    }
    Ok(LogPage {
        sends,
        has_previous: has_sends_behind,
        has_next: has_sends_ahead,
    })
}

struct Walk<'f> {
    search: Search<'f>,
    /// Whether the walk ascends by date, or by activity among undated sends.
    is_ascending: bool,
    undated_first: bool,
    begin: Option<(LogPosition, bool)>,
    end: Option<LogPosition>,
}

impl Walk<'_> {
    fn read(&self, connection: &Connection, limit: usize) -> Result<Vec<LoggedSend>, Fault> {
        let mut sends = Vec::new();
        for leg_is_dated in [!self.undated_first, self.undated_first] {
            let comes_later = |place: &LogPosition| place.run_date.is_some() != leg_is_dated;
            let is_first_leg = leg_is_dated != self.undated_first;
            // The range starts after this leg of the walk, or ends before the leg.
            let skips = self
                .begin
                .is_some_and(|(place, _)| is_first_leg && comes_later(&place))
                || self.end.is_some_and(|place| !is_first_leg && comes_later(&place));
            if skips || sends.len() >= limit {
                continue;
            }
            let sql = self.statement(leg_is_dated, limit - sends.len());
            sends.extend(sql.read(connection, |row| logged_send(row, self.search.owner))?);
        }
        Ok(sends)
    }

    /// Selects rows from the index alone, and looks up only the selected rows.
    fn statement(&self, leg_is_dated: bool, limit: usize) -> Statement {
        let order = |columns: &[&str]| {
            let direction = if self.is_ascending { " ASC" } else { " DESC" };
            columns
                .iter()
                .map(|column| format!("send.{column}{direction}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let order = order(if leg_is_dated { &DATED } else { &UNDATED });
        let mut sql = Statement::new("WITH chosen AS MATERIALIZED (SELECT send.history, send.ordinal");
        self.search.push(&mut sql);
        sql.push(if leg_is_dated {
            " AND send.run_date IS NOT NULL"
        } else {
            " AND send.run_date IS NULL AND send.run_date_nanos IS NULL"
        });
        let onward = if self.is_ascending { ">" } else { "<" };
        if let Some((place, is_included)) = self
            .begin
            .filter(|(place, _)| place.run_date.is_some() == leg_is_dated)
        {
            push_bound(&mut sql, onward, is_included, place);
        }
        if let Some(place) = self.end.filter(|place| place.run_date.is_some() == leg_is_dated) {
            push_bound(&mut sql, if self.is_ascending { "<" } else { ">" }, false, place);
        }
        sql.push(" ORDER BY ").push(&order).push(" LIMIT ");
        sql.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        sql.push(COLUMNS).push(&order);
        sql
    }
}

const DATED: [&str; 4] = ["run_date", "run_date_nanos", "activity", "ordinal"];
const UNDATED: [&str; 2] = ["activity", "ordinal"];

/// Histories are sorted by `send_id`, so that repeats follow the last send with another id.
const COLUMNS: &str = ")
    SELECT send.activity, send.ordinal, send_id, run_date, run_date_nanos, send.status AS status,
           send.status_spelling AS status_spelling, reason_code, count,
           contact_list_ids, segment_ids, checksum,
           send.ordinal - IFNULL((
               SELECT before.ordinal + 1 FROM send AS before
               WHERE before.history = send.history AND before.ordinal < send.ordinal
                     AND before.send_id <> send.send_id
               ORDER BY before.ordinal DESC LIMIT 1
           ), 0) AS repeat,
           campaign.campaign AS campaign, name, campaign.status AS campaign_status,
           campaign.status_spelling AS campaign_status_spelling, type, type_code,
           created_at, created_at_nanos, updated_at, updated_at_nanos
    FROM chosen
    CROSS JOIN send ON send.history = chosen.history AND send.ordinal = chosen.ordinal
    LEFT JOIN campaign ON campaign.id = send.campaign
    ORDER BY ";

fn push_bound(sql: &mut Statement, comparison: &str, is_included: bool, place: LogPosition) {
    let columns = if place.run_date.is_some() {
        &DATED[..]
    } else {
        &UNDATED[..]
    };
    let columns: Vec<String> = columns.iter().map(|column| format!("send.{column}")).collect();
    sql.push(" AND (")
        .push(&columns.join(", "))
        .push(") ")
        .push(comparison);
    sql.push(if is_included { "= (" } else { " (" });
    if let Some(date) = place.run_date {
        let (second, nanosecond) = parts(date);
        sql.push_bind(second).push(", ").push_bind(nanosecond).push(", ");
    }
    sql.push_bind(place.activity.as_bytes().to_vec());
    sql.push(", ").push_bind(i64::from(place.ordinal)).push(")");
}

fn logged_send(row: &Row<'_>, owner: Owner) -> Result<LoggedSend, Fault> {
    let logged = LoggedSend {
        activity: ActivityId::from_bytes(row.get("activity")?),
        ordinal: row.get("ordinal")?,
        repeat: row.get("repeat")?,
        campaign: campaign(row)?,
        send: send(row)?,
    };
    match row.get::<_, Option<u32>>("checksum")? {
        Some(checksum)
            if checksum != checksum::of_send(owner, logged.activity, logged.ordinal, &logged.send) =>
        {
            Err(Fault::Row("the checksum of a send does not match"))
        }
        _ => Ok(logged),
    }
}

#[cfg(test)]
mod tests {
    use sends_core::{Outcome, SendFilter};

    use super::*;
    use crate::SqliteStore;

    async fn plan(filter: &LogFilter) -> String {
        let store = SqliteStore::in_memory().await.unwrap();
        let walk = Walk {
            search: Search {
                owner: Owner::new([0; 16]),
                filter,
            },
            is_ascending: false,
            undated_first: false,
            begin: Some((
                LogPosition {
                    run_date: Some(jiff::Timestamp::UNIX_EPOCH),
                    activity: ActivityId::from_bytes([0; 16]),
                    ordinal: 0,
                },
                false,
            )),
            end: None,
        };
        let explained = walk.statement(true, 50).explained();
        let steps: Vec<String> = store
            .look_ups
            .read(move |connection| explained.read(connection, |row| Ok(row.get("detail")?)))
            .await
            .unwrap();
        // The steps after the selection process only fifty sends.
        let choice = steps.into_iter().take_while(|step| step != "SCAN chosen");
        choice.collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn page_is_selected_in_the_index_without_a_sort() {
        let failed = SendFilter {
            outcomes: vec![Outcome::Failed],
            ..SendFilter::default()
        };
        let named = LogFilter {
            send: failed,
            campaign_name: Some("x".to_owned()),
            ..LogFilter::default()
        };
        for filter in [LogFilter::default(), named] {
            let plan = plan(&filter).await;
            assert!(
                plan.contains("SEARCH send USING COVERING INDEX send_by_date (owner=?"),
                "{plan}"
            );
            assert!(
                plan.contains("(run_date,run_date_nanos,activity,ordinal)<"),
                "{plan}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[tokio::test]
    async fn sends_of_an_activity_are_found_by_its_history() {
        let filter = LogFilter {
            activities: vec![ActivityId::from_bytes([0; 16])],
            ..LogFilter::default()
        };
        let plan = plan(&filter).await;
        assert!(
            plan.contains("SEARCH send USING PRIMARY KEY (history=?"),
            "{plan}"
        );
    }
}
