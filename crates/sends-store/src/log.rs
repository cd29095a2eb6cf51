//! The log of all sends, as it is searched.
//!
//! Owns what can be asked of the log and in which order it answers. Must not know how the sends came into it, see
//! [`SyncLog`](crate::SyncLog), nor where they are kept.

mod filter;
mod totals;

use jiff::Timestamp;
use sends_core::{ActivityId, Campaign, SendAttempt};

pub use filter::LogFilter;
pub use totals::{GroupBy, GroupKey, SendTotal, TotalGroup};
pub(crate) use {filter::folded, totals::sort};

use crate::{Owner, StoreFuture};

/// Every send that the kept answers tell of, over all activities of an owner.
///
/// The log is a view of what [`Store::keep`](crate::Store::keep) was given last for each activity: a read that begins after
/// a `keep` has ended sees it. So it shows what the upstream showed when it was last asked; an activity that the upstream
/// knows no more has no sends. Whether sends are missing is for [`SyncLog::coverage`](crate::SyncLog::coverage) to say.
///
/// Each method sees one state of the store.
pub trait SendLog: Send + Sync {
    /// One page of the sends that the filter chooses.
    fn page<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        request: LogPageRequest,
    ) -> StoreFuture<'a, LogPage>;

    /// How many sends the filter chooses.
    fn count<'a>(&'a self, owner: Owner, filter: &'a LogFilter) -> StoreFuture<'a, u64>;

    /// What the sends that the filter chooses add up to, by groups.
    ///
    /// Groups of time come newest first, all others by their number of sends, the greatest first; what has no key of its
    /// own comes last. A send to several lists counts in the group of each.
    fn totals<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        group_by: GroupBy,
    ) -> StoreFuture<'a, Vec<TotalGroup>>;
}

/// The order of the log: by `run_date`, then by the activity's id, then by the order within the activity. Sends without a
/// date come last in either order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogOrder {
    /// The latest send first.
    #[default]
    NewestFirst,
    /// The earliest send first.
    OldestFirst,
}

/// Which stretch of the log to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPageRequest {
    /// The order of the log, whichever end is read from.
    pub order: LogOrder,
    /// Only what comes after this place.
    pub after: Option<LogPosition>,
    /// Only what comes before this place.
    pub before: Option<LogPosition>,
    /// How many sends to read at most.
    pub limit: usize,
    /// Whether to read the last sends of the stretch instead of the first ones. The page is in the order of the log all the
    /// same.
    pub from_end: bool,
}

/// A place in the log. It stays good when sends are added before or after it, and when the send it was taken from is gone
/// or no longer chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPosition {
    /// When the send ran.
    pub run_date: Option<Timestamp>,
    /// The activity that was sent.
    pub activity: ActivityId,
    /// The place of the send in its activity's history, counted from 0.
    pub ordinal: u32,
}

/// A stretch of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The sends, in the order of the log.
    pub sends: Vec<LoggedSend>,
    /// Whether chosen sends come before the first one of the page, up to the stretch that was asked for.
    pub has_previous: bool,
    /// Whether chosen sends come after the last one of the page, up to the stretch that was asked for.
    pub has_next: bool,
}

/// A send with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSend {
    /// The activity that was sent.
    pub activity: ActivityId,
    /// The place of the send in its activity's history, counted from 0.
    pub ordinal: u32,
    /// How many sends before it in that history have the same `send_id`. 0 as a rule.
    pub repeat: u32,
    /// The campaign of the activity. `None` while nobody has read which one it is.
    pub campaign: Option<Campaign>,
    /// The send.
    pub send: SendAttempt,
}

impl LoggedSend {
    /// Where the send stands in the log.
    pub fn position(&self) -> LogPosition {
        LogPosition {
            run_date: self.send.run_date,
            activity: self.activity,
            ordinal: self.ordinal,
        }
    }
}
