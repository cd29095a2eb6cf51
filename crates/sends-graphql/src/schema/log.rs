//! The send log: all sends of the account that the service has stored.

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

/// Completeness of the send log, which is filled by synchronisation and by every history that is read.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(super) struct LogCoverage {
    /// Whether the log has every send between `from` and `until` of the filter. Without `from`, the range starts at the account's
    /// first send; without `until`, it ends at `completeUntil`. If false, sends can be missing from lists, counts and totals:
    /// outside `completeFrom` and `completeUntil` because the sends are not read yet, inside because of unreadable resources.
    is_complete: bool,
    /// Number of unreadable resources whose sends between `from` and `until` of the filter can be missing.
    /// `syncState { unreadableResources }` lists them.
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
    /// End of the period for which the log has every readable send. Null if no synchronisation has completed, so that the log has
    /// only the histories that were read.
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
    /// The coverage for a filter, if the field selects it.
    ///
    /// Must be read before the sends: a synchronisation that ends between the two reads can then make a page more complete than
    /// reported, never less.
    async fn if_selected(context: &Context<'_>, reader: &LogReader, filter: &LogFilter) -> Nullable<Self> {
        if !context.look_ahead().field("coverage").exists() {
            return None;
        }
        let (from, until, now) = (filter.send.from, filter.send.until, reader.asked_at());
        let completeness = reader.read(|log, owner| log.sync.completeness(owner, from, until, now));
        Some(completeness.await.map(Into::into).map_err(ApiError::from))
    }
}

/// The campaign of an activity in the log, if it can be read there.
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
