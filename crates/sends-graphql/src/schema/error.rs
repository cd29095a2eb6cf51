//! Maps internal failures to GraphQL errors.
//!
//! A resolver returns an [`ApiError`], which only this module constructs. The error consists of an [`ErrorCode`], a message and
//! facts for the caller; internal text is only logged. The blanket conversion of async-graphql, which would publish the text of
//! any error, is disabled in the manifest.

use async_graphql::{ErrorExtensionValues, Value};
use sends_client::{Endpoint, FailureClass, UpstreamError};
use sends_core::ParseIdError;
use sends_store::StoreError;

use crate::{
    bulkheads::answers::{self, Exceeded},
    sources::histories::ReadError,
    sources::resources::Gap,
    sources::send_log::LogError,
};

/// Result of a nullable field that can fail. If the type were `Result<Option<T>, _>`, async-graphql would omit a failed field,
/// although the specification requires null.
pub(super) type Nullable<T> = Option<Result<T, ApiError>>;

macro_rules! error_codes {
    ($($(#[doc = $doc:tt])+ $name:ident = $code:literal,)+) => {
        /// Closed set of values of `extensions.code`.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ErrorCode {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the value of `extensions.code`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

error_codes! {
    /// The operation or an argument is invalid. The same request would fail again.
    BadUserInput = "BAD_USER_INPUT",
    /// The account has no such object.
    NotFound = "NOT_FOUND",
    /// The request may originate from a page of another origin, or is addressed to a host name that is not allowed.
    RequestRefused = "REQUEST_REFUSED",
    /// The hash or id of a persisted document is unknown. The client has to send the text.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND",
    /// The service has reached a capacity limit.
    Overloaded = "OVERLOADED",
    /// The access token is missing or rejected by the upstream, or the service's API key is missing.
    Unauthenticated = "UNAUTHENTICATED",
    /// The service's own login is no longer valid. The operator has to log in again.
    LoginRequired = "LOGIN_REQUIRED",
    /// A scope or privilege is missing, the application is deactivated, or the upstream rejects only this path with 401.
    Forbidden = "FORBIDDEN",
    /// A limit on upstream calls is reached.
    RateLimited = "RATE_LIMITED",
    /// The daily limit of upstream calls is used up.
    QuotaExceeded = "QUOTA_EXCEEDED",
    /// Constant Contact could not be reached or failed.
    UpstreamUnavailable = "UPSTREAM_UNAVAILABLE",
    /// Constant Contact did not respond in time.
    UpstreamTimeout = "UPSTREAM_TIMEOUT",
    /// Constant Contact's response cannot be decoded, or Constant Contact rejected a valid request.
    UpstreamInvalid = "UPSTREAM_INVALID",
    /// The send log does not exist or cannot be read, or a search exceeded its time limit.
    LogUnavailable = "LOG_UNAVAILABLE",
    /// The service is shutting down and cancelled the operation. A retry reaches the next process.
    ShuttingDown = "SHUTTING_DOWN",
    /// Defect in this service.
    Internal = "INTERNAL",
}

/// Error that may be returned to a caller.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Published>);

#[derive(Clone, Debug)]
struct Published {
    code: ErrorCode,
    message: String,
    facts: Facts,
}

/// Members of `extensions` in addition to the code. Unset members are omitted.
#[derive(Clone, Debug, Default)]
struct Facts {
    upstream_status: Option<u16>,
    upstream_error_key: Option<String>,
    upstream_request_id: Option<String>,
    retry_after_seconds: Option<u64>,
}

impl Facts {
    fn retry_after(seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(seconds),
            ..Self::default()
        }
    }
}

impl ApiError {
    /// Creates an error for an invalid argument. `message` describes the required change.
    pub fn bad_user_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadUserInput, message)
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub(super) fn first_and_last() -> Self {
        Self::bad_user_input("Give either `first` or `last`, not both.")
    }

    pub(super) fn no_such_send() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "Send not found: the activity's history has no send with this `sendId`.",
        )
    }

    pub(super) fn no_statistics() -> Self {
        Self::new(ErrorCode::NotFound, NO_STATISTICS)
    }

    /// Creates an error for a contact list that is missing from an incomplete listing.
    pub(super) fn unlisted_contact_list(gap: Gap) -> Self {
        let cause = match gap {
            Gap::Unreadable(_) => "contains records that cannot be decoded",
            Gap::CutShort => "ends before its last page",
            Gap::TooLong => "is longer than this service reads",
            Gap::Failed(error) => {
                let mut failure = Self::upstream(&error);
                failure.0.message = format!(
                    "Contact list unknown: Constant Contact's listing of contact lists could not be read to its end. {}",
                    failure.0.message
                );
                return failure;
            }
        };
        let message = format!(
            "Contact list unknown: Constant Contact's listing of contact lists {cause}. The service's log names the \
             position; report it to Constant Contact, and use the `listId` meanwhile."
        );
        Self::new(ErrorCode::UpstreamInvalid, message)
    }

    pub(super) fn no_time_zone() -> Self {
        let message = "Time zone of the account unknown: Constant Contact reports none, or none of the IANA database. Use an \
                       IANA name instead of ACCOUNT.";
        Self::new(ErrorCode::UpstreamInvalid, message)
    }

    /// Creates an error for an empty page of campaigns whose next page cannot be reached.
    pub(super) fn cut_short() -> Self {
        let message = "Listing of campaigns incomplete: Constant Contact's link to the next page cannot be followed or leads \
                       to nothing new. Retry later, or select another period with `updatedUntil`.";
        Self::new(ErrorCode::UpstreamInvalid, message)
    }

    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with(code, message, Facts::default())
    }

    fn with(code: ErrorCode, message: impl Into<String>, facts: Facts) -> Self {
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
            // The value is rounded up, because an early retry would have to wait again.
            retry_after_seconds: error
                .retry_after
                .map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        };
        Self::with(code, message, facts)
    }
}

