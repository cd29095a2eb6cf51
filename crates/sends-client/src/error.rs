//! The one error of an upstream call: what was asked, how hard it was tried, and what went wrong.

use std::time::Duration;

use reqwest::StatusCode;

#[cfg(doc)]
use crate::Caller;
use crate::Endpoint;

/// Why an upstream call failed, as far as a caller has to tell failures apart.
///
/// After retries it is the class of the last request that was sent, unless the day's calls were used up meanwhile. Where a
/// class says that nothing was sent, a request may have been whose token was refused and renewed;
/// [`UpstreamError::attempts`] says how many there were.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FailureClass {
    /// No connection came about: name resolution, refusal, TLS, or the time for connecting ran out. Nothing was sent.
    Unreachable,
    /// The connection broke before the answer was complete, the answer could not be decompressed, or its JSON ends too early.
    Interrupted,
    /// The answer was not complete within the time for a call.
    TimedOut,
    /// 401: the token is missing, expired, revoked or garbage; the upstream does not say which (observed). Where the token
    /// could be renewed, the new one was refused as well. Nothing was sent if the token is known to be refused: it is tried again
    /// after a minute, and after pauses that double up to an hour. A 401 of one path alone is [`Forbidden`](Self::Forbidden).
    Unauthenticated,
    /// The credential is dead or missing: only a person can log in again. Sent only if a token was refused before.
    LoginRequired,
    /// No token can be had at the moment. Sent only if a token was refused before.
    TokenUnavailable,
    /// 403: a scope or privilege is missing, or the application was deactivated (documented). Also the 401 of a path that alone
    /// refuses a token that is good elsewhere (observed), see [`UpstreamError::is_path_alone`].
    Forbidden,
    /// 403 "Missing Authentication Token": a gateway knows no such path (observed), so that the address of the API is wrong.
    NoSuchPath,
    /// 404: no such activity in this account (documented).
    NotFound,
    /// 429 `throttled`: more calls in this second than the API key may make (documented: 4). A request that is answered like that
    /// again and again, see [`UpstreamError::is_throttled_by_itself`], is given up. Nothing was sent if the pause after such an
    /// answer is longer than the call can wait.
    Throttled,
    /// The day's calls are used up until 00:00 UTC (documented: 10,000). Either the upstream answered 429 `quota_exceeded`, or
    /// nothing was sent, since that is known already, by its answer or by our own count.
    QuotaExceeded,
    /// Too many calls are waiting for their turn. Nothing was sent.
    QueueFull,
    /// Tokens that the upstream has not accepted yet have used up their part of the second or the day, and this one is among
    /// them ([`Caller::bringing_its_token`]). Nothing was sent.
    UnverifiedTokens,
    /// The call's turn did not come before its deadline. Nothing was sent.
    DeadlineExceeded,
    /// The operation has made as many calls as it may ([`Caller::with_allowance`]). Nothing was sent.
    AllowanceUsedUp,
    /// The upstream or this endpoint of it has been failing, and is left alone until a probe succeeds. Nothing was sent. Where
    /// it is one id or page that keeps failing, the class is that of its last failure.
    CircuitOpen,
    /// Any other 4xx: the upstream will not take this request, however often it is sent.
    Rejected,
    /// 5xx: the upstream, or a gateway before it, failed.
    ServerFailure,
    /// A success that cannot be used: without a body, not JSON, of another shape, over the size limit, or a redirect.
    Invalid,
}

impl FailureClass {
    /// The class in logs, metrics and traces.
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

/// A failed upstream call.
///
/// `Display` is one sentence for a log or a terminal. It holds what the upstream said, so a service that answers strangers
/// should pick the fields it wants to show instead of printing it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("GET {endpoint} failed after {}: {detail}", describe_effort(*.attempts, *.elapsed))]
pub struct UpstreamError {
    /// What was asked.
    pub endpoint: Endpoint,
    /// How many requests were sent for this call. 0 when it was refused before.
    pub attempts: u32,
    /// From the call's beginning, its waiting included, to the failure.
    pub elapsed: Duration,
    /// What kind of failure it is.
    pub class: FailureClass,
    /// The status of the answer. `None` when no answer began. 401 also where nothing was sent because the path is known to answer
    /// that.
    pub status: Option<StatusCode>,
    /// The upstream's own key for the error, such as `throttled`. `None` when the body named none.
    pub error_key: Option<String>,
    /// The upstream's own message. `None` when the body held none that could be read.
    pub message: Option<String>,
    /// The `x-amzn-RequestId` of the answer: what Constant Contact's support asks for.
    pub request_id: Option<String>,
    /// When asking again makes sense: what the upstream asks for (`Retry-After`, not documented to be sent), or what this
    /// program knows or estimates of its queue, the day or the upstream's recovery. `None` when nothing is known.
    pub retry_after: Option<Duration>,
    /// What went wrong, in words for the operator. For an undecodable body it says where.
    pub detail: String,
}

impl UpstreamError {
    /// Whether the path alone refused the token with 401 while others accept it (observed). It is left alone for a minute, and
    /// for pauses that double up to an hour.
    pub fn is_path_alone(&self) -> bool {
        self.class == FailureClass::Forbidden && self.status == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether the upstream throttled this very request until the call was given up. Other requests may be answered meanwhile.
    pub fn is_throttled_by_itself(&self) -> bool {
        self.class == FailureClass::Throttled && self.status == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// A failure that no answer belongs to: nothing was sent, or somebody did not wait for what comes.
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

/// The HTTP library refused to start. On a machine without CA certificates it does, when the upstream is asked over HTTPS.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no HTTPS client could be made; are CA certificates installed? ({reason})")]
pub struct BuildError {
    pub(crate) reason: String,
}

fn describe_effort(attempts: u32, elapsed: Duration) -> String {
    let noun = if attempts == 1 { "attempt" } else { "attempts" };
    format!("{attempts} {noun} in {} ms", elapsed.as_millis())
}
