//! The one door from a failure to a GraphQL error.
//!
//! A resolver fails with an [`ApiError`], which can be made only here and from a closed list of causes. The library's
//! own conversion, which would publish the text of any error, is switched off in the manifest. What leaves is a code from
//! [`ErrorCode`], a message of ours, and facts that help the caller; internal text stays in the log.
//!
//! A nullable field that can fail returns `Option<Result<_, ApiError>>`, not `Result<Option<_>, ApiError>`: the library
//! leaves the field out of the answer for the second, where the specification wants it to be null.

use async_graphql::ErrorExtensionValues;
use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_core::ParseIdError;
use sends_store::StoreError;

use crate::{
    bulkheads::answers::{self, Exceeded},
    sources::histories::ReadError,
    sources::resources::Gap,
    sources::send_log::LogError,
};

/// The closed set of `extensions.code`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorCode {
    /// The request cannot be answered as it was asked; asking again without a change is useless.
    BadUserInput,
    /// A web page may have made the browser send the request, or it is addressed to another name than the service's.
    RequestRefused,
    /// The hash or id of a document is not known; the client sends the text instead.
    PersistedQueryNotFound,
    /// The service has too much to do at the moment.
    Overloaded,
    /// The account holds no such thing.
    NotFound,
    /// Constant Contact does not accept the access token, or the caller brought none.
    Unauthenticated,
    /// The service's own login has ended; its operator has to log in again.
    LoginRequired,
    /// The token lacks a scope or a privilege, the application was deactivated, or this alone is refused with 401.
    Forbidden,
    /// Too many calls in this second.
    RateLimited,
    /// The day's calls are used up.
    QuotaExceeded,
    /// Constant Contact could not be reached or failed.
    UpstreamUnavailable,
    /// Constant Contact took too long.
    UpstreamTimeout,
    /// Constant Contact's answer could not be understood, or it refused a request that should be right.
    UpstreamInvalid,
    /// There is no log of all sends, it cannot be read, or a search of it took too long.
    LogUnavailable,
    /// The service is being stopped and could not finish; asking again reaches the next one.
    ShuttingDown,
    /// A defect in this service.
    Internal,
}

impl ErrorCode {
    /// The code as `extensions.code` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::RequestRefused => "REQUEST_REFUSED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::Overloaded => "OVERLOADED",
            Self::NotFound => "NOT_FOUND",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::LoginRequired => "LOGIN_REQUIRED",
            Self::Forbidden => "FORBIDDEN",
            Self::RateLimited => "RATE_LIMITED",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::UpstreamUnavailable => "UPSTREAM_UNAVAILABLE",
            Self::UpstreamTimeout => "UPSTREAM_TIMEOUT",
            Self::UpstreamInvalid => "UPSTREAM_INVALID",
            Self::LogUnavailable => "LOG_UNAVAILABLE",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A failure that may be shown to a caller.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Published>);

#[derive(Clone, Debug)]
struct Published {
    code: ErrorCode,
    message: String,
    facts: Facts,
}

/// What helps the caller beside the code. A fact that is not known is left out.
#[derive(Clone, Debug, Default)]
struct Facts {
    upstream_status: Option<u16>,
    upstream_error_key: Option<String>,
    upstream_request_id: Option<String>,
    retry_after_seconds: Option<u64>,
}

impl ApiError {
    /// The caller's own mistake, in words that say what to change.
    pub fn bad_user_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadUserInput, message, Facts::default())
    }

    /// What the caller is told.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The activity is there, but was not sent so often.
    pub(crate) fn no_such_send() -> Self {
        let message = "This campaign activity has no send with this `sendId`.";
        Self::new(ErrorCode::NotFound, message, Facts::default())
    }

    /// The upstream has no statistics of an activity or a campaign.
    pub(crate) fn no_statistics() -> Self {
        Self::new(ErrorCode::NotFound, NO_STATISTICS, Facts::default())
    }

    /// Whether the account has a contact list is not known, since its listing could not be read to the end.
    pub(crate) fn unlisted_contact_list(gap: Gap) -> Self {
        let cause = match gap {
            Gap::Unreadable(_) => "holds records that cannot be read",
            Gap::CutShort => "breaks off before its last page",
            Gap::TooLong => "is longer than this service reads",
            Gap::Failed(error) => {
                let mut failure = Self::upstream(&error);
                failure.0.message = format!(
                    "This contact list is not known: Constant Contact's listing of contact lists could not be read to its end. {}",
                    failure.0.message
                );
                return failure;
            }
        };
        let message = format!(
            "This contact list is not known: Constant Contact's listing of contact lists {cause}. The log of the service names \
             the place; report it to Constant Contact, and identify the list by its `listId` meanwhile."
        );
        Self::new(ErrorCode::UpstreamInvalid, message, Facts::default())
    }

    /// The account's zone is missing, or none that is known.
    pub(crate) fn no_time_zone() -> Self {
        let message = "Constant Contact names no time zone for the account that this service knows.";
        Self::new(ErrorCode::UpstreamInvalid, message, Facts::default())
    }

    /// A listing whose next page cannot be reached, behind a page without any record to go on from.
    pub(crate) fn cut_short() -> Self {
        let message = "The list of campaigns ends too early: Constant Contact has a link to more of it that cannot be \
                       followed or brings nothing new. Ask again later, or for another stretch with `updatedBefore`.";
        Self::new(ErrorCode::UpstreamInvalid, message, Facts::default())
    }

    /// A number of the upstream's that GraphQL's `Int` cannot carry.
    pub(crate) fn out_of_range(field: &str) -> Self {
        let message = format!("Constant Contact gave a {field} beyond the 32 bits of GraphQL's Int.");
        Self::new(ErrorCode::UpstreamInvalid, message, Facts::default())
    }

    fn new(code: ErrorCode, message: impl Into<String>, facts: Facts) -> Self {
        Self(Box::new(Published {
            code,
            message: message.into(),
            facts,
        }))
    }

    fn upstream(error: &UpstreamError) -> Self {
        let (code, message) = match error.class {
            FailureClass::NotFound => not_found(&error.endpoint),
            FailureClass::Forbidden if error.is_path_alone() => (ErrorCode::Forbidden, PATH_ALONE),
            FailureClass::Forbidden => (ErrorCode::Forbidden, forbidden(&error.endpoint)),
            class => explain(class),
        };
        let facts = Facts {
            upstream_status: error.status.map(|status| status.as_u16()),
            upstream_error_key: error.error_key.clone(),
            upstream_request_id: error.request_id.clone(),
            // Whoever comes back a moment too early has to wait again.
            retry_after_seconds: error
                .retry_after
                .map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        };
        Self::new(code, message, facts)
    }
}

