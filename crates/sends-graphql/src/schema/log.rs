//! The log of all sends: the fields of the query that read it, and what they have in common.
//!
//! `filter.rs` holds the arguments that choose, `connection.rs` the pages, `totals.rs` the sums and `sync.rs` how complete
//! the log is, `unreadable.rs` what it goes without.

mod connection;
mod filter;
mod sync;
mod totals;
mod unreadable;

use async_graphql::{ComplexObject, Context, SimpleObject};
use jiff::Timestamp;
use sends_store::{Completeness, Coverage, LogFilter};

pub(super) use self::{
    connection::{LoggedSendConnection, page},
    filter::SendLogFilter,
    sync::{SyncState, state},
    totals::{SendGrouping, SendTotals, totals},
};
use super::{ApiError, scalar::DateTime, zone::DateTimeZone};
use crate::sources::send_log::LogReader;

/// How much of what was sent the log holds. It is filled by `sends-graphql sync`, by `serve --sync-every`, and by whatever
/// histories are asked for.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(super) struct LogCoverage {
    /// Whether every send between the filter's `from` and `until` is in the log; without `from` from the account's first send
    /// on, and without `until` up to `completeUntil`. When false, sends can be missing from lists, counts and totals: those
    /// that are not read yet, by the two dates, and those that cannot be read, by `unreadableCount`.
    is_complete: bool,
    /// How many campaigns, activities and listings of Constant Contact cannot be read, or not as a whole, for which the log may
    /// lack sends between the filter's `from` and `until`. `syncState` names them.
    unreadable_count: i32,
    #[graphql(skip)]
    since: Option<Timestamp>,
    #[graphql(skip)]
    until: Option<Timestamp>,
}

#[ComplexObject]
impl LogCoverage {
    /// Since when the log has every send that can be read. Null when it reaches back to the account's first send, and when the
    /// account was never read as a whole: then `completeUntil` is null too.
    async fn complete_since(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.since).await
    }

    /// Until when the log has every send that can be read. Null when the account was never read as a whole, so that the log
    /// holds no more than what was asked for.
    async fn complete_until(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.until).await
    }
}

impl LogCoverage {
    fn new(completeness: Completeness) -> Self {
        let (since, end) = match completeness.coverage {
            Coverage::Nothing => (None, None),
            Coverage::Between { since, until } => (since, Some(until)),
        };
        Self {
            is_complete: completeness.is_complete,
            unreadable_count: i32::try_from(completeness.unreadable_count).unwrap_or(i32::MAX),
            since,
            until: end,
        }
    }

    /// How complete the log is for what a filter asks for, where the field selects it.
    ///
    /// To be read before the sends: a synchronisation that ends between the two readings can then make a page more complete
    /// than it is called, never less.
    async fn if_selected(
        context: &Context<'_>,
        reader: &LogReader,
        filter: &LogFilter,
    ) -> Option<Result<Self, ApiError>> {
        if !context.look_ahead().field("coverage").exists() {
            return None;
        }
        Some(Self::of(reader, filter).await)
    }

    async fn of(reader: &LogReader, filter: &LogFilter) -> Result<Self, ApiError> {
        let (from, until, now) = (filter.send.from, filter.send.until, reader.asked_at());
        let completeness = reader.read(|log, owner| log.sync.completeness(owner, from, until, now));
        Ok(Self::new(completeness.await?))
    }
}
