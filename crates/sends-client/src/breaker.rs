//! Circuit breaker, which suspends requests that fail repeatedly. Suspended requests fail immediately. Each failed probe
//! increases the delay before the next probe.
//!
//! | circuit | opens after | suspends |
//! |---|---|---|
//! | connection | `failures` consecutive connection errors | all requests |
//! | endpoint, such as the send history | consecutive failures of `failures` different ids | all requests to the endpoint |
//! | one id or page | `failures` consecutive failures of that id or page | requests for that id or page |
//!
//! **Isolated failures.** An id that fails while other ids of its endpoint succeed does not count towards the endpoint's
//! circuit until it has succeeded. The endpoint therefore stays available regardless of the number of such ids. An id that
//! repeatedly gets 429 `throttled` while others succeed opens only its own circuit; see [`Throttling`].
//!
//! **Probes.** An endpoint is preferably probed with an id that has not failed. One such id may be requested immediately after
//! the circuit opens; ids that have failed wait longer. Otherwise, ids that always fail could open the endpoint's circuit before
//! the first success, and keep it open by failing as probes.

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
    /// Number of consecutive failures that open a circuit; for an endpoint, failures of different ids. 0 disables the breaker.
    pub failures: u32,
    /// Delay before the first probe. Each failed probe doubles the delay.
    pub first_delay: Duration,
    /// Maximum delay before a probe. The maximum for a single id or page is ten times as long.
    pub longest_delay: Duration,
}

impl Default for BreakerSettings {
    /// Returns 5 failures, a first delay of 1 s and a maximum delay of 30 s.
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

/// Error of a request that an open circuit rejects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CircuitOpen {
    /// Time until the next probe.
    pub(crate) wait: Duration,
    /// Last failure of the id or page if only its own circuit is open. `None` if the circuit of the connection or endpoint is
    /// open.
    pub(crate) own_failure: Option<FailureClass>,
}

/// Scope of a 429 `throttled` response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Throttling {
    /// The limit presumably concerns all calls.
    Everything,
    /// The limit possibly concerns only this id or page, which was throttled before. Other requests have succeeded since.
    PerhapsOne,
    /// The limit concerns only this id or page.
    One,
}

/// Permission for one request. An admission that is dropped without an outcome, for example on cancellation, changes no circuit.
/// Its probes pass to the next request.
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

    /// Returns the time until the next regular probe while the connection or the send history endpoint is suspended.
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

    /// Admits a request, which becomes the probe of each circuit whose delay has expired.
    pub(crate) fn admit(self: &Arc<Self>, endpoint: &Endpoint) -> Result<Admission, CircuitOpen> {
        let mut state = self.state();
        // The check is repeated under the lock because two requests may pass `check` concurrently and only one of them may be the
        // probe.
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
    /// Reports a response whose status is not an upstream failure.
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

    /// Reports a connection error, a timeout, a cut-off response or a 5xx status.
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
