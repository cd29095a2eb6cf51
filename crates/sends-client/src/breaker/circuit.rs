//! One circuit: closed, open until a moment, or half open while one probe finds out.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(super) enum Circuit {
    /// Requests pass; so many have failed in a row.
    Closed { failures: u32 },
    /// No requests until then.
    Open { until: Instant, delay: Duration },
    /// One request is on its way to find out; the others wait for its outcome elsewhere. `is_early` when it did not wait for
    /// the end of the delay.
    HalfOpen { delay: Duration, is_early: bool },
}

impl Default for Circuit {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    /// How long to wait before asking again. `None` when a request may pass now.
    pub(super) fn wait(self, now: Instant, while_probing: Duration) -> Option<Duration> {
        match self {
            Self::Open { until, .. } if until > now => Some(until - now),
            Self::Closed { .. } | Self::Open { .. } => None,
            Self::HalfOpen { .. } => Some(while_probing),
        }
    }

    /// Lets a request through that need not wait, and says whether it is the probe.
    pub(super) fn pass(&mut self) -> bool {
        match *self {
            Self::Open { until, delay } => {
                let is_early = until > Instant::now();
                *self = Self::HalfOpen { delay, is_early };
                true
            }
            Self::Closed { .. } | Self::HalfOpen { .. } => false,
        }
    }

    /// Counts a failure in a row; the count is 0 once the circuit is open.
    pub(super) fn count(&mut self) -> u32 {
        match self {
            Self::Closed { failures } => {
                *failures = failures.saturating_add(1);
                *failures
            }
            Self::Open { .. } | Self::HalfOpen { .. } => 0,
        }
    }

    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    pub(super) fn open(&mut self, delay: Duration) {
        let until = Instant::now() + delay;
        *self = Self::Open { until, delay };
    }

    /// An open circuit does not close before this wait is over.
    pub(super) fn open_for_at_least(&mut self, wait: Duration) {
        if let Self::Open { until, .. } = self {
            *until = (*until).max(Instant::now() + wait);
        }
    }

    /// Opens again after a failed probe, for twice as long unless the probe was early. A request from before the circuit opened
    /// tells nothing new.
    pub(super) fn probe_failed(&mut self, longest: Duration) {
        if let Self::HalfOpen { delay, is_early } = *self {
            let growth = if is_early { 1 } else { 2 };
            self.open(delay.saturating_mul(growth).min(longest));
        }
    }

    /// Leaves the place of a probe that was given up to the next request.
    pub(super) fn probe_given_up(&mut self) {
        if let Self::HalfOpen { delay, .. } = *self {
            let until = Instant::now();
            *self = Self::Open { until, delay };
        }
    }
}
