//! Classification of failed attempts, and the [`UpstreamError`] of calls that were not sent.

use std::time::Duration;

use reqwest::StatusCode;
use sends_core::DecodeError;

use crate::{
    Endpoint, FailureClass, TokenError, UpstreamError,
    breaker::{CircuitOpen, Throttling},
    pacing::{Refused, RefusedReason, Verdict},
    refusals::{RefusedBy, TokenRejection},
};

/// `retry_after` of an unavailable token whose source specifies no time.
const TOKEN_RETRY: Duration = Duration::from_secs(5);

/// Returns the error of a call whose retry was not sent: the last response of the upstream, which is more informative than the
/// rejection of the retry. A used-up daily limit is always reported because no other cause lasts as long.
pub(super) fn instead_of_retry(last: Option<UpstreamError>, refused: UpstreamError) -> UpstreamError {
    match last {
        Some(last) if refused.class != FailureClass::QuotaExceeded => UpstreamError {
            retry_after: refused.retry_after,
            ..last
        },
        _ => refused,
    }
}

/// Returns the error of a body that cannot be decoded. A cut-off body may be complete after a retry; any other body would be
/// unchanged.
pub(super) fn undecodable(template: UpstreamError, error: &DecodeError) -> UpstreamError {
    let class = if error.is_cut_off() {
        FailureClass::Interrupted
    } else {
        FailureClass::Invalid
    };
    let status = template.status.unwrap_or_default();
    UpstreamError {
        class,
        detail: format!("the upstream responded with {status}, but the body is {error}"),
        ..template
    }
}

/// Returns the verdict of an outcome for the pacer. Returns `None` if there was no response, or if the response concerns only
/// this id or page.
pub(super) fn verdict(failure: Option<&UpstreamError>, throttling: Option<Throttling>) -> Option<Verdict> {
    let Some(failure) = failure else {
        return Some(Verdict::Accepted);
    };
    match failure.class {
        FailureClass::Throttled => match throttling {
            Some(Throttling::One) => None,
            // The `Retry-After` may concern only this id, so the other calls pause only as the limit per second requires.
            Some(Throttling::PerhapsOne) => Some(Verdict::Throttled(None)),
            Some(Throttling::Everything) | None => Some(Verdict::Throttled(failure.retry_after)),
        },
        FailureClass::QuotaExceeded => Some(Verdict::QuotaExceeded(failure.retry_after)),
        _ => failure.status.map(|_| Verdict::Accepted),
    }
}

/// Returns whether an outcome proves that the token is valid: a success, 404 or 403.
pub(super) fn shows_accepted_token(failure: Option<&UpstreamError>) -> bool {
    failure.is_none_or(|failure| {
        let is_success = failure.status.is_some_and(|status| status.is_success());
        is_success || matches!(failure.class, FailureClass::NotFound | FailureClass::Forbidden)
    })
}

pub(super) fn is_rejected_token(failure: Option<&UpstreamError>) -> bool {
    failure.is_some_and(|failure| failure.class == FailureClass::Unauthenticated)
}

pub(super) fn without_token(endpoint: &Endpoint, error: &TokenError) -> UpstreamError {
    let failure = unsent(endpoint, FailureClass::TokenUnavailable, None, error.to_string());
    with_token_error(failure, error)
}

/// Returns the error of a rejected token that cannot be renewed now, including the upstream's response for support requests.
pub(super) fn after_rejected_token(failure: UpstreamError, error: &TokenError) -> UpstreamError {
    let detail = format!("{}; {error}", failure.detail);
    with_token_error(UpstreamError { detail, ..failure }, error)
}

fn with_token_error(failure: UpstreamError, error: &TokenError) -> UpstreamError {
    let (class, retry_after) = match *error {
        TokenError::LoginRequired => (FailureClass::LoginRequired, None),
        TokenError::NotRenewable => (FailureClass::Unauthenticated, None),
        TokenError::Unavailable { retry_after, .. } => (
            FailureClass::TokenUnavailable,
            Some(retry_after.unwrap_or(TOKEN_RETRY)),
        ),
    };
    UpstreamError {
        class,
        retry_after,
        ..failure
    }
}

/// Returns the error of a call that was not sent because its token is known to be rejected.
pub(super) fn known_rejection(endpoint: &Endpoint, rejection: TokenRejection) -> UpstreamError {
    let wait = rejection.wait.as_secs();
    let detail = match rejection.by {
        RefusedBy::PathAlone => {
            format!("this path rejects the access token (401) and is not requested for {wait} s")
        }
        RefusedBy::Path | RefusedBy::Upstream => format!(
            "the upstream rejected the access token (401), which is not sent again for {wait} s; use another token, or \
             log in again"
        ),
    };
    with_scope(
        unsent(endpoint, FailureClass::Unauthenticated, None, detail),
        rejection,
    )
}

/// Adjusts the error of a 401 to its scope. A 401 of a single path requires no login.
pub(super) fn with_scope(failure: UpstreamError, rejection: TokenRejection) -> UpstreamError {
    if rejection.by != RefusedBy::PathAlone {
        return failure;
    }
    UpstreamError {
        class: FailureClass::Forbidden,
        status: Some(StatusCode::UNAUTHORIZED),
        retry_after: Some(rejection.wait),
        detail: format!(
            "{}; only this path responds with 401, and other paths accept the access token",
            failure.detail
        ),
        ..failure
    }
}

/// Returns the error of a call that the pacer or the budget of unverified tokens rejected.
pub(super) fn without_turn(endpoint: &Endpoint, refused: Refused) -> UpstreamError {
    let class = match refused.reason {
        RefusedReason::QueueFull => FailureClass::QueueFull,
        RefusedReason::UnverifiedTokens => FailureClass::UnverifiedTokens,
        RefusedReason::Deadline => FailureClass::DeadlineExceeded,
        RefusedReason::Paused => FailureClass::Throttled,
        RefusedReason::DayUsedUp => FailureClass::QuotaExceeded,
    };
    unsent(endpoint, class, Some(refused.retry_after), refused.to_string())
}

pub(super) fn beyond_allowance(endpoint: &Endpoint) -> UpstreamError {
    // The next operation has its own budget.
    let retry_after = Some(Duration::from_secs(1));
    let detail = "the call budget of the operation is used up".to_owned();
    unsent(endpoint, FailureClass::AllowanceUsedUp, retry_after, detail)
}

pub(super) fn circuit_open(endpoint: &Endpoint, open: CircuitOpen) -> UpstreamError {
    let (class, detail) = match open.own_failure {
        None => (
            FailureClass::CircuitOpen,
            "the upstream keeps failing and is suspended until a probe succeeds",
        ),
        // An id whose own circuit is open is reported with its last failure.
        Some(class) => (
            class,
            "this id or page keeps failing and is suspended until a probe succeeds",
        ),
    };
    UpstreamError {
        // The status distinguishes a throttled id from a pause of all calls.
        status: (class == FailureClass::Throttled).then_some(StatusCode::TOO_MANY_REQUESTS),
        ..unsent(endpoint, class, Some(open.wait), detail.to_owned())
    }
}

fn unsent(
    endpoint: &Endpoint,
    class: FailureClass,
    retry_after: Option<Duration>,
    detail: String,
) -> UpstreamError {
    UpstreamError {
        retry_after,
        ..UpstreamError::without_answer(endpoint.clone(), class, detail)
    }
}
