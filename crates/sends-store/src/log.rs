//! Interface of the send log.

mod filter;
mod totals;

use jiff::Timestamp;
use sends_core::{ActivityId, Campaign, SendAttempt};

pub use filter::LogFilter;
pub use totals::{GroupBy, GroupKey, SendTotal, TotalGroup};
pub(crate) use {filter::folded, totals::sort};

use crate::{Owner, StoreFuture};

/// Searchable log of the sends of all stored responses.
///
/// The log is a view of the last response for each activity. A read that starts after [`Store::keep`](crate::Store::keep) has
/// completed sees the stored response. Known sends that a response lacks are retained until a second synchronisation confirms
/// their removal. [`SyncLog::coverage`](crate::SyncLog::coverage) reports whether sends are missing. Each method reads one
/// snapshot of the store.
pub trait SendLog: Send + Sync {
    fn page<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        request: LogPageRequest,
    ) -> StoreFuture<'a, LogPage>;

    fn count<'a>(&'a self, owner: Owner, filter: &'a LogFilter) -> StoreFuture<'a, u64>;

    /// Returns the totals per group. Time groups are sorted newest first, and other groups by descending number of sends. The
    /// group without a key is last. A send to several lists counts in the group of each list.
    fn totals<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        group_by: GroupBy,
    ) -> StoreFuture<'a, Vec<TotalGroup>>;
}

/// Sort order: by `run_date`, then by activity id, then by position in the history. Sends without a date are last in both orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogOrder {
    #[default]
    NewestFirst,
    OldestFirst,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPageRequest {
    pub order: LogOrder,
    /// Exclusive start of the range.
    pub after: Option<LogPosition>,
    /// Exclusive end of the range.
    pub before: Option<LogPosition>,
    pub limit: usize,
    /// Whether to read the last sends of the range instead of the first. The order within the page is the same.
    pub from_end: bool,
}

/// Position in the log, which remains valid when sends are added or when its own send is removed or no longer matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPosition {
    pub run_date: Option<Timestamp>,
    pub activity: ActivityId,
    /// Index in the activity's history.
    pub ordinal: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    pub sends: Vec<LoggedSend>,
    /// Whether matching sends precede the page. If `from_end` is set, only sends within the range are considered.
    pub has_previous: bool,
    /// Whether matching sends follow the page. If `from_end` is not set, only sends within the range are considered.
    pub has_next: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSend {
    pub activity: ActivityId,
    pub ordinal: u32,
    /// Number of earlier sends in the same history with the same `send_id`, usually 0.
    pub repeat: u32,
    /// `None` until a synchronisation has read the campaign.
    pub campaign: Option<Campaign>,
    pub send: SendAttempt,
}

impl LoggedSend {
    pub fn position(&self) -> LogPosition {
        LogPosition {
            run_date: self.send.run_date,
            activity: self.activity,
            ordinal: self.ordinal,
        }
    }
}
