//! Error of an upstream call: endpoint, effort, class and details.

use std::time::Duration;

use reqwest::StatusCode;

#[cfg(doc)]
use crate::Caller;
use crate::Endpoint;

/// Class of a failed upstream call.
///
/// After retries, this is the class of the last request, unless the daily limit was reached in the meantime. The phrase "nothing
/// was sent" does not exclude an earlier request whose token was rejected and then renewed; see [`UpstreamError::attempts`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FailureClass {
    /// No connection: name resolution or TLS failed, or the connection was refused or timed out. Nothing was sent.
    Unreachable,
    /// The response is incomplete: the connection was lost, or decompression or JSON ended early.
    Interrupted,
    /// The response was not complete before the request timeout or the caller's deadline.
    TimedOut,
    /// 401: the token is missing, expired, revoked or malformed; the upstream does not distinguish these cases (observed). If
    /// the token could be renewed, the new token was rejected as well. A 401 of a single path is
    /// [`Forbidden`](Self::Forbidden).
    ///
    /// Nothing was sent if the token had already been rejected. Such a token is tried again after a minute, and then after
    /// pauses that double up to an hour.
    Unauthenticated,
    /// The credential is missing or no longer valid, so a user has to log in again. Nothing was sent, unless a token was
    /// rejected before.
    LoginRequired,
    /// The credential currently yields no token. Nothing was sent, unless a token was rejected before.
    TokenUnavailable,
    /// 403: a scope or privilege is missing, or the application was deactivated (documented). A 401 of a single path for a token
    /// that other paths accept has this class as well (observed); see [`UpstreamError::is_path_alone`].
    Forbidden,
    /// 403 "Missing Authentication Token" of a gateway (observed): the path does not exist, so the base URL is wrong.
    NoSuchPath,
    /// 404: the account has no such resource (documented).
    NotFound,
    /// 429 `throttled`: the API key's limit per second is exceeded (documented: 4). A request that is throttled repeatedly
    /// fails; see [`UpstreamError::is_throttled_by_itself`]. Nothing was sent if the pause after an earlier such response ends
    /// after the caller's deadline.
    Throttled,
    /// The daily limit is used up until 00:00 UTC (documented: 10,000). Either the upstream responded with 429
    /// `quota_exceeded`, or nothing was sent because of an earlier such response or this program's own count.
    QuotaExceeded,
    /// The queue of waiting calls is full. Nothing was sent.
    QueueFull,
    /// The token is unverified ([`Caller::bringing_its_token`]), and the budget of unverified tokens for the second or the day
    /// is used up. Nothing was sent.
    UnverifiedTokens,
    /// No slot of the rate limit opened before the deadline. Nothing was sent.
    DeadlineExceeded,
    /// The call budget of the operation is used up ([`Caller::with_allowance`]). Nothing was sent.
    AllowanceUsedUp,
    /// The circuit breaker suspends the upstream or this endpoint until a probe succeeds. Nothing was sent. A call for a single
    /// id or page that fails repeatedly has the class of its last failure instead.
    CircuitOpen,
    /// Any other 4xx status. A retry would have the same result.
    Rejected,
    /// 5xx status of the upstream or a gateway.
    ServerFailure,
    /// Success response that has no body, is not JSON, has an undocumented shape or exceeds the size limit. A redirect has this
    /// class as well.
    Invalid,
}

impl FailureClass {
    /// Returns the name for logs, metrics and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
            Self::TimedOut => "timed_out",
            Self::Unauthenticated => "unauthenticated",
            Self::LoginRequired => "login_required",
            Self::TokenUnavailable => "token_unavailable",
            Self::Forbidden => "forbidden",
            Self::NoSuchPath => "no_such_path",
            Self::NotFound => "not_found",
            Self::Throttled => "throttled",
            Self::QuotaExceeded => "quota_exceeded",
            Self::QueueFull => "queue_full",
            Self::UnverifiedTokens => "unverified_tokens",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::AllowanceUsedUp => "allowance_used_up",
            Self::CircuitOpen => "circuit_open",
            Self::Rejected => "rejected",
            Self::ServerFailure => "server_failure",
            Self::Invalid => "invalid",
        }
    }
}

/// Error of a failed upstream call.
///
/// `Display` is one sentence for logs and terminals. The sentence contains the upstream's message; a public service should show
/// selected fields instead.
#[derive(Clone, Debug, thiserror::Error)]
#[error("GET {endpoint} failed after {}: {detail}", describe_effort(*.attempts, *.elapsed))]
pub struct UpstreamError {
    /// Requested path.
    pub endpoint: Endpoint,
    /// Number of requests sent for this call. 0 if the call was rejected before the first request.
    pub attempts: u32,
    /// Time from the start of the call to the failure, including waits.
    pub elapsed: Duration,
    /// Class of the failure.
    pub class: FailureClass,
    /// Status of the response, or `None` if there was no response. 401 or 429 is also set when nothing was sent because the last
    /// response of this path had that status.
    pub status: Option<StatusCode>,
    /// The upstream's error key, such as `throttled`. `None` when the body has no key.
    pub error_key: Option<String>,
    /// The upstream's message. `None` when the body has no readable message.
    pub message: Option<String>,
    /// Value of the `x-amzn-RequestId` header, for support requests to Constant Contact. `None` when the header is absent.
    pub request_id: Option<String>,
    /// Time after which a retry may succeed: the upstream's `Retry-After` (which the upstream is not documented to send), or
    /// this program's estimate from its queue, the daily limit or the circuit breaker. `None` when unknown.
    pub retry_after: Option<Duration>,
    /// Cause for the operator, including the position in a body that cannot be decoded.
    pub detail: String,
}

impl UpstreamError {
    /// Returns whether only this path rejects the token with 401 while others accept the token (observed). The path is
    /// suspended for a minute, and then for pauses that double up to an hour.
    pub fn is_path_alone(&self) -> bool {
        self.class == FailureClass::Forbidden && self.status == Some(StatusCode::UNAUTHORIZED)
    }

    /// Returns whether the upstream throttled this request up to the last retry. Other requests may succeed in the meantime.
    pub fn is_throttled_by_itself(&self) -> bool {
        self.class == FailureClass::Throttled && self.status == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Creates a failure without a response. All optional fields are `None`, and `attempts` and `elapsed` are zero.
    pub fn without_answer(endpoint: Endpoint, class: FailureClass, detail: String) -> Self {
        Self {
            endpoint,
            attempts: 0,
            elapsed: Duration::ZERO,
            class,
            status: None,
            error_key: None,
            message: None,
            request_id: None,
            retry_after: None,
            detail,
        }
    }
}

/// Error returned when the HTTP client cannot be created, for example on a machine without CA certificates for an HTTPS base URL.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the HTTPS client cannot be created ({reason}); check that CA certificates are installed")]
pub struct BuildError {
    pub(crate) reason: String,
}

fn describe_effort(attempts: u32, elapsed: Duration) -> String {
    let noun = if attempts == 1 { "attempt" } else { "attempts" };
    format!("{attempts} {noun} in {} ms", elapsed.as_millis())
}
