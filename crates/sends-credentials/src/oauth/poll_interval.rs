//! Interval between polls of a device login (RFC 8628, section 3.5).

use std::time::Duration;

use super::{RequestError, THROTTLED_WAIT};

/// Permanent increase of the interval for each `slow_down` response.
const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);

/// Maximum wait after failed connections. Each failure doubles the wait.
const MAX_INTERVAL: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct PollInterval {
    interval: Duration,
    failures: u32,
}

impl PollInterval {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            failures: 0,
        }
    }

    /// Returns the delay after a poll that returned no tokens, or the error if it ends the login.
    pub(super) fn after(&mut self, error: RequestError) -> Result<Duration, RequestError> {
        let failures = std::mem::take(&mut self.failures);
        match error {
            RequestError::OAuth(error) if error.code == "authorization_pending" => Ok(self.interval),
            RequestError::OAuth(error) if error.code == "slow_down" => {
                self.interval += SLOW_DOWN_STEP;
                Ok(self.interval)
            }
            RequestError::Transport(error) => {
                let requested = error.retry_after.unwrap_or_default();
                let minimum = self.interval.max(THROTTLED_WAIT);
                // The rate limit covers all programs of the application, and clears within a second (documented).
                if error.is_throttled() {
                    return Ok(minimum.max(requested));
                }
                self.failures = failures + 1;
                let maximum = MAX_INTERVAL.max(self.interval);
                let doubled = minimum * 2_u32.saturating_pow(self.failures);
                Ok(doubled.min(maximum).max(requested))
            }
            error @ (RequestError::OAuth(_) | RequestError::NoAccessToken { .. }) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::{
        token_http::{TransportError, checked},
        token_response::OAuthError,
    };

    fn rejected(code: &str) -> RequestError {
        OAuthError::new(code, None).into()
    }

    fn broken() -> RequestError {
        TransportError::perhaps_done("broken".to_owned()).into()
    }

    fn throttled(seconds: Option<u64>) -> RequestError {
        let retry_after = seconds.map(Duration::from_secs);
        checked(StatusCode::TOO_MANY_REQUESTS, Vec::new(), retry_after).unwrap_err()
    }

    fn waits(errors: Vec<RequestError>) -> Vec<u64> {
        let mut interval = PollInterval::new(Duration::from_secs(5));
        let waits = errors
            .into_iter()
            .map(|error| interval.after(error).unwrap().as_secs());
        waits.collect()
    }

    #[test]
    fn device_is_polled_at_the_interval_and_slower_after_slow_down() {
        let pending = || rejected("authorization_pending");
        let slow_down = || rejected("slow_down");
        assert_eq!(
            waits(vec![pending(), pending(), slow_down(), pending(), slow_down()]),
            [5, 5, 10, 10, 15]
        );
    }

    #[test]
    fn failures_double_the_wait_up_to_a_limit_and_a_rate_limit_does_not() {
        let errors = vec![broken(), broken(), broken(), broken(), throttled(None)];
        assert_eq!(waits(errors), [10, 20, 30, 30, 5]);
        assert_eq!(waits(vec![throttled(Some(9)), broken()]), [9, 10]);
    }

    #[test]
    fn decision_or_expired_code_ends_the_polling() {
        for code in [
            "access_denied",
            "expired_token",
            "invalid_client",
            "invalid_grant",
        ] {
            let after = PollInterval::new(Duration::ZERO).after(rejected(code));
            assert!(after.is_err(), "{code}");
        }
    }
}
