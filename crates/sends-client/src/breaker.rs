//! Circuit breaker: suspends requests that keep failing, for growing delays in which they fail at once.
//!
//! | circuit | opens after | suspends |
//! |---|---|---|
//! | connection | `failures` connection errors in a row | all requests |
//! | endpoint, such as the send history | failures of `failures` different ids in a row | all requests to the endpoint |
//! | one id or page | `failures` failures of it in a row | requests for that id or page |
//!
//! **Isolated failures.** An id that fails while other ids of its endpoint succeed does not count towards the endpoint's circuit
//! until it has succeeded, so that the endpoint stays available whatever the number of such ids. An id that repeatedly gets 429
//! `throttled` while others succeed in between opens only its own circuit; see [`Throttling`].
//!
//! **Probes.** An endpoint is probed preferably with an id that has not failed: one such id may be requested as soon as the
//! circuit has opened, and ids that have failed wait longer. Otherwise ids that always fail could open the endpoint's circuit
//! before the first success, and keep it open by failing as its probes.

mod circuit;
mod state;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::state::State;
use crate::{Endpoint, FailureClass};

/// Thresholds and delays of the circuit breaker.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// Failures in a row that open a circuit; for an endpoint, failures of different ids. 0 disables the breaker.
    pub failures: u32,
    /// Delay before the first probe. Each failed probe doubles it.
    pub first_delay: Duration,
    /// Maximum delay before a probe. For a single id or page the maximum is ten times as long.
    pub longest_delay: Duration,
}

impl Default for BreakerSettings {
    /// 5 failures, 1 s, 30 s.
    fn default() -> Self {
        Self {
            failures: 5,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Breaker(Mutex<State>);

/// Error of a request that an open circuit suspends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CircuitOpen {
    /// Time until the next probe.
    pub(crate) wait: Duration,
    /// Last failure of the id or page when only its own circuit is open. `None` for the circuit of the connection or endpoint.
    pub(crate) own_failure: Option<FailureClass>,
}

/// Scope of a 429 `throttled` response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Throttling {
    /// All calls, as far as known.
    Everything,
    /// Possibly this id or page only: throttled before, while others succeeded in between.
    PerhapsOne,
    /// This id or page only.
    One,
}

/// Permission for one request. Dropped without an outcome, as on cancellation, it changes no circuit and passes its probes to the
/// next request.
pub(crate) struct Admission {
    breaker: Arc<Breaker>,
    endpoint: Endpoint,
    probes: Probes,
}

/// Circuits that a request probes.
#[derive(Clone, Copy, Default)]
struct Probes {
    connection: bool,
    endpoint: bool,
    path: bool,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::new(settings))))
    }

    /// Time until the next regular probe while the connection or the send history endpoint is suspended.
    pub(crate) fn upstream_wait(&self) -> Option<Duration> {
        self.state().regular_wait(Endpoint::SEND_HISTORY)
    }

    /// Whether the upstream has not responded since its last failures.
    pub(crate) fn is_failing(&self) -> bool {
        self.state().is_failing(Endpoint::SEND_HISTORY)
    }

    /// Checks whether a request would be admitted now.
    pub(crate) fn check(&self, endpoint: &Endpoint) -> Result<(), CircuitOpen> {
        self.state().check(endpoint)
    }

    /// Admits a request, which becomes the probe of each circuit whose delay is over.
    pub(crate) fn admit(self: &Arc<Self>, endpoint: &Endpoint) -> Result<Admission, CircuitOpen> {
        let mut state = self.state();
        // Checked again under the lock: two requests may have passed `check` concurrently, and only one may be the probe.
        state.check(endpoint)?;
        Ok(Admission {
            breaker: Arc::clone(self),
            endpoint: endpoint.clone(),
            probes: state.begin_probes(endpoint),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Reports a response of any status that is not an upstream failure.
    pub(crate) fn succeeded(mut self) {
        self.probes = Probes::default();
        self.breaker.state().succeeded(&self.endpoint);
    }

    /// Reports a 429 `throttled` response with its `Retry-After`.
    pub(crate) fn throttled(mut self, retry_after: Option<Duration>) -> Throttling {
        let probes = std::mem::take(&mut self.probes);
        let mut state = self.breaker.state();
        state.throttled(&self.endpoint, probes, retry_after)
    }

    /// Reports a connection error, a timeout, a cut-off response or a 5xx.
    pub(crate) fn failed(mut self, class: FailureClass) {
        let probes = std::mem::take(&mut self.probes);
        let mut state = self.breaker.state();
        if class == FailureClass::Unreachable {
            state.unreachable(&self.endpoint, probes);
        } else {
            state.failed(&self.endpoint, class, probes);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let probes = self.probes;
        if probes.connection || probes.endpoint || probes.path {
            self.breaker.state().release_probes(&self.endpoint, probes);
        }
    }
}

#[cfg(test)]
mod tests;
