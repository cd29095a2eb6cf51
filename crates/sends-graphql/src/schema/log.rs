//! GraphQL types of the send log, which contains all stored sends of the account.

mod filter;
mod page;
mod sync;
mod totals;
mod unreadable;

use async_graphql::{Context, SimpleObject};
use jiff::Timestamp;
use sends_core::{ActivityId, Campaign};
use sends_store::{Completeness, Coverage, LogFilter, LogPageRequest};

pub(super) use self::{
    filter::SendLogFilter,
    page::{cursor, page},
    sync::{SyncState, state},
    totals::{SendGrouping, SendTotals, totals},
};
use super::{ApiError, error::Nullable, scalar::Long, zone::dates};
use crate::sources::send_log::LogReader;

/// Completeness of the send log. Synchronisation and every read of a history add sends to the log.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(super) struct LogCoverage {
    /// Whether the log has every send between `from` and `until` of the filter. If the filter has no `from`, the range starts at
    /// the account's first send. If it has no `until`, the range ends at `completeUntil`. If false, sends can be missing from
    /// lists, counts and totals. Sends before `completeFrom` or after `completeUntil` can be missing because they have not been
    /// read yet. Other sends can be missing because their resource is unreadable.
    is_complete: bool,
    /// Number of unreadable resources that can have sends between `from` and `until` of the filter. `syncState {
    /// unreadableResources }` lists them.
    unreadable_resource_count: Long,
    #[graphql(skip)]
    from: Option<Timestamp>,
    #[graphql(skip)]
    until: Option<Timestamp>,
}

dates! { LogCoverage {
    /// Start of the period for which the log has every readable send. Null if it starts at the account's first send, or if
    /// `completeUntil` is null.
    complete_from: |of| of.from,
    /// End of the period for which the log has every readable send. Null if no synchronisation has completed. The log then has
    /// only histories that queries have read.
    complete_until: |of| of.until,
} }

impl From<Completeness> for LogCoverage {
    fn from(completeness: Completeness) -> Self {
        let (from, end) = match completeness.coverage {
            Coverage::Nothing => (None, None),
            Coverage::Between { since, until } => (since, Some(until)),
        };
        Self {
            is_complete: completeness.is_complete,
            unreadable_resource_count: completeness.unreadable_count.into(),
            from,
            until: end,
        }
    }
}

impl LogCoverage {
    /// Reads the coverage for a filter if the field selects it.
    ///
    /// This function must be called before the sends are read. If a synchronisation ends between the two reads, the page is then
    /// more complete than reported, never less.
    async fn if_selected(context: &Context<'_>, reader: &LogReader, filter: &LogFilter) -> Nullable<Self> {
        if !context.look_ahead().field("coverage").exists() {
            return None;
        }
        let (from, until, now) = (filter.send.from, filter.send.until, reader.asked_at());
        let completeness = reader.read(|log, owner| log.sync.completeness(owner, from, until, now));
        Some(completeness.await.map(Into::into).map_err(ApiError::from))
    }
}

/// Returns the campaign of an activity from the log, or `None` if the log cannot be read or does not contain the campaign.
pub(super) async fn campaign_of(context: &Context<'_>, activity: ActivityId) -> Option<Campaign> {
    let filter = LogFilter {
        activities: vec![activity],
        ..LogFilter::default()
    };
    let request = LogPageRequest {
        limit: 1,
        ..LogPageRequest::default()
    };
    let reader = context.data_unchecked::<LogReader>();
    let page = reader.read(|log, owner| log.sends.page(owner, &filter, request));
    page.await.ok()?.sends.pop()?.campaign
}
