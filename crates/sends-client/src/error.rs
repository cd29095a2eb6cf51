//! The one error of an upstream call: what was asked, how hard it was tried, and what went wrong.

use std::time::Duration;

use reqwest::StatusCode;

use crate::Endpoint;

/// Why an upstream call failed, as far as a caller has to tell failures apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FailureClass {
    /// No connection came about: name resolution, refusal, TLS, or the time for connecting ran out. Nothing was sent.
    Unreachable,
    /// The connection broke before the answer was complete, or the answer could not be decompressed.
    Interrupted,
    /// The answer was not complete within the time for a call.
    TimedOut,
    /// 401: the token is missing, expired, revoked or garbage; the upstream does not say which (observed).
    Unauthenticated,
    /// 403: a scope or privilege is missing, or the application was deactivated (documented).
    Forbidden,
    /// 404: no such activity in this account (documented).
    NotFound,
    /// 429 `throttled`: more calls in this second than the API key may make (documented: 4).
    Throttled,
    /// 429 `quota_exceeded`: the day's calls are used up until 00:00 UTC (documented: 10,000).
    QuotaExceeded,
    /// Any other 4xx: the upstream will not take this request, however often it is sent.
    Rejected,
    /// 5xx: the upstream, or a gateway before it, failed.
    ServerFailure,
    /// A success that cannot be used: not JSON, of another shape, over the size limit, or a redirect.
    Invalid,
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
    /// How many requests were sent for this call, at least 1.
    pub attempts: u32,
    /// From the first attempt to the failure.
    pub elapsed: Duration,
    /// What kind of failure it is.
    pub class: FailureClass,
    /// The status of the answer. `None` when no answer began.
    pub status: Option<StatusCode>,
    /// The upstream's own key for the error, such as `throttled`. `None` when the body named none.
    pub error_key: Option<String>,
    /// The upstream's own message. `None` when the body held none that could be read.
    pub message: Option<String>,
    /// The `x-amzn-RequestId` of the answer: what Constant Contact's support asks for.
    pub request_id: Option<String>,
    /// How long the upstream asks to wait (`Retry-After`). Not documented to be sent; passed on if it is.
    pub retry_after: Option<Duration>,
    /// What went wrong, in words for the operator. For an undecodable body it says where.
    pub detail: String,
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
