//! State machine of one circuit: closed, open for a delay, or half-open while a probe is in flight.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(super) enum Circuit {
    /// Requests pass. `failures` counts consecutive failures.
    Closed { failures: u32 },
    /// No request passes before `until`. `is_untried` is set until the first probe.
    Open {
        until: Instant,
        delay: Duration,
        is_untried: bool,
    },
    /// A probe is in flight. `is_early` is set if the probe was sent before the delay expired.
    HalfOpen { delay: Duration, is_early: bool },
}

impl Default for Circuit {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    /// Returns the time until a request may pass, or `None` if a request may pass immediately. The time is `while_probing`
    /// while a probe is in flight.
    pub(super) fn wait(self, now: Instant, while_probing: Duration) -> Option<Duration> {
        match self {
            Self::Open { until, .. } if until > now => Some(until - now),
            Self::Closed { .. } | Self::Open { .. } => None,
            Self::HalfOpen { .. } => Some(while_probing),
        }
    }

    /// Half-opens an open circuit for the request that is admitted now. Returns whether that request is the probe.
    pub(super) fn begin_probe(&mut self) -> bool {
        let Self::Open { until, delay, .. } = *self else {
            return false;
        };
        let is_early = until > Instant::now();
        *self = Self::HalfOpen { delay, is_early };
        true
    }

    /// Counts a failure of a closed circuit and returns the number of consecutive failures, or 0 if the circuit is not closed.
    pub(super) fn count_failure(&mut self) -> u32 {
        let Self::Closed { failures } = self else {
            return 0;
        };
        *failures = failures.saturating_add(1);
        *failures
    }

    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    pub(super) fn open(&mut self, delay: Duration) {
        *self = Self::Open {
            until: Instant::now() + delay,
            delay,
            is_untried: true,
        };
    }

    /// Keeps an open circuit open for at least `wait` from now.
    pub(super) fn open_for_at_least(&mut self, wait: Duration) {
        if let Self::Open { until, .. } = self {
            *until = (*until).max(Instant::now() + wait);
        }
    }

    /// Reopens the circuit after a failed probe, for twice the delay unless the probe was early. Failures of requests that were
    /// sent before the circuit opened have no effect.
    pub(super) fn probe_failed(&mut self, longest_delay: Duration) {
        if let Self::HalfOpen { delay, is_early } = *self {
            let growth = if is_early { 1 } else { 2 };
            let delay = delay.saturating_mul(growth).min(longest_delay);
            self.reopen(Instant::now() + delay, delay);
        }
    }

    /// Reopens the circuit because its probe had no outcome. The next request becomes the probe.
    pub(super) fn release_probe(&mut self) {
        if let Self::HalfOpen { delay, .. } = *self {
            self.reopen(Instant::now(), delay);
        }
    }

    fn reopen(&mut self, until: Instant, delay: Duration) {
        *self = Self::Open {
            until,
            delay,
            is_untried: false,
        };
    }
}
