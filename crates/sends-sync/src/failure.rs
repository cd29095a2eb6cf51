//! Failures of a synchronisation, and whether they concern a single read or the whole run.

use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_store::StoreError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncFailure {
    #[error("stopped by a shutdown")]
    Cancelled,
    #[error(transparent)]
    Upstream(Box<UpstreamError>),
    /// Failed call after many failures and after failed probes, which indicate that further calls would fail as well.
    #[error("all reads fail: {0}")]
    EverythingFails(Box<UpstreamError>),
    /// Listing that is skipped during the pause after an earlier failure with this reason.
    #[error("{0} The next attempt follows after a pause.")]
    Paused(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UpstreamError> for SyncFailure {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(Box::new(error))
    }
}

impl SyncFailure {
    pub(crate) fn stops_sync(&self) -> bool {
        match self {
            Self::Upstream(error) => Self::concerns_all_calls(error),
            Self::Cancelled | Self::EverythingFails(_) | Self::Paused(_) | Self::Store(_) => true,
        }
    }

    pub(crate) fn concerns_all_calls(error: &UpstreamError) -> bool {
        class_concerns_all_calls(error.class) && !error.is_throttled_by_itself()
    }

    /// Returns whether the upstream throttled a call up to its last retry. Only a probe shows whether other calls are throttled
    /// as well.
    pub(crate) fn is_throttling(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.is_throttled_by_itself())
    }

    /// Variant of [`stops_sync`](Self::stops_sync) for a listing, whose circuit may be open while those of other endpoints are
    /// closed.
    pub(crate) fn stops_listings(&self) -> bool {
        match self {
            Self::Upstream(error) => {
                error.class != FailureClass::CircuitOpen && Self::concerns_all_calls(error)
            }
            _ => true,
        }
    }

    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.class == FailureClass::Rejected)
    }

    pub(crate) fn public_reason(&self) -> &str {
        match self {
            Self::Paused(reason) => reason,
            Self::Cancelled => "The program was stopped.",
            Self::Store(_) => "The log cannot be written.",
            Self::Upstream(error) | Self::EverythingFails(error) => describe(error),
        }
    }
}

fn describe(error: &UpstreamError) -> &'static str {
    match error.class {
        FailureClass::Unreachable
        | FailureClass::CircuitOpen
        | FailureClass::Interrupted
        | FailureClass::ServerFailure => {
            "Constant Contact was unreachable, interrupted its response, or failed."
        }
        FailureClass::TimedOut => "Constant Contact did not respond in time.",
        FailureClass::Throttled if error.is_throttled_by_itself() => {
            "Constant Contact repeatedly throttled this request (429)."
        }
        FailureClass::Throttled => "Constant Contact throttled all calls (429).",
        FailureClass::QueueFull
        | FailureClass::UnverifiedTokens
        | FailureClass::DeadlineExceeded
        | FailureClass::AllowanceUsedUp => "Interactive queries used up the rate limit of Constant Contact.",
        FailureClass::QuotaExceeded => "The daily quota of calls is used up.",
        FailureClass::TokenUnavailable => "No access token was available.",
        FailureClass::Unauthenticated | FailureClass::LoginRequired => {
            "Constant Contact rejected the service's login. The operator has to log in again."
        }
        FailureClass::Forbidden if error.is_path_alone() => {
            "Constant Contact rejected only this request (401), and accepts the service's login for others."
        }
        FailureClass::Forbidden if matches!(error.endpoint, Endpoint::CampaignSummaries(_)) => {
            "Constant Contact rejected access to its reports: the user of the login lacks the privilege ui:campaign:metrics. \
             Without the reports, sends that do not change their campaign are not found."
        }
        FailureClass::Forbidden => {
            "Constant Contact rejected access: the scope campaign_data or the privilege campaign:read is missing, or the \
             application was deactivated."
        }
        FailureClass::NoSuchPath => {
            "The configured address of Constant Contact's API is wrong: the path does not exist."
        }
        FailureClass::Invalid => "Constant Contact returned an invalid response.",
        FailureClass::NotFound => not_found(&error.endpoint),
        FailureClass::Rejected => "Constant Contact rejected a valid request.",
    }
}

fn not_found(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Campaign(_) => "Constant Contact lists this campaign but does not find it (404).",
        Endpoint::SendHistory(_) => "Constant Contact lists this activity but does not find it (404).",
        _ => "Constant Contact did not find the resource (404).",
    }
}

fn class_concerns_all_calls(class: FailureClass) -> bool {
    match class {
        // The client has already retried the call. If other ids fail as well, its circuit breaker reports another class.
        FailureClass::ServerFailure
        | FailureClass::Interrupted
        | FailureClass::TimedOut
        | FailureClass::Invalid
        | FailureClass::NotFound
        | FailureClass::Rejected
        // The upstream may reject a single id.
        | FailureClass::Forbidden => false,
        FailureClass::Unreachable
        | FailureClass::CircuitOpen
        | FailureClass::QueueFull
        | FailureClass::UnverifiedTokens
        | FailureClass::DeadlineExceeded
        | FailureClass::AllowanceUsedUp
        | FailureClass::Throttled
        | FailureClass::QuotaExceeded
        | FailureClass::TokenUnavailable
        | FailureClass::Unauthenticated
        | FailureClass::LoginRequired
        | FailureClass::NoSuchPath => true,
    }
}