const NO_SUCH_ACTIVITY: &str = "Campaign activity not found in this account. Check the id.";
const NO_STATISTICS: &str =
    "Statistics not found: the email was never sent, or the account has no such object.";
const PATH_ALONE: &str = "Constant Contact rejects this path with 401, though it accepts the access token on others. A new \
                          login does not help; the path is retried after a pause.";

/// Maps a 404 response by endpoint. For a listing, the 404 indicates an upstream fault, because no single object was requested.
fn not_found(endpoint: &Endpoint) -> (ErrorCode, &'static str) {
    let message = match endpoint {
        Endpoint::SendHistory(_) | Endpoint::Activity(_) | Endpoint::Schedule(_) => NO_SUCH_ACTIVITY,
        Endpoint::Campaign(_) => "Campaign not found in this account. Check the id.",
        Endpoint::ActivityStats(_) | Endpoint::CampaignStats(_) => NO_STATISTICS,
        Endpoint::Segment(_) => "Segment not found in this account. Check the id.",
        Endpoint::Campaigns(_)
        | Endpoint::CampaignSummaries(_)
        | Endpoint::ContactLists(_)
        | Endpoint::Segments(_)
        | Endpoint::AccountSummary
        | Endpoint::UserPrivileges => return explain(FailureClass::Rejected),
    };
    (ErrorCode::NotFound, message)
}

fn forbidden(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ContactLists(_) | Endpoint::Segments(_) | Endpoint::Segment(_) => {
            "Constant Contact denies access to contact lists and segments: the token needs the scope contact_data, and \
             the application must be active."
        }
        Endpoint::ActivityStats(_) | Endpoint::CampaignStats(_) | Endpoint::CampaignSummaries(_) => {
            "Constant Contact denies access to reports: the token needs the scope campaign_data and the user the \
             privilege ui:campaign:metrics, and the application must be active."
        }
        Endpoint::AccountSummary => {
            "Constant Contact denies access to the account: the token needs the scope account_read, and the application \
             must be active."
        }
        _ => {
            "Constant Contact denies access to campaigns: the token needs the scope campaign_data and the user the \
             privilege campaign:read, and the application must be active."
        }
    }
}

