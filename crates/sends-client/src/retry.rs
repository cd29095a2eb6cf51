//! Which failures are worth another attempt, when, and how many of those the upstream is asked to bear.
//!
//! Must not know how an attempt is made, nor when its turn comes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fastrand::Rng;

use crate::{FailureClass, pacing::LONGEST_THROTTLING};

/// How hard a call is tried.
#[derive(Clone, Debug)]
pub struct RetrySettings {
    /// How many requests one call may send at most. Those that were throttled, and the one whose token was refused, come on
    /// top: they say nothing about the chances of the next.
    pub max_attempts: u32,
    /// How many throttled requests one call may send at most: the limit of a second is over by then, so that the upstream
    /// throttles this one request, or everything.
    pub max_throttled: u32,
    /// The upper bound of the wait before the second attempt. It doubles with each further one.
    pub first_delay: Duration,
    /// What the bound grows to at most.
    pub longest_delay: Duration,
    /// How many retries a hundred calls may cause in the long run. In an outage the upstream sees no more than that on top.
    pub budget_percent: u32,
    /// How many retries may come together before that share counts.
    pub budget_burst: u32,
    /// The seed of the random waits, for tests. `None` takes one from the operating system.
    pub jitter_seed: Option<u64>,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            max_throttled: 4,
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(5),
            budget_percent: 10,
            budget_burst: 10,
            jitter_seed: None,
        }
    }
}

/// What to do after a failed request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Remedy {
    /// Nothing: the next answer would be the same.
    None,
    /// Ask for another token, once.
    AnotherToken,
    /// Wait for the next turn: the pacer knows when that is.
    NextTurn,
    /// Wait a while and try again.
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

/// The retries of one client.
#[derive(Debug)]
pub(crate) struct Retries {
    settings: RetrySettings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// In hundredths of a retry.
    credit: u32,
    random: Rng,
}

impl Retries {
    pub(crate) fn new(settings: RetrySettings) -> Self {
        let state = Mutex::new(State {
            credit: settings.budget_burst.saturating_mul(100),
            random: settings.jitter_seed.map_or_else(Rng::new, Rng::with_seed),
        });
        Self { settings, state }
    }

    /// A call begins, which earns a share of a retry.
    pub(crate) fn call_begins(&self) {
        let most = self.settings.budget_burst.saturating_mul(100);
        let mut state = self.state();
        state.credit = state
            .credit
            .saturating_add(self.settings.budget_percent)
            .min(most);
    }

    /// Whether a call may be sent once more after so many throttled requests, the last of which asked for this wait. One that is
    /// longer than all calls pause for is not about the limit of a second.
    pub(crate) fn outlasts_throttling(&self, throttled: u32, retry_after: Option<Duration>) -> bool {
        throttled < self.settings.max_throttled && retry_after.is_none_or(|wait| wait <= LONGEST_THROTTLING)
    }

    /// How long to wait before the next attempt, after so many failed ones. `None` when there must be none.
    pub(crate) fn next_delay(&self, failed_attempts: u32) -> Option<Duration> {
        if failed_attempts >= self.settings.max_attempts {
            return None;
        }
        let mut state = self.state();
        state.credit = state.credit.checked_sub(100)?;
        // "Full jitter": any wait up to the bound, so that calls which failed together do not come back together.
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

    fn seeded() -> RetrySettings {
        RetrySettings {
            jitter_seed: Some(7),
            ..RetrySettings::default()
        }
    }

    #[test]
    fn waits_are_spread_below_a_bound_that_doubles_up_to_the_longest() {
        let retries = Retries::new(RetrySettings {
            max_attempts: u32::MAX,
            budget_burst: 10_000,
            ..seeded()
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
    fn the_last_attempt_is_not_followed_by_a_wait() {
        let retries = Retries::new(seeded());
        assert!(retries.next_delay(3).is_some());
        assert_eq!(retries.next_delay(4), None);
    }

    #[test]
    fn an_outage_is_multiplied_by_the_budgets_share_and_no_more() {
        let retries = Retries::new(seeded());
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
