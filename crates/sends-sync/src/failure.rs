//! Failures of a synchronisation, and whether one concerns a single read or the whole run.

use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_store::StoreError;

/// Failure of a read or of the whole synchronisation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncFailure {
    /// Shutdown.
    #[error("stopped by a shutdown")]
    Cancelled,
    /// Failed call.
    #[error(transparent)]
    Upstream(Box<UpstreamError>),
    /// Failed call after many others, and after failed probes, so that further calls would fail as well.
    #[error("all reads fail: {0}")]
    EverythingFails(Box<UpstreamError>),
    /// Skipped listing: the pause after a failure with this reason is not over.
    #[error("{0} It is tried again after a pause.")]
    Paused(String),
    /// Failure of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UpstreamError> for SyncFailure {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(Box::new(error))
    }
}

impl SyncFailure {
    /// Whether the synchronisation ends because further reads would fail as well.
    pub(crate) fn stops_sync(&self) -> bool {
        match self {
            Self::Upstream(error) => Self::concerns_all_calls(error),
            Self::Cancelled | Self::EverythingFails(_) | Self::Paused(_) | Self::Store(_) => true,
        }
    }

    /// Whether other calls would fail in the same way.
    pub(crate) fn concerns_all_calls(error: &UpstreamError) -> bool {
        class_concerns_all_calls(error.class) && !error.is_throttled_by_itself()
    }

    /// Whether the upstream throttled a call up to its last retry. Only a probe shows whether other calls are throttled as well.
    pub(crate) fn is_throttling(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.is_throttled_by_itself())
    }

    /// [`stops_sync`](Self::stops_sync) for a listing, whose endpoint may be suspended while others are not.
    pub(crate) fn stops_listings(&self) -> bool {
        match self {
            Self::Upstream(error) => {
                error.class != FailureClass::CircuitOpen && Self::concerns_all_calls(error)
            }
            _ => true,
        }
    }

    /// Whether the upstream rejects a valid request, as for removed resources.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.class == FailureClass::Rejected)
    }

    /// The reason as a sentence for API users, without details for the operator.
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
        | FailureClass::ServerFailure => "Constant Contact could not be reached, broke off, or failed.",
        FailureClass::TimedOut => "Constant Contact took too long to answer.",
        FailureClass::Throttled if error.is_throttled_by_itself() => {
            "Constant Contact throttles this request again and again (429)."
        }
        FailureClass::Throttled => "Constant Contact asked for a pause of all calls (429).",
        FailureClass::QueueFull
        | FailureClass::UnverifiedTokens
        | FailureClass::DeadlineExceeded
        | FailureClass::AllowanceUsedUp => {
            "Interactive queries used all the calls that Constant Contact allows."
        }
        FailureClass::QuotaExceeded => "The day's calls are used up.",
        FailureClass::TokenUnavailable => "No access token was available.",
        FailureClass::Unauthenticated | FailureClass::LoginRequired => {
            "The service's login is not accepted; its operator has to log in again."
        }
        FailureClass::Forbidden if error.is_path_alone() => {
            "Constant Contact refuses this alone (401), though it accepts the service's login elsewhere."
        }
        FailureClass::Forbidden if matches!(error.endpoint, Endpoint::CampaignSummaries(_)) => {
            "Constant Contact refuses its reports: the user of the login lacks the privilege ui:campaign:metrics. Without \
             them, sends that are no change of their campaign are not found."
        }
        FailureClass::Forbidden => {
            "Constant Contact refuses access: the scope campaign_data or the privilege campaign:read is missing, or the \
             application was deactivated."
        }
        FailureClass::NoSuchPath => "The address of Constant Contact's API is wrong: there is no such path.",
        FailureClass::Invalid => "Constant Contact gave an answer that cannot be understood.",
        FailureClass::NotFound => not_found(&error.endpoint),
        FailureClass::Rejected => "Constant Contact refused a correct request.",
    }
}

/// The upstream has listed the resource that it does not find.
fn not_found(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Campaign(_) => {
            "Constant Contact lists this campaign, and answers that it does not exist (404)."
        }
        Endpoint::SendHistory(_) => {
            "Constant Contact names this activity, and answers that it does not exist (404)."
        }
        _ => "Constant Contact answers that it does not exist (404).",
    }
}

fn class_concerns_all_calls(class: FailureClass) -> bool {
    match class {
        // The client has already retried. For a wider failure its circuit breaker reports another class.
        FailureClass::ServerFailure
        | FailureClass::Interrupted
        | FailureClass::TimedOut
        | FailureClass::Invalid
        | FailureClass::NotFound
        | FailureClass::Rejected
        // One id may be rejected while others are not.
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
