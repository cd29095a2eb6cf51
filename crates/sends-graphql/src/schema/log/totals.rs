//! What the sends of the log add up to.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use jiff::tz::TimeZone;
use sends_core::Outcome;
use sends_store::{GroupBy, GroupKey, LogFilter, SendTotal as Sum, TotalGroup};

use super::{LogCoverage, SendLogFilter};
use crate::{
    schema::{
        ApiError, charge,
        enums::SendOutcome,
        reason::Reason,
        scalar::{Long, count, int},
    },
    sources::send_log::LogReader,
};

/// How many groups are answered unless asked otherwise, and at the most.
const DEFAULT_GROUPS: usize = 100;
const MAX_GROUPS: usize = 1_000;

/// What the sends of a total are grouped by.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(in crate::schema) enum SendGrouping {
    /// How they ended.
    Outcome,
    /// Their reason code.
    Reason,
    /// The day on which they ran.
    Day,
    /// The week in which they ran, from Monday on.
    Week,
    /// The month in which they ran.
    Month,
    /// Their campaign.
    Campaign,
    /// The contact lists they went to. A send to several lists counts in the group of each.
    List,
}

/// What the sends of the account add up to.
pub(in crate::schema) struct SendTotals {
    filter: LogFilter,
    coverage: Option<Result<LogCoverage, ApiError>>,
    groups: Vec<TotalGroup>,
    shown: usize,
    overlapping: bool,
}

/// Reads totals.
pub(in crate::schema) async fn totals(
    context: &Context<'_>,
    filter: Option<SendLogFilter>,
    grouping: SendGrouping,
    zone: &str,
    first: Option<i32>,
) -> Result<SendTotals, ApiError> {
    let shown = match first.map(usize::try_from) {
        None => DEFAULT_GROUPS,
        Some(Ok(first)) if first <= MAX_GROUPS => first,
        Some(_) => {
            let message = format!("`first` must be between 0 and {MAX_GROUPS}.");
            return Err(ApiError::bad_user_input(message));
        }
    };
    let filter = SendLogFilter::check(filter)?;
    let group_by = group_by(grouping, zone)?;
    let reader = context.data_unchecked::<LogReader>();
    let coverage = LogCoverage::if_selected(context, reader, &filter).await;
    let groups = reader
        .read(|log, owner| log.sends.totals(owner, &filter, group_by))
        .await?;
    Ok(SendTotals {
        filter,
        coverage,
        groups,
        shown,
        overlapping: grouping == SendGrouping::List,
    })
}

fn group_by(grouping: SendGrouping, zone: &str) -> Result<GroupBy, ApiError> {
    let zone = TimeZone::get(zone).map_err(|_| {
        ApiError::bad_user_input("`zone` must be the IANA name of a time zone, such as America/New_York.")
    })?;
    Ok(match grouping {
        SendGrouping::Outcome => GroupBy::Outcome,
        SendGrouping::Reason => GroupBy::Reason,
        SendGrouping::Day => GroupBy::Day(zone),
        SendGrouping::Week => GroupBy::Week(zone),
        SendGrouping::Month => GroupBy::Month(zone),
        SendGrouping::Campaign => GroupBy::Campaign,
        SendGrouping::List => GroupBy::List,
    })
}

impl SendTotals {
    async fn sum(&self, context: &Context<'_>) -> Result<SendTotal, ApiError> {
        if !self.overlapping {
            return Ok(SendTotal::of(&self.groups));
        }
        let reader = context.data_unchecked::<LogReader>();
        let disjoint = reader
            .read(|log, owner| log.sends.totals(owner, &self.filter, GroupBy::Outcome))
            .await?;
        Ok(SendTotal::of(&disjoint))
    }
}

/// What the sends of the account add up to, for charts.
#[Object]
impl SendTotals {
    /// The groups: of time the latest first, of anything else the one with the most sends. What belongs to no group, such as
    /// sends without a date, comes last. A time without sends has no group.
    async fn groups(&self) -> Vec<SendTotalGroup> {
        charge::foreseen_list().await;
        let groups = self.groups.iter().take(self.shown);
        groups.cloned().map(SendTotalGroup).collect()
    }