const NO_SUCH_ACTIVITY: &str = "This account has no such campaign activity.";
const NO_SUCH_CAMPAIGN: &str = "This account has no such campaign.";
const NO_STATISTICS: &str =
    "Constant Contact has no statistics of this: it was never sent, or this account has no such thing.";

/// What is not there. Where no one thing was asked for, there is something wrong.
fn not_found(endpoint: &Endpoint) -> (ErrorCode, &'static str) {
    match endpoint {
        Endpoint::SendHistory(_) | Endpoint::Activity(_) | Endpoint::Schedule(_) => {
            (ErrorCode::NotFound, NO_SUCH_ACTIVITY)
        }
        Endpoint::Campaign(_) => (ErrorCode::NotFound, NO_SUCH_CAMPAIGN),
        Endpoint::ActivityStats(_) | Endpoint::CampaignStats(_) => (ErrorCode::NotFound, NO_STATISTICS),
        Endpoint::Segment(_) => (ErrorCode::NotFound, "This account has no such segment."),
        Endpoint::Campaigns(_)
        | Endpoint::CampaignSummaries(_)
        | Endpoint::ContactLists(_)
        | Endpoint::Segments(_)
        | Endpoint::AccountSummary
        | Endpoint::UserPrivileges => explain(FailureClass::Rejected),
    }
}

const PATH_ALONE: &str = "Constant Contact refuses this request alone (401), though it accepts the access token elsewhere; a new \
                          login is no help. It is asked again after a pause.";

/// What is missing for being allowed.
fn forbidden(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ContactLists(_) | Endpoint::Segments(_) | Endpoint::Segment(_) => {
            "Constant Contact denies access to the names of lists and segments: the token needs the scope contact_data, \
             and the application must be active."
        }
        Endpoint::ActivityStats(_) | Endpoint::CampaignStats(_) | Endpoint::CampaignSummaries(_) => {
            "Constant Contact denies access to the reports: the token needs the scope campaign_data and the user the \
             privilege ui:campaign:metrics, and the application must be active."
        }
        Endpoint::AccountSummary => {
            "Constant Contact denies access to the account: the token needs the scope account_read, and the application \
             must be active."
        }
        _ => {
            "Constant Contact denies access: the token needs the scope campaign_data and the user the privilege \
             campaign:read, and the application must be active."
        }
    }
}

