//! How long to wait before a device is polled again (RFC 8628, section 3.5).

use std::time::Duration;

use super::RequestError;
use crate::token_http::TransportError;

/// What `slow_down` adds to the interval, for good.
const SLOWER: Duration = Duration::from_secs(5);

/// The longest wait after failed connections, each of which doubles it.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct PollPace {
    interval: Duration,
    failures: u32,
}

impl PollPace {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            failures: 0,
        }
    }

    /// The wait after a poll that brought no tokens; the error itself where it ends the login.
    pub(super) fn after(&mut self, error: RequestError) -> Result<Duration, RequestError> {
        let failures = std::mem::take(&mut self.failures);
        match error {
            RequestError::Refused { error, .. } if error == "authorization_pending" => Ok(self.interval),
            RequestError::Refused { error, .. } if error == "slow_down" => {
                self.interval += SLOWER;
                Ok(self.interval)
            }
            // The limit is over all programs of the application, and clears within a second (documented).
            RequestError::Transport(TransportError::Throttled { retry_after, .. }) => Ok(retry_after
                .unwrap_or_default()
                .max(self.interval)
                .max(super::THROTTLED_WAIT)),
            RequestError::Transport(error) => {
                self.failures = failures + 1;
                let longest = LONGEST.max(self.interval);
                let doubled = self.interval.max(super::THROTTLED_WAIT) * 2_u32.saturating_pow(self.failures);
                Ok(doubled.min(longest).max(error.retry_after().unwrap_or_default()))
            }
            ended @ (RequestError::InvalidGrant { .. }
            | RequestError::Denied { .. }
            | RequestError::Expired
            | RequestError::Refused { .. }
            | RequestError::NoAccessToken { .. }) => Err(ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(error: &str) -> RequestError {
        RequestError::Refused {
            error: error.to_owned(),
            description: None,
        }
    }

    fn broken() -> RequestError {
        RequestError::Transport(TransportError::PerhapsDone {
            reason: "broken".to_owned(),
            retry_after: None,
        })
    }

    fn throttled(seconds: Option<u64>) -> RequestError {
        RequestError::Transport(TransportError::Throttled {
            reason: "429".to_owned(),
            retry_after: seconds.map(Duration::from_secs),
        })
    }

    fn waits(errors: Vec<RequestError>) -> Vec<u64> {
        let mut pace = PollPace::new(Duration::from_secs(5));
        let waits = errors
            .into_iter()
            .map(|error| pace.after(error).unwrap().as_secs());
        waits.collect()
    }

    #[test]
    fn a_device_is_polled_at_the_interval_and_slower_when_told() {
        let pending = || refused("authorization_pending");
        let slow_down = || refused("slow_down");
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
    fn a_decision_and_a_dead_code_end_the_polling() {
        let description = None;
        for error in [
            RequestError::Denied { description },
            RequestError::Expired,
            refused("invalid_client"),
            RequestError::InvalidGrant { description: None },
        ] {
            assert!(
                PollPace::new(Duration::ZERO).after(error.clone()).is_err(),
                "{error:?}"
            );
        }
    }
}
