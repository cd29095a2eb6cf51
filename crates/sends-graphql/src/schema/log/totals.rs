//! Aggregates the sends of the send log by group.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, Object, SimpleObject};
use jiff::{Timestamp, ToSpan, civil, tz};
use sends_core::{CampaignId, Outcome};
use sends_store::{GroupBy, GroupKey, LogFilter, SendTotal as Sum, TotalGroup};

use super::{LogCoverage, SendLogFilter};
use crate::{
    schema::{
        ApiError,
        audience::ContactList,
        campaign::Campaign,
        charge,
        enums::SendOutcome,
        error::Nullable,
        paging::limited_length,
        reason::Reason,
        scalar::{Date, Long, TimeZone},
        zone::{dates, reported_once},
    },
    sources::send_log::LogReader,
};

const DEFAULT_GROUPS: usize = 100;
const MAX_GROUPS: usize = 1_000;

/// Grouping of totals. The field of the same name in `SendTotalGroup` identifies the group; days, weeks and months are in
/// `period`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
pub(in crate::schema) enum SendGrouping {
    /// Groups by outcome.
    Outcome,
    /// Groups by reason code.
    Reason,
    /// Groups by day of `runDate`.
    Day,
    /// Groups by week of `runDate`. Weeks start on Monday.
    Week,
    /// Groups by month of `runDate`.
    Month,
    /// Groups by campaign.
    Campaign,
    /// Groups by contact list. A send to several lists is counted in the group of each list.
    ContactList,
}

pub(in crate::schema) struct SendTotals {
    filter: LogFilter,
    grouping: SendGrouping,
    /// Time zone of periods.
    zone: tz::TimeZone,
    coverage: Nullable<LogCoverage>,
    /// Fails without the time zone of the periods.
    groups: Result<Vec<TotalGroup>, ApiError>,
    shown: usize,
    /// Records of the returned campaigns. Empty unless the query selects them.
    campaigns: HashMap<CampaignId, Arc<sends_core::Campaign>>,
}

pub(in crate::schema) async fn totals(
    context: &Context<'_>,
    filter: SendLogFilter,
    grouping: SendGrouping,
    zone: &TimeZone,
    first: Option<i32>,
) -> Result<SendTotals, ApiError> {
    let shown = limited_length("first", first, MAX_GROUPS)?.unwrap_or(DEFAULT_GROUPS);
    let filter = filter.check()?;
    let zone = match grouping {
        SendGrouping::Day | SendGrouping::Week | SendGrouping::Month => zone.rules(context).await,
        _ => Ok(tz::TimeZone::UTC),
    };
    let group_by = |zone| match grouping {
        SendGrouping::Outcome => GroupBy::Outcome,
        SendGrouping::Reason => GroupBy::Reason,
        SendGrouping::Day => GroupBy::Day(zone),
        SendGrouping::Week => GroupBy::Week(zone),
        SendGrouping::Month => GroupBy::Month(zone),
        SendGrouping::Campaign => GroupBy::Campaign,
        SendGrouping::ContactList => GroupBy::List,
    };
    let reader = context.data_unchecked::<LogReader>();
    let coverage = LogCoverage::if_selected(context, reader, &filter).await;
    let groups = match &zone {
        Ok(zone) => {
            let group_by = group_by(zone.clone());
            let groups = reader.read(|log, owner| log.sends.totals(owner, &filter, group_by));
            Ok(groups.await?)
        }
        Err(error) => Err(error.clone()),
    };
    let mut campaigns = HashMap::new();
    if context.look_ahead().field("groups").field("campaign").exists() {
        let groups = groups.iter().flatten().take(shown);
        let ids = groups.filter_map(|group| match &group.key {
            GroupKey::Campaign(Some((id, _))) => Some(*id),
            _ => None,
        });
        let ids: Vec<CampaignId> = ids.collect();
        let known = reader.read(|log, owner| log.sync.campaigns(owner, &ids)).await?;
        let records = known.into_iter().flatten().map(|known| known.campaign);
        campaigns.extend(records.map(|record| (record.id, Arc::new(record))));
    }
    Ok(SendTotals {
        filter,
        grouping,
        zone: zone.unwrap_or(tz::TimeZone::UTC),
        coverage,
        groups,
        shown,
        campaigns,
    })
}

impl SendTotals {
    async fn sum(&self, context: &Context<'_>) -> Result<SendTotal, ApiError> {
        // Groups of contact lists overlap.
        if let Ok(groups) = &self.groups
            && self.grouping != SendGrouping::ContactList
        {
            return Ok(SendTotal::of(groups));
        }
        let reader = context.data_unchecked::<LogReader>();
        let disjoint = reader
            .read(|log, owner| log.sends.totals(owner, &self.filter, GroupBy::Outcome))
            .await?;
        Ok(SendTotal::of(&disjoint))
    }

    fn group(&self, group: &TotalGroup) -> SendTotalGroup {
        let mut described = SendTotalGroup {
            outcome: None,
            reason: None,
            period: None,
            campaign: None,
            contact_list: None,
            total: SendTotal(group.total),
        };
        match &group.key {
            GroupKey::Outcome(outcome) => described.outcome = Some((*outcome).into()),
            GroupKey::Reason(code) => {
                described.reason = code.map(|code| Reason(sends_core::Reason::of(code)));
            }
            GroupKey::Date(from) => {
                described.period = from.map(|from| CalendarPeriod::starting(from, self.grouping, &self.zone));
            }
            GroupKey::Campaign(campaign) => {
                described.campaign = campaign.as_ref().map(|(id, _)| match self.campaigns.get(id) {
                    Some(record) => Campaign::logged(Arc::clone(record)),
                    None => Campaign::new(*id),
                });
            }
            GroupKey::List(list) => described.contact_list = list.clone().map(ContactList),
        }
        described
    }
}

