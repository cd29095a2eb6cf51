//! Interface of the send log.

mod filter;
mod totals;

use jiff::Timestamp;
use sends_core::{ActivityId, Campaign, SendAttempt};

pub use filter::LogFilter;
pub use totals::{GroupBy, GroupKey, SendTotal, TotalGroup};
pub(crate) use {filter::folded, totals::sort};

use crate::{Owner, StoreFuture};

/// The sends of all stored responses of an owner.
///
/// The log is a view of the last response of each activity: a read that begins after [`Store::keep`](crate::Store::keep) has
/// ended sees it. An activity that the upstream no longer finds has no sends. [`SyncLog::coverage`](crate::SyncLog::coverage)
/// reports whether sends are missing. Each method sees one snapshot of the store.
pub trait SendLog: Send + Sync {
    fn page<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        request: LogPageRequest,
    ) -> StoreFuture<'a, LogPage>;

    fn count<'a>(&'a self, owner: Owner, filter: &'a LogFilter) -> StoreFuture<'a, u64>;

    /// Totals by group. Groups of time are sorted newest first, others by the number of sends, descending; the group without a
    /// key is last. A send to several lists counts in the group of each.
    fn totals<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        group_by: GroupBy,
    ) -> StoreFuture<'a, Vec<TotalGroup>>;
}

/// The order by `run_date`, then by activity id, then within the activity. Sends without a date are last in both orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogOrder {
    #[default]
    NewestFirst,
    OldestFirst,
}

/// A range of the log to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPageRequest {
    pub order: LogOrder,
    /// Exclusive.
    pub after: Option<LogPosition>,
    /// Exclusive.
    pub before: Option<LogPosition>,
    pub limit: usize,
    /// Whether to read the last sends of the range instead of the first ones. The order of the page does not change.
    pub from_end: bool,
}

/// A position in the log. It stays valid when sends are added and when its own send is gone or no longer matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPosition {
    pub run_date: Option<Timestamp>,
    pub activity: ActivityId,
    /// The index in the activity's history.
    pub ordinal: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    pub sends: Vec<LoggedSend>,
    /// Whether the range has matching sends before the page.
    pub has_previous: bool,
    /// Whether the range has matching sends after the page.
    pub has_next: bool,
}

/// A send with its activity and campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSend {
    pub activity: ActivityId,
    /// The index in the activity's history.
    pub ordinal: u32,
    /// The number of earlier sends in that history with the same `send_id`, usually 0.
    pub repeat: u32,
    /// `None` until a synchronisation has read it.
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
