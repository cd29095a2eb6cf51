//! Decides when a stale response may be returned, and records the stale responses of each operation.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use sends_client::FailureClass;

use super::ReadError;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StaleReason {
    UpstreamUnavailable,
    /// The upstream did not respond in time, or the call could not be sent in time.
    TooSlow,
    RateLimited,
    QuotaExceeded,
}

impl ReadError {
    /// Returns the reason to report if a stale response replaces this failure. Returns `None` for a [denied
    /// request](Self::is_refusal), because the caller may no longer have access to the data. Also returns `None` for failures
    /// that do not show the state of the upstream: an exhausted call budget or a lost call.
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

    pub(crate) fn is_not_found(&self) -> bool {
        match self {
            Self::Upstream(error) => error.class == FailureClass::NotFound,
            Self::NotFound => true,
            Self::Overloaded | Self::ShuttingDown | Self::Lost => false,
        }
    }

    /// Returns whether the upstream rejected the request itself, for example with 400.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.class == FailureClass::Rejected)
    }

    /// Returns whether the upstream denied the request as unauthenticated, forbidden, not found or invalid.
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

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    Sends,
    CampaignPage,
    Campaign,
    /// Details or schedule of an activity.
    Activity,
    Stats,
    ContactLists,
    Segments,
    Account,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stale {
    pub fetched_at: Timestamp,
    pub reason: StaleReason,
}

/// Oldest stale response of each kind in one operation.
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

    pub fn noted(&self) -> BTreeMap<Kind, Stale> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
