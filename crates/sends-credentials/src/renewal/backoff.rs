//! Exponential backoff after failures of the token endpoint. A new login, which changes the file, resets the backoff.

use std::time::Duration;

use sends_client::TokenError;
use tokio::time::Instant;

/// Maximum of the first wait. Each further failure doubles the maximum, up to `MAX_DELAY`.
const MIN_DELAY: Duration = Duration::from_secs(2);
const MAX_DELAY: Duration = Duration::from_mins(5);

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<(Instant, String)>,
}

impl Backoff {
    pub(super) fn check(&self) -> Result<(), TokenError> {
        match &self.until {
            Some((until, reason)) if *until > Instant::now() => Err(TokenError::Unavailable {
                reason: reason.clone(),
                retry_after: Some(*until - Instant::now()),
            }),
            _ => Ok(()),
        }
    }

    /// Records a failure. The delay is at least `retry_after`, and has jitter, so that processes that failed together do not
    /// retry together.
    pub(super) fn failed(&mut self, reason: String, retry_after: Option<Duration>) -> TokenError {
        let ceiling = MIN_DELAY
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(MAX_DELAY);
        let wait = ceiling.mul_f64(0.5 + fastrand::f64() / 2.0);
        let wait = wait.max(retry_after.unwrap_or_default());
        self.failures = self.failures.saturating_add(1);
        self.until = Some((Instant::now() + wait, reason.clone()));
        TokenError::Unavailable {
            reason,
            retry_after: Some(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(error: &TokenError) -> Duration {
        match error {
            TokenError::Unavailable { retry_after, .. } => retry_after.unwrap(),
            other => panic!("{other}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_up_to_a_limit_and_end() {
        let mut backoff = Backoff::default();
        for failure in 0..40 {
            assert_eq!(backoff.check(), Ok(()));
            let waited = wait(&backoff.failed("down".to_owned(), None));
            let ceiling = MIN_DELAY.saturating_mul(1 << failure.min(20)).min(MAX_DELAY);
            assert!(
                ceiling / 2 <= waited && waited <= ceiling,
                "{failure}: {waited:?}"
            );
            assert!(wait(&backoff.check().unwrap_err()) <= waited);
            tokio::time::advance(waited).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_the_minimum_wait() {
        let requested = Duration::from_mins(10);
        let error = Backoff::default().failed("throttled".to_owned(), Some(requested));
        assert_eq!(wait(&error), requested);
    }
}
