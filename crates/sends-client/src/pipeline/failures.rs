//! Classification of failed attempts, and the [`UpstreamError`] of calls that were not sent.

use std::time::Duration;

use reqwest::StatusCode;
use sends_core::DecodeError;

use crate::{
    Endpoint, FailureClass, TokenError, UpstreamError,
    breaker::{LeftAlone, Throttling},
    pacing::{Refused, RefusedReason, Verdict},
    refusals::{Held, RefusedBy},
    transport::Answer,
};

/// How soon to ask for a token again where its source does not say.
const TOKEN_RETRY: Duration = Duration::from_secs(5);

/// What to tell when a call was not sent once more: what the upstream said before, which says more than why it was not asked
/// again. That the day is used up is told in any case, since nothing else ends so late.
pub(super) fn instead_of_retry(last: Option<UpstreamError>, refused: UpstreamError) -> UpstreamError {
    match last {
        Some(last) if refused.class != FailureClass::QuotaExceeded => UpstreamError {
            retry_after: refused.retry_after,
            ..last
        },
        _ => refused,
    }
}

/// What is wrong with an answer that could not be decoded. One that just ends may arrive whole next time; any other text would
/// come again as it is.
pub(super) fn undecodable(answer: Answer, error: &DecodeError) -> UpstreamError {
    let class = if error.is_cut_off() {
        FailureClass::Interrupted
    } else {
        FailureClass::Invalid
    };
    let detail = format!("the upstream answered {}, but {error}", answer.status());
    answer.failure(class, detail)
}

/// What an outcome says about the budget. `None` when there was no answer, or one that is about this id or page alone.
pub(super) fn verdict(failure: Option<&UpstreamError>, throttling: Option<Throttling>) -> Option<Verdict> {
    let Some(failure) = failure else {
        return Some(Verdict::Accepted);
    };
    match failure.class {
        FailureClass::Throttled => match throttling {
            Some(Throttling::One) => None,
            // Its wait may be its own, and the others' is the one that the limit of a second needs.
            Some(Throttling::PerhapsOne) => Some(Verdict::Throttled(None)),
            Some(Throttling::Everything) | None => Some(Verdict::Throttled(failure.retry_after)),
        },
        FailureClass::QuotaExceeded => Some(Verdict::QuotaExceeded(failure.retry_after)),
        _ => failure.status.map(|_| Verdict::Accepted),
    }
}

/// Whether an outcome shows that the upstream knows the token: an answer that only an authenticated request has.
pub(super) fn shows_accepted_token(failure: Option<&UpstreamError>) -> bool {
    failure.is_none_or(|failure| {
        let is_success = failure.status.is_some_and(|status| status.is_success());
        is_success || matches!(failure.class, FailureClass::NotFound | FailureClass::Forbidden)
    })
}

/// Whether an outcome is an answer of 401.
pub(super) fn is_refused_token(failure: Option<&UpstreamError>) -> bool {
    failure.is_some_and(|failure| failure.class == FailureClass::Unauthenticated)
}

pub(super) fn without_token(endpoint: &Endpoint, error: &TokenError) -> UpstreamError {
    let detail = error.to_string();
    let (class, retry_after) = token_failure(error);
    UpstreamError {
        retry_after,
        ..UpstreamError::without_answer(endpoint.clone(), class, detail)
    }
}

/// The upstream refused a token, and there is no other. What it said is kept, since support may ask for it.
pub(super) fn after_refused_token(refusal: UpstreamError, error: &TokenError) -> UpstreamError {
    let detail = format!("{}; {error}", refusal.detail);
    let (class, retry_after) = token_failure(error);
    UpstreamError {
        class,
        retry_after,
        detail,
        ..refusal
    }
}

/// The token was refused before, and the request was not sent.
pub(super) fn known_refusal(endpoint: &Endpoint, held: Held) -> UpstreamError {
    let wait = held.wait.as_secs();
    let detail = match held.by {
        RefusedBy::PathAlone => {
            format!("it is known to refuse the access token and is not asked for {wait} s")
        }
        RefusedBy::Path | RefusedBy::Upstream => format!(
            "the access token was refused by the upstream (401) and is not sent again for {wait} s; use another one, or log \
             in again"
        ),
    };
    let failure = UpstreamError::without_answer(endpoint.clone(), FailureClass::Unauthenticated, detail);
    of_refuser(failure, held)
}

/// What a refusal is to the caller. That of a path alone is no reason to log in again.
pub(super) fn of_refuser(failure: UpstreamError, held: Held) -> UpstreamError {
    if held.by != RefusedBy::PathAlone {
        return failure;
    }
    UpstreamError {
        class: FailureClass::Forbidden,
        status: Some(StatusCode::UNAUTHORIZED),
        retry_after: Some(held.wait),
        detail: format!(
            "{}; this path alone answers 401, and the access token is good elsewhere",
            failure.detail
        ),
        ..failure
    }
}

fn token_failure(error: &TokenError) -> (FailureClass, Option<Duration>) {
    match *error {
        TokenError::LoginRequired => (FailureClass::LoginRequired, None),
        TokenError::NotRenewable => (FailureClass::Unauthenticated, None),
        TokenError::Unavailable { retry_after, .. } => (
            FailureClass::TokenUnavailable,
            Some(retry_after.unwrap_or(TOKEN_RETRY)),
        ),
    }
}

pub(super) fn without_turn(endpoint: &Endpoint, refused: Refused) -> UpstreamError {
    let class = match refused.reason {
        RefusedReason::QueueFull => FailureClass::QueueFull,
        RefusedReason::UnverifiedTokens => FailureClass::UnverifiedTokens,
        RefusedReason::Deadline => FailureClass::DeadlineExceeded,
        RefusedReason::Paused => FailureClass::Throttled,
        RefusedReason::DayUsedUp => FailureClass::QuotaExceeded,
    };
    UpstreamError {
        retry_after: Some(refused.retry_after),
        ..UpstreamError::without_answer(endpoint.clone(), class, refused.to_string())
    }
}

pub(super) fn beyond_allowance(endpoint: &Endpoint) -> UpstreamError {
    let detail = "the operation has made as many calls as it may".to_owned();
    UpstreamError {
        // The next operation has an allowance of its own.
        retry_after: Some(Duration::from_secs(1)),
        ..UpstreamError::without_answer(endpoint.clone(), FailureClass::AllowanceUsedUp, detail)
    }
}

pub(super) fn circuit_open(endpoint: &Endpoint, left_alone: LeftAlone) -> UpstreamError {
    let (class, detail) = match left_alone.by_itself {
        None => (
            FailureClass::CircuitOpen,
            "the upstream has been failing and is left alone for now",
        ),
        // Only this id or page: for the caller it is as if it had been asked for and failed once more.
        Some(class) => (class, "it has been failing by itself and is left alone for now"),
    };
    UpstreamError {
        // As its last answer, which tells it from calls that wait for a pause of all of them.
        status: (class == FailureClass::Throttled).then_some(StatusCode::TOO_MANY_REQUESTS),
        retry_after: Some(left_alone.wait),
        ..UpstreamError::without_answer(endpoint.clone(), class, detail.to_owned())
    }
}
