//! Failures of a synchronisation, and whether one concerns a single read or the whole run.

use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_store::StoreError;

/// Why a read or the whole synchronisation did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncFailure {
    /// The program shuts down, or the time of the run is over.
    #[error("told to stop")]
    Cancelled,
    /// A call failed.
    #[error(transparent)]
    Upstream(Box<UpstreamError>),
    /// So many readings in a row failed by themselves that the next ones would, too. The error is the last one's.
    #[error("nothing can be read: {0}")]
    EverythingFails(Box<UpstreamError>),
    /// A listing could not be read a while ago, for this reason, and its pause is not over.
    #[error("{0} It is tried again after a pause.")]
    Paused(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UpstreamError> for SyncFailure {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(Box::new(error))
    }
}

impl SyncFailure {
    /// Whether the synchronisation ends here, since every further read would fail too.
    pub(crate) fn stops_sync(&self) -> bool {
        match self {
            Self::Upstream(error) => Self::is_sync_wide(error),
            Self::Cancelled | Self::EverythingFails(_) | Self::Paused(_) | Self::Store(_) => true,
        }
    }

    /// Whether a failed call says that every other one would fail, too.
    pub(crate) fn is_sync_wide(error: &UpstreamError) -> bool {
        is_sync_wide_class(error.class) && !error.is_throttled_by_itself()
    }

    /// Whether the upstream throttled a call again and again: only a probe tells whether it would throttle every other one, too.
    pub(crate) fn is_throttling(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.is_throttled_by_itself())
    }

    /// The same for the page of a listing, whose endpoint may be left alone while others are not.
    pub(crate) fn stops_listings(&self) -> bool {
        match self {
            Self::Upstream(error) => error.class != FailureClass::CircuitOpen && Self::is_sync_wide(error),
            _ => true,
        }
    }

    /// Whether the upstream refuses a correct request, as it does for what was removed.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.class == FailureClass::Rejected)
    }

    /// The reason as a sentence for API users, without what only the operator should know.
    pub(crate) fn public_reason(&self) -> &str {
        match self {
            Self::Paused(reason) => reason,
            Self::Cancelled => "The program was told to stop.",
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
            "People's queries needed all the calls that Constant Contact allows."
        }
        FailureClass::QuotaExceeded => "The day's calls are used up.",
        FailureClass::TokenUnavailable => "No access token could be had at the moment.",
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

/// 404 is said of what the upstream itself has named before.
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

fn is_sync_wide_class(class: FailureClass) -> bool {
    match class {
        // The client has tried again by now. If it is more than this one answer, the client stops asking by itself, which is
        // another class.
        FailureClass::ServerFailure
        | FailureClass::Interrupted
        | FailureClass::TimedOut
        | FailureClass::Invalid
        | FailureClass::NotFound
        | FailureClass::Rejected
        // One id may be refused while others are not.
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
