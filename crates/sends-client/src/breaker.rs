//! Circuit breaker: suspends requests that keep failing, for growing delays, and fails them without a request meanwhile.
//!
//! | circuit | opens after | suspends |
//! |---|---|---|
//! | connection | `failures` connection errors in a row | all requests |
//! | endpoint, such as the send history | failures of `failures` different ids in a row | all requests to the endpoint |
//! | one id or page | `failures` failures of it in a row | requests for that id or page |
//!
//! **Isolated failures.** An id that fails while other ids of its endpoint succeed does not count towards the endpoint's circuit
//! until it has succeeded, so that any number of such ids leaves the endpoint available. An id that is answered 429 `throttled`
//! repeatedly while others are answered in between opens its own circuit only; see [`Throttling`].
//!
//! **Probes.** An endpoint is probed preferably with an id that has not failed: one such id may be requested as soon as the
//! circuit has opened, and ids that have failed wait longer. Otherwise ids that always fail could open the endpoint before the
//! first success and keep it open as its probes.

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

/// Scope of a 429 `throttled` answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Throttling {
    /// All calls, as far as known.
    Everything,
    /// Possibly this id or page only: it was throttled before, and others were answered in between.
    PerhapsOne,
    /// This id or page only.
    One,
}

/// Permission for one request. Dropping it without an outcome, as on cancellation, changes no circuit and passes the probes on.
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

    /// Checks whether a request would be admitted now.
    pub(crate) fn check(&self, endpoint: &Endpoint) -> Result<(), CircuitOpen> {
        self.state().check(endpoint)
    }

    /// Admits a request. It is the probe of each circuit whose delay is over.
    pub(crate) fn admit(self: &Arc<Self>, endpoint: &Endpoint) -> Result<Admission, CircuitOpen> {
        let mut state = self.state();
        // Checked again under the lock: two requests may have passed `check` together, and only one may be the probe.
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
    /// Reports an answer that is no failure of the upstream, whatever its status.
    pub(crate) fn succeeded(mut self) {
        self.probes = Probes::default();
        self.breaker.state().succeeded(&self.endpoint);
    }

    /// Reports a 429 `throttled` answer with its `Retry-After`.
    pub(crate) fn throttled(mut self, retry_after: Option<Duration>) -> Throttling {
        let probes = std::mem::take(&mut self.probes);
        let mut state = self.breaker.state();
        state.throttled(&self.endpoint, probes, retry_after)
    }

    /// Reports a connection error, a timeout, a cut-off answer or a 5xx.
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
