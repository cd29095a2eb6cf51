//! Answers that are older than they were meant to be.
//!
//! Owns when such an answer may be given, and what an operation is told of those that it was given. Must not know where they
//! are kept.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use sends_client::FailureClass;

use super::ReadError;

/// Why an older answer was given instead of a fresh one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StaleReason {
    /// The upstream could not be reached, failed, or gave an answer that could not be used.
    UpstreamUnavailable,
    /// The upstream did not answer in time, or the call's turn did not come.
    TooSlow,
    /// The upstream's limit for a second held the call back for too long.
    RateLimited,
    /// The upstream's limit for the day is used up.
    QuotaExceeded,
}

impl ReadError {
    /// Why an older answer may be given after this failure. `None` after a [refusal](Self::is_refusal), since what the upstream
    /// no longer shows is not shown here either, and where the upstream was not asked enough to say so.
    pub(crate) fn stale_reason(&self) -> Option<StaleReason> {
        let error = match self {
            Self::Upstream(error) => error,
            Self::Overloaded | Self::ShuttingDown => return Some(StaleReason::TooSlow),
            Self::NotFound | Self::Lost => return None,
        };
        match error.class {
            FailureClass::Unreachable
            | FailureClass::Interrupted
            | FailureClass::CircuitOpen
            | FailureClass::ServerFailure
            | FailureClass::TokenUnavailable
            | FailureClass::NoSuchPath
            | FailureClass::Invalid => Some(StaleReason::UpstreamUnavailable),
            FailureClass::TimedOut | FailureClass::DeadlineExceeded | FailureClass::QueueFull => {
                Some(StaleReason::TooSlow)
            }
            FailureClass::Throttled | FailureClass::UnverifiedTokens => Some(StaleReason::RateLimited),
            FailureClass::QuotaExceeded => Some(StaleReason::QuotaExceeded),
            FailureClass::AllowanceUsedUp
            | FailureClass::Unauthenticated
            | FailureClass::LoginRequired
            | FailureClass::Forbidden
            | FailureClass::NotFound
            | FailureClass::Rejected => None,
        }
    }

    /// Whether the upstream did answer, and its answer was that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        match self {
            Self::Upstream(error) => error.class == FailureClass::NotFound,
            Self::NotFound => true,
            Self::Overloaded | Self::ShuttingDown | Self::Lost => false,
        }
    }

    /// Whether the upstream will not take the request, whatever is wrong with it.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.class == FailureClass::Rejected)
    }

    /// Whether the upstream did answer, and its answer was no.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Upstream(error) => matches!(
                error.class,
                FailureClass::Unauthenticated
                    | FailureClass::LoginRequired
                    | FailureClass::Forbidden
                    | FailureClass::NotFound
                    | FailureClass::Rejected
            ),
            Self::NotFound => true,
            Self::Overloaded | Self::ShuttingDown | Self::Lost => false,
        }
    }
}

/// What an answer of the upstream is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// The history of an activity.
    Sends,
    /// A page of campaigns.
    CampaignPage,
    /// One campaign with its activities.
    Campaign,
    /// What an activity is, or when it is to be sent.
    Activity,
    /// What contacts did with an email.
    Stats,
    /// Contact lists.
    ContactLists,
    /// Segments.
    Segments,
    /// Whose account it is.
    Account,
}

/// That something was given which is older than it was meant to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stale {
    /// When the upstream gave it.
    pub fetched_at: Timestamp,
    /// Why nothing fresher could be had.
    pub reason: StaleReason,
}

/// What one operation was given that is older than it was meant to be: of each kind the oldest.
#[derive(Debug, Default)]
pub struct StaleAnswers(Mutex<BTreeMap<Kind, Stale>>);

impl StaleAnswers {
    pub(crate) fn note(&self, kind: Kind, fetched_at: Timestamp, reason: StaleReason) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = Stale { fetched_at, reason };
        let oldest = noted.entry(kind).or_insert(stale);
        if fetched_at < oldest.fetched_at {
            *oldest = stale;
        }
    }

    /// What was noted so far.
    pub fn noted(&self) -> BTreeMap<Kind, Stale> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
