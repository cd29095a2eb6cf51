//! Retry policy: remedy of each failure class, backoff, and the retry budget.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fastrand::Rng;

use crate::{FailureClass, pacing::MAX_THROTTLING};

/// Limits on the retries of a call and of a client.
#[derive(Clone, Debug)]
pub struct RetrySettings {
    /// Maximum number of requests of one call. Throttled requests and a request whose token was rejected do not count, because
    /// they do not predict the outcome of the next request.
    pub max_attempts: u32,
    /// Maximum number of throttled requests of one call. By then, the second of the limit is over, so the upstream throttles
    /// either this request or all requests.
    pub max_throttled: u32,
    /// Upper bound of the random delay before the second attempt, doubled for each further attempt.
    pub first_delay: Duration,
    /// Maximum of the upper bound of the delay.
    pub longest_delay: Duration,
    /// Maximum number of retries per hundred calls in the long run. The same percentage limits the additional requests in an
    /// outage.
    pub budget_percent: u32,
    /// Maximum number of retries in a burst, in addition to that percentage.
    pub budget_burst: u32,
}

impl Default for RetrySettings {
    /// Returns 4 attempts, 4 throttled requests, delays up to 200 ms and 5 s, and a budget of 10 % with a burst of 10.
    fn default() -> Self {
        Self {
            max_attempts: 4,
            max_throttled: 4,
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(5),
            budget_percent: 10,
            budget_burst: 10,
        }
    }
}

/// Reaction to a failed request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Remedy {
    /// No retry because the next response would be the same.
    None,
    /// One renewal of the token.
    AnotherToken,
    /// Retry as soon as the pacer admits the request.
    NextTurn,
    /// Retry after a random delay.
    Backoff,
}

impl Remedy {
    pub(crate) fn of(class: FailureClass) -> Self {
        match class {
            FailureClass::Unreachable
            | FailureClass::Interrupted
            | FailureClass::TimedOut
            | FailureClass::ServerFailure => Self::Backoff,
            FailureClass::Throttled => Self::NextTurn,
            FailureClass::Unauthenticated => Self::AnotherToken,
            FailureClass::LoginRequired
            | FailureClass::TokenUnavailable
            | FailureClass::Forbidden
            | FailureClass::NoSuchPath
            | FailureClass::NotFound
            | FailureClass::QuotaExceeded
            | FailureClass::QueueFull
            | FailureClass::UnverifiedTokens
            | FailureClass::DeadlineExceeded
            | FailureClass::AllowanceUsedUp
            | FailureClass::CircuitOpen
            | FailureClass::Rejected
            | FailureClass::Invalid => Self::None,
        }
    }
}

/// Retry budget of one client.
#[derive(Debug)]
pub(crate) struct Retries {
    settings: RetrySettings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Remaining budget, in hundredths of a retry.
    credit: u32,
    random: Rng,
}

impl Retries {
    pub(crate) fn new(settings: RetrySettings, random: Rng) -> Self {
        let state = Mutex::new(State {
            credit: settings.budget_burst.saturating_mul(100),
            random,
        });
        Self { settings, state }
    }

    pub(crate) fn call_begins(&self) {
        let most = self.settings.budget_burst.saturating_mul(100);
        let mut state = self.state();
        state.credit = state
            .credit
            .saturating_add(self.settings.budget_percent)
            .min(most);
    }

    /// Returns whether a call is retried after `throttled` throttled requests, the last of which had this `Retry-After`. A wait
    /// longer than the pacer's maximum pause does not concern the limit per second.
    pub(crate) fn outlasts_throttling(&self, throttled: u32, retry_after: Option<Duration>) -> bool {
        throttled < self.settings.max_throttled && retry_after.is_none_or(|wait| wait <= MAX_THROTTLING)
    }

    /// Returns the delay before the next attempt, or `None` if the attempts or the budget are used up.
    pub(crate) fn next_delay(&self, failed_attempts: u32) -> Option<Duration> {
        if failed_attempts >= self.settings.max_attempts {
            return None;
        }
        let mut state = self.state();
        state.credit = state.credit.checked_sub(100)?;
        // Full jitter: a random delay up to the bound, so that calls that failed together are not retried together.
        let doubled = 1_u32 << failed_attempts.saturating_sub(1).min(16);
        let bound = self.settings.first_delay.saturating_mul(doubled);
        Some(bound.min(self.settings.longest_delay).mul_f64(state.random.f64()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(settings: RetrySettings) -> Retries {
        Retries::new(settings, Rng::with_seed(7))
    }

    #[test]
    fn backoff_has_full_jitter_below_a_doubling_bound() {
        let retries = retries(RetrySettings {
            max_attempts: u32::MAX,
            budget_burst: 10_000,
            ..RetrySettings::default()
        });
        for (failed, bound) in [(1, 200), (2, 400), (3, 800), (6, 5_000), (1_000, 5_000)] {
            let bound = Duration::from_millis(bound);
            let waits: Vec<Duration> = (0..200).filter_map(|_| retries.next_delay(failed)).collect();
            assert_eq!(waits.len(), 200);
            assert!(waits.iter().all(|wait| *wait < bound), "{failed}");
            assert!(waits.iter().any(|wait| *wait < bound / 10), "{failed}");
            assert!(waits.iter().any(|wait| *wait > bound * 9 / 10), "{failed}");
        }
    }

    #[test]
    fn last_attempt_has_no_delay() {
        let retries = retries(RetrySettings::default());
        assert!(retries.next_delay(3).is_some());
        assert_eq!(retries.next_delay(4), None);
    }

    #[test]
    fn retry_budget_bounds_the_requests_in_an_outage() {
        let retries = retries(RetrySettings::default());
        let second_attempts = (0..1_000)
            .filter(|_| {
                retries.call_begins();
                retries.next_delay(1).is_some()
            })
            .count();
        assert!(
            (100..=110).contains(&second_attempts),
            "{second_attempts} of 1,000 calls"
        );
    }
}