/// Totals of the account's sends, for charts.
#[Object]
impl SendTotals {
    /// Groups of sends. Periods are in descending order, and other groups are in descending order of their number of sends. The
    /// last group contains the sends that lack the value, such as a date. Periods without sends have no group. Null if the time
    /// zone of the periods cannot be determined; an operation reports this error once.
    async fn groups(&self, context: &Context<'_>) -> Nullable<Vec<SendTotalGroup>> {
        charge::foreseen_list().await;
        match &self.groups {
            Ok(groups) => {
                let groups = groups.iter().take(self.shown);
                Some(Ok(groups.map(|group| self.group(group)).collect()))
            }
            Err(error) => reported_once(context, error.clone()),
        }
    }

    /// Number of groups, including those beyond `first`. Null if `groups` is null.
    async fn group_count(&self, context: &Context<'_>) -> Nullable<Long> {
        match &self.groups {
            Ok(groups) => Some(Ok(groups.len().into())),
            Err(error) => reported_once(context, error.clone()),
        }
    }

    /// Total of all sends that match the filter, each counted once. Null with an error if the total cannot be read.
    async fn total(&self, context: &Context<'_>) -> Nullable<SendTotal> {
        Some(self.sum(context).await)
    }

    /// Completeness of the send log for the filter. Null with an error if the completeness cannot be read.
    async fn coverage(&self) -> Nullable<LogCoverage> {
        self.coverage.clone()
    }
}

/// Total of a group of sends. Only the field that corresponds to the grouping has a value: `outcome`, `reason`, `period`,
/// `campaign` or `contactList`. That field is also null for the group of sends that lack the value.
#[derive(SimpleObject)]
pub(in crate::schema) struct SendTotalGroup {
    /// Outcome of the sends. Null if not grouped by `OUTCOME`.
    outcome: Option<SendOutcome>,
    /// Reason of the sends. Null if not grouped by `REASON`, or if the sends have no code.
    reason: Option<Reason>,
    /// Period in which the sends ran. Null if not grouped by `DAY`, `WEEK` or `MONTH`, or if the sends have no date.
    period: Option<CalendarPeriod>,
    /// Campaign of the sends, as stored in the send log. Null if not grouped by `CAMPAIGN`, or if the campaign is unknown.
    campaign: Option<Campaign>,
    /// Contact list of the sends. Null if not grouped by `CONTACT_LIST`, or if the sends have no list.
    contact_list: Option<ContactList>,
    /// Number of sends of the group, and of their contacts.
    total: SendTotal,
}

/// Day, week or month in the time zone of the totals.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(in crate::schema) struct CalendarPeriod {
    /// First day.
    from: Date,
    /// Day after the last day.
    until: Date,
    #[graphql(skip)]
    start: Option<Timestamp>,
    #[graphql(skip)]
    end: Option<Timestamp>,
}

dates! { CalendarPeriod {
    /// Start of the first day in the `zone` of the totals. As `from` of a filter, with `endsAt` as `until`, it selects the sends of
    /// the period.
    starts_at: |of| of.start,
    /// End of the last day in the `zone` of the totals.
    ends_at: |of| of.end,
} }

impl CalendarPeriod {
    fn starting(from: civil::Date, grouping: SendGrouping, zone: &tz::TimeZone) -> Self {
        let length = match grouping {
            SendGrouping::Week => 1.week(),
            SendGrouping::Month => 1.month(),
            _ => 1.day(),
        };
        let until = from.saturating_add(length);
        // A day can start after midnight, at a change of the clocks.
        let start = |date: civil::Date| zone.to_timestamp(date.at(0, 0, 0, 0)).ok();
        Self {
            from: Date(from),
            until: Date(until),
            start: start(from),
            end: start(until),
        }
    }
}

pub(in crate::schema) struct SendTotal(Sum);

impl SendTotal {
    /// Sums disjoint groups.
    fn of(groups: &[TotalGroup]) -> Self {
        let mut sum = Sum::default();
        for group in groups {
            sum.merge(&group.total);
        }
        Self(sum)
    }
}

/// Number of sends in total and by outcome, and the number of their contacts.
#[Object]
impl SendTotal {
    /// Number of sends.
    async fn send_count(&self) -> Long {
        self.0.sends().into()
    }

    /// Sum of `count` over the sends with the outcome `SENT`. A contact who received several sends is counted several times.
    async fn contacts_reached(&self) -> Long {
        Long(self.0.contacts_reached())
    }

    /// Number of sends by outcome. Outcomes without sends are omitted.
    async fn by_outcome(&self) -> Vec<OutcomeCount> {
        let counts = Outcome::ALL.map(|outcome| (outcome, self.0.with_outcome(outcome)));
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts
            .map(|(outcome, count)| OutcomeCount {
                outcome: outcome.into(),
                send_count: count.into(),
            })
            .collect()
    }
}

/// Number of sends with one outcome.
#[derive(SimpleObject)]
pub(in crate::schema) struct OutcomeCount {
    /// Outcome of the sends.
    outcome: SendOutcome,
    /// Number of sends.
    send_count: Long,
}