fn explain(class: FailureClass) -> (ErrorCode, &'static str) {
    use ErrorCode as Code;
    use FailureClass as Class;
    let code = match class {
        Class::Unreachable
        | Class::Interrupted
        | Class::ServerFailure
        | Class::CircuitOpen
        | Class::TokenUnavailable => Code::UpstreamUnavailable,
        Class::TimedOut | Class::DeadlineExceeded => Code::UpstreamTimeout,
        Class::Unauthenticated => Code::Unauthenticated,
        Class::LoginRequired => Code::LoginRequired,
        Class::QueueFull | Class::UnverifiedTokens | Class::AllowanceUsedUp | Class::Throttled => {
            Code::RateLimited
        }
        Class::QuotaExceeded => Code::QuotaExceeded,
        Class::Forbidden => Code::Forbidden,
        Class::NotFound => Code::NotFound,
        Class::NoSuchPath | Class::Rejected | Class::Invalid => Code::UpstreamInvalid,
    };
    let message = match class {
        Class::Unreachable => "Constant Contact cannot be reached. Retry later.",
        Class::Interrupted => {
            "Constant Contact closed the connection before the end of the response. Retry later."
        }
        Class::ServerFailure => "Constant Contact failed with a server error. Retry later.",
        Class::CircuitOpen => "Calls to Constant Contact are suspended after repeated failures. Retry later.",
        Class::TokenUnavailable => "Constant Contact issues no access token at the moment. Retry later.",
        Class::TimedOut => "Constant Contact did not respond in time. Retry later.",
        Class::DeadlineExceeded => {
            "The operation reached its time limit before Constant Contact responded. A retry continues from the values read \
             so far."
        }
        Class::Unauthenticated => {
            "Constant Contact rejects the access token: it is expired or revoked. Obtain a new one."
        }
        Class::LoginRequired => {
            "The service's login to Constant Contact has ended. Its operator has to log in again."
        }
        Class::QueueFull => "The queue of calls to Constant Contact is full. Retry later.",
        Class::UnverifiedTokens => {
            "The access token is not verified yet, and too many unverified tokens are in use. Retry later."
        }
        Class::AllowanceUsedUp => {
            "The operation reached its limit of calls to Constant Contact (max-upstream-calls). A retry continues from the \
             values read so far, which are cached for a short time."
        }
        Class::Throttled => "Constant Contact's limit of calls per second is reached. Retry later.",
        Class::QuotaExceeded => "Constant Contact's daily limit of calls is used up until 00:00 UTC.",
        Class::Forbidden => "Constant Contact denies access.",
        Class::NotFound => NO_SUCH_ACTIVITY,
        Class::NoSuchPath => {
            "The configured upstream address (--upstream-url) has no such path. Check the setting."
        }
        Class::Rejected => "Constant Contact rejected the request. The service's log has details.",
        Class::Invalid => "Constant Contact's response cannot be decoded. The service's log has details.",
    };
    (code, message)
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Upstream(error) => Self::upstream(&error),
            ReadError::NotFound => Self::new(ErrorCode::NotFound, NO_SUCH_ACTIVITY),
            ReadError::Overloaded => Self::with(
                ErrorCode::Overloaded,
                "Too many operations are waiting for Constant Contact. Retry later.",
                Facts::retry_after(1),
            ),
            ReadError::ShuttingDown => Self::with(
                ErrorCode::ShuttingDown,
                "The service is shutting down and cancelled its calls to Constant Contact. Retry.",
                Facts::retry_after(1),
            ),
            ReadError::Lost => Self::new(ErrorCode::Internal, "The service failed to answer."),
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

/// Error of the field that exceeds the memory budget. The whole operation is rejected with the same message (see
/// `server/graphql/running.rs`).
impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        Self::new(exceeded.into(), exceeded.message())
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        let message = match error {
            LogError::Overloaded(_) | LogError::Store(StoreError::Overloaded { .. }) => {
                return Self::with(
                    ErrorCode::Overloaded,
                    "Too many searches of the send log are running. Retry later, with fewer searches per operation.",
                    Facts::retry_after(5),
                );
            }
            LogError::NotKept => {
                "Send log unavailable: the service keeps none for the accounts of its callers."
            }
            LogError::Store(StoreError::TookTooLong { .. }) => {
                "Search of the send log stopped at its time limit. Narrow the filter, for example to a shorter period."
            }
            LogError::Store(_) => "Send log unavailable: it cannot be read. Retry later.",
        };
        Self::new(ErrorCode::LogUnavailable, message)
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
        let facts = published.facts;
        let members: [(&str, Option<Value>); 5] = [
            ("code", Some(published.code.as_str().into())),
            ("upstreamStatus", facts.upstream_status.map(Into::into)),
            ("upstreamErrorKey", facts.upstream_error_key.map(Into::into)),
            ("upstreamRequestId", facts.upstream_request_id.map(Into::into)),
            ("retryAfter", facts.retry_after_seconds.map(Into::into)),
        ];
        let mut extensions = ErrorExtensionValues::default();
        for (name, value) in members {
            if let Some(value) = value {
                extensions.set(name, value);
            }
        }
        Self {
            message: published.message,
            source: None,
            extensions: Some(extensions),
        }
    }
}