fn explain(class: FailureClass) -> (ErrorCode, &'static str) {
    match class {
        FailureClass::Unreachable => (
            ErrorCode::UpstreamUnavailable,
            "Constant Contact cannot be reached at the moment.",
        ),
        FailureClass::Interrupted => (
            ErrorCode::UpstreamUnavailable,
            "The connection to Constant Contact broke before the answer was complete.",
        ),
        FailureClass::TimedOut => (
            ErrorCode::UpstreamTimeout,
            "Constant Contact did not answer in time.",
        ),
        FailureClass::Unauthenticated => (
            ErrorCode::Unauthenticated,
            "Constant Contact does not accept the access token: it is expired or revoked.",
        ),
        FailureClass::LoginRequired => (
            ErrorCode::LoginRequired,
            "The service's login to Constant Contact has ended; its operator has to log in again.",
        ),
        FailureClass::TokenUnavailable => (
            ErrorCode::UpstreamUnavailable,
            "Constant Contact gives out no access token at the moment.",
        ),
        FailureClass::QueueFull => (
            ErrorCode::RateLimited,
            "Too many calls to Constant Contact are waiting for their turn.",
        ),
        FailureClass::UnverifiedTokens => (
            ErrorCode::RateLimited,
            "Constant Contact has not accepted this access token yet, and too many such tokens are being tried; ask again \
             later.",
        ),
        FailureClass::DeadlineExceeded => (
            ErrorCode::UpstreamTimeout,
            "The answer did not come within the time for an operation; ask again to get further.",
        ),
        FailureClass::AllowanceUsedUp => (
            ErrorCode::RateLimited,
            "The operation has made as many calls to Constant Contact as one may (max-upstream-calls). What it has read is \
             known for a while, so that asking again gets further.",
        ),
        FailureClass::CircuitOpen => (
            ErrorCode::UpstreamUnavailable,
            "Constant Contact has been failing and is left alone for a moment.",
        ),
        FailureClass::Forbidden => (ErrorCode::Forbidden, "Constant Contact denies access to this."),
        FailureClass::NoSuchPath => (
            ErrorCode::UpstreamInvalid,
            "There is no such path at the address where this service asks Constant Contact (--upstream-url).",
        ),
        FailureClass::NotFound => (ErrorCode::NotFound, NO_SUCH_ACTIVITY),
        FailureClass::Throttled => (
            ErrorCode::RateLimited,
            "Constant Contact is asked more often than it allows in one second.",
        ),
        FailureClass::QuotaExceeded => (
            ErrorCode::QuotaExceeded,
            "The calls that Constant Contact allows for today are used up until 00:00 UTC.",
        ),
        FailureClass::Rejected => (
            ErrorCode::UpstreamInvalid,
            "Constant Contact refused the request.",
        ),
        FailureClass::ServerFailure => (
            ErrorCode::UpstreamUnavailable,
            "Constant Contact failed to answer.",
        ),
        FailureClass::Invalid => (
            ErrorCode::UpstreamInvalid,
            "Constant Contact's answer could not be understood.",
        ),
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Upstream(error) => Self::upstream(&error),
            ReadError::NotFound => {
                let (code, message) = explain(FailureClass::NotFound);
                Self::new(code, message, Facts::default())
            }
            ReadError::Overloaded => Self::new(
                ErrorCode::Overloaded,
                "Too many operations wait for Constant Contact at the moment; ask again shortly.",
                Facts {
                    retry_after_seconds: Some(1),
                    ..Facts::default()
                },
            ),
            ReadError::ShuttingDown => Self::new(
                ErrorCode::ShuttingDown,
                "The service is being stopped and gave up what was still waiting for Constant Contact; ask again.",
                Facts {
                    retry_after_seconds: Some(1),
                    ..Facts::default()
                },
            ),
            ReadError::Lost => Self::new(
                ErrorCode::Internal,
                "The service failed to answer.",
                Facts::default(),
            ),
        }
    }
}

impl From<Exceeded> for ErrorCode {
    fn from(exceeded: Exceeded) -> Self {
        match exceeded {
            Exceeded::Busy => Self::Overloaded,
            Exceeded::TooLarge => Self::BadUserInput,
        }
    }
}

/// Answers the field. The whole operation is refused with the same words; see `server/graphql/running.rs`.
impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        Self::new(exceeded.into(), exceeded.message(), Facts::default())
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        let (code, message) = match error {
            LogError::NotKept => (
                ErrorCode::LogUnavailable,
                "There is no log of all sends here: the service keeps nothing of the accounts of its callers.",
            ),
            LogError::Store(StoreError::TookTooLong { .. }) => (
                ErrorCode::LogUnavailable,
                "The search of the log took too long and was stopped: narrow its filter, as to a shorter time.",
            ),
            LogError::Overloaded(_) | LogError::Store(StoreError::Overloaded { .. }) => (
                ErrorCode::Overloaded,
                "Too many searches of the log run at the moment: search again later, and for less at a time.",
            ),
            LogError::Store(_) => (
                ErrorCode::LogUnavailable,
                "The log of all sends cannot be read at the moment.",
            ),
        };
        let facts = Facts {
            retry_after_seconds: (code == ErrorCode::Overloaded).then_some(5),
            ..Facts::default()
        };
        Self::new(code, message, facts)
    }
}

impl From<ParseIdError> for ApiError {
    fn from(error: ParseIdError) -> Self {
        Self::bad_user_input(error.to_string())
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(ApiError(published): ApiError) -> Self {
        if answers::charge_error().is_err() {
            return Self {
                message: String::new(),
                source: None,
                extensions: None,
            };
        }
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", published.code.as_str());
        let facts = published.facts;
        let mut fact = |name: &str, value: Option<async_graphql::Value>| {
            if let Some(value) = value {
                extensions.set(name, value);
            }
        };
        fact("upstreamStatus", facts.upstream_status.map(Into::into));
        fact("upstreamErrorKey", facts.upstream_error_key.map(Into::into));
        fact("upstreamRequestId", facts.upstream_request_id.map(Into::into));
        fact("retryAfter", facts.retry_after_seconds.map(Into::into));
        Self {
            message: published.message,
            source: None,
            extensions: Some(extensions),
        }
    }
}
