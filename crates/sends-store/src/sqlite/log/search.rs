//! Conversion of a filter into SQL conditions.

use rusqlite::types::Value;
use sends_core::{ListId, Outcome, Reason, ReasonCategory, ReasonCode, SendFilter, SendStatus};

use crate::sqlite::statement::Statement;
use crate::sqlite::write::{outcome_code, parts};
use crate::{LogFilter, Owner, list_ids, log::folded};

#[derive(Clone, Copy)]
pub(super) struct Search<'f> {
    pub(super) owner: Owner,
    pub(super) filter: &'f LogFilter,
}

impl Search<'_> {
    /// Appends `FROM … WHERE …`, to which conditions can be added with `AND`.
    ///
    /// Sends of specific activities or campaigns are few and found by the key of their history. All other searches use the
    /// covering index by date. The choice is explicit because SQLite's planner has too little information.
    pub(super) fn push(&self, sql: &mut Statement) {
        if self.filter.activities.is_empty() && self.filter.campaigns.is_empty() {
            sql.push(" FROM send INDEXED BY send_by_date WHERE send.owner = ");
            self.push_owner(sql);
        } else {
            sql.push(" FROM (SELECT id FROM activity_history WHERE owner = ");
            self.push_owner(sql);
            self.push_activities(sql);
            sql.push(") AS wanted CROSS JOIN send ON send.history = wanted.id WHERE TRUE");
        }
        self.push_conditions(sql);
        if let Some(part) = &self.filter.campaign_name {
            sql.push(" AND send.campaign IN (SELECT id FROM campaign WHERE owner = ");
            self.push_owner(sql);
            sql.push(" AND instr(folded_name, ");
            sql.push_bind(folded(part));
            sql.push(") > 0)");
        }
    }

    pub(super) fn push_owner(&self, sql: &mut Statement) {
        sql.push("(SELECT id FROM owner WHERE key = ");
        sql.push_bind(self.owner.as_bytes().to_vec());
        sql.push(")");
    }

    fn push_activities(&self, sql: &mut Statement) {
        let filter = self.filter;
        if !filter.activities.is_empty() {
            let activities = filter.activities.iter().map(|id| id.as_bytes().to_vec());
            sql.push_in(" AND activity IN (", activities);
        }
        if !filter.campaigns.is_empty() {
            sql.push(" AND activity IN (SELECT activity FROM campaign_activity WHERE campaign IN (SELECT id FROM campaign WHERE owner = ");
            self.push_owner(sql);
            let campaigns = filter.campaigns.iter().map(|id| id.as_bytes().to_vec());
            sql.push_in(" AND campaign IN (", campaigns);
            sql.push("))");
        }
    }

    pub(super) fn has_only_dates_and_outcomes(&self) -> bool {
        let mut rest = self.filter.clone();
        rest.send.outcomes.clear();
        (rest.send.from, rest.send.until) = (None, None);
        rest == LogFilter::default()
    }

    pub(super) fn push_conditions(&self, sql: &mut Statement) {
        let filter = &self.filter.send;
        push_dates(sql, filter);
        push_statuses(sql, filter);
        if !filter.outcomes.is_empty() {
            let outcomes = filter.outcomes.iter().copied().map(outcome_code);
            sql.push_in(" AND send.outcome IN (", outcomes);
        }
        if !filter.reason_codes.is_empty() {
            let codes = filter.reason_codes.iter().map(|code| code.get());
            sql.push_in(" AND send.reason_code IN (", codes);
        }
        push_categories(sql, &filter.reason_categories);
        if !filter.contact_lists.is_empty() {
            self.push_audience(sql, "send_list");
            sql.push_in(" AND list IN (", filter.contact_lists.iter().flat_map(forms));
            sql.push(")");
        }
        if !filter.segments.is_empty() {
            self.push_audience(sql, "send_segment");
            let segments = filter.segments.iter().map(|segment| segment.get());
            sql.push_in(" AND segment IN (", segments);
            sql.push(")");
        }
    }

    fn push_audience(&self, sql: &mut Statement, table: &str) {
        sql.push(" AND (send.history, send.ordinal) IN (SELECT history, ordinal FROM ");
        sql.push(table);
        sql.push(" WHERE owner = ");
        self.push_owner(sql);
    }
}

fn push_dates(sql: &mut Statement, filter: &SendFilter) {
    for (comparison, date) in [(">=", filter.from), ("<", filter.until)] {
        if let Some(date) = date {
            let (second, nanosecond) = parts(date);
            sql.push(" AND (send.run_date, send.run_date_nanos) ")
                .push(comparison)
                .push(" (");
            sql.push_bind(second).push(", ").push_bind(nanosecond).push(")");
        }
    }
}

fn push_statuses(sql: &mut Statement, filter: &SendFilter) {
    let unfamiliar = "send.status IS NULL OR send.status NOT IN (";
    match (filter.statuses.is_empty(), filter.unfamiliar_status) {
        (true, false) => {}
        (statuses_are_empty, includes_unfamiliar) => {
            sql.push(" AND (FALSE");
            if !statuses_are_empty {
                let statuses = filter.statuses.iter().map(|status| status.as_str().to_owned());
                sql.push_in(" OR send.status IN (", statuses);
            }
            if includes_unfamiliar {
                let known = [SendStatus::Completed, SendStatus::Errored];
                sql.push(" OR ");
                sql.push_in(unfamiliar, known.map(|status| status.as_str().to_owned()));
            }
            sql.push(")");
        }
    }
}

fn push_categories(sql: &mut Statement, categories: &[ReasonCategory]) {
    if categories.is_empty() {
        return;
    }
    let code = |reason: &Reason| ReasonCode::get(reason.code);
    let chosen = Reason::table()
        .iter()
        .filter(|reason| categories.contains(&reason.category));
    sql.push_in(" AND (send.reason_code IN (", chosen.map(code));
    if categories.contains(&ReasonCategory::Unknown) {
        sql.push_in(" OR send.reason_code NOT IN (", Reason::table().iter().map(code));
    }
    sql.push(")");
}

/// Returns the possible encodings of a list id in a row: bytes if all list ids of the row are UUIDs, and text otherwise.
fn forms(list: &ListId) -> impl Iterator<Item = Value> + use<> {
    let uuid = list_ids::to_uuids(std::slice::from_ref(list)).map(Value::from);
    let text = Value::from(list.as_str().to_owned());
    uuid.into_iter().chain([text])
}

pub(super) fn outcome(code: i64) -> Option<Outcome> {
    Outcome::ALL
        .into_iter()
        .find(|outcome| outcome_code(*outcome) == code)
}