    /// How many groups there are, with those that `first` leaves out.
    async fn group_count(&self) -> i32 {
        count(self.groups.len())
    }

    /// What all sends that the filter includes add up to, each counted once. Null, with an error, when it could not be read.
    async fn total(&self, context: &Context<'_>) -> Option<Result<SendTotal, ApiError>> {
        Some(self.sum(context).await)
    }

    /// Whether the log has everything that the filter asks for. Null, with an error, when that could not be read.
    async fn coverage(&self) -> Option<Result<LogCoverage, ApiError>> {
        self.coverage.clone()
    }
}

/// Sends that have something in common.
pub(in crate::schema) struct SendTotalGroup(TotalGroup);

/// Sends that have something in common.
#[Object]
impl SendTotalGroup {
    /// What they have in common: an outcome, a reason code, the date of the day, of the week's Monday or of the month's first
    /// day, a campaign's id, or a contact list's. Null for sends that do not say.
    async fn key(&self) -> Option<ID> {
        match &self.0.key {
            GroupKey::Outcome(outcome) => Some(ID(outcome.to_string())),
            GroupKey::Reason(code) => code.map(|code| ID(code.to_string())),
            GroupKey::Date(date) => date.map(|date| ID(date.to_string())),
            GroupKey::Campaign(campaign) => campaign.as_ref().map(|(id, _)| ID(id.to_string())),
            GroupKey::List(list) => list.as_ref().map(|list| ID(list.to_string())),
        }
    }

    /// The same for people: for a reason its name, for a campaign its name if it is known. Null where `key` is.
    async fn label(&self) -> Option<String> {
        match &self.0.key {
            GroupKey::Outcome(outcome) => Some(outcome.to_string()),
            GroupKey::Reason(code) => code.map(|code| sends_core::Reason::of(code).name.to_owned()),
            GroupKey::Date(date) => date.map(|date| date.to_string()),
            GroupKey::Campaign(campaign) => campaign
                .as_ref()
                .map(|(id, name)| name.clone().unwrap_or_else(|| id.to_string())),
            GroupKey::List(list) => list.as_ref().map(ToString::to_string),
        }
    }

    /// What the reason code means and what to do about it. Null unless grouped by REASON, and for sends without a code.
    async fn reason(&self) -> Option<Reason> {
        match self.0.key {
            GroupKey::Reason(Some(code)) => Some(Reason(sends_core::Reason::of(code))),
            _ => None,
        }
    }

    /// What the sends of the group add up to.
    async fn total(&self) -> SendTotal {
        SendTotal(self.0.total)
    }
}

/// What sends add up to.
pub(in crate::schema) struct SendTotal(Sum);

impl SendTotal {
    /// What groups add up to that have no send in common.
    fn of(groups: &[TotalGroup]) -> Self {
        let mut sum = Sum::default();
        for group in groups {
            sum.merge(&group.total);
        }
        Self(sum)
    }
}

/// What sends add up to.
#[Object]
impl SendTotal {
    /// How many sends there are. Null, with an error, beyond 32 bits.
    async fn send_count(&self) -> Option<Result<i32, ApiError>> {
        Some(int("number of sends", self.0.sends()))
    }

    /// How many contacts the sends with the outcome SENT went to, somebody who got two of them counted twice.
    async fn contacts_reached(&self) -> Long {
        Long(self.0.contacts_reached())
    }

    /// How many sends ended in which way. An outcome without a send is left out.
    async fn by_outcome(&self) -> Vec<OutcomeCount> {
        let counts = Outcome::ALL.map(|outcome| OutcomeCount {
            outcome: outcome.into(),
            send_count: i32::try_from(self.0.with_outcome(outcome)).unwrap_or(i32::MAX),
        });
        counts.into_iter().filter(|count| count.send_count > 0).collect()
    }
}

/// How many sends ended in one way.
#[derive(SimpleObject)]
pub(in crate::schema) struct OutcomeCount {
    /// How they ended.
    outcome: SendOutcome,
    /// How many there are.
    send_count: i32,
}
