//! The circuit breaker: what keeps failing is left alone for growing pauses, and its callers are told so at once.
//!
//! | circuit | opens after | concerns |
//! |---|---|---|
//! | of the connection | so many connections in a row that did not come about | every call |
//! | of an endpoint, such as the send history | failures of so many different ids in a row | every call of that endpoint |
//! | of one id or page | so many failures of it in a row | that id or page |
//!
//! An id that is answered 429 `throttled` again and again while others are answered in between is throttled by itself. It opens
//! its own circuit and stops no other call; see [`Throttling`].
//!
//! An id that fails while others of its endpoint succeed fails by itself: it never counts for the endpoint again until it has
//! succeeded, so that no number of such ids closes the endpoint to the others.
//!
//! The probe of an endpoint is preferably an id that has not failed: one such id may be asked for as soon as the endpoint has
//! opened, and one that has failed waits longer for being the probe. Otherwise ids that always fail could open the endpoint
//! before the first success and keep it open by being its probes.

mod circuit;
mod endpoint_circuit;
mod state;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::state::State;
use crate::{Endpoint, FailureClass};

/// When something is taken to be down, and how often it is tried then.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// After so many failures in a row no more requests are sent; 0 never stops them. For an endpoint it is so many different
    /// ids.
    pub failures: u32,
    /// How long the first probe waits. Each failed probe doubles it.
    pub first_delay: Duration,
    /// What the wait grows to at most; ten times as long for a single id or page.
    pub longest_delay: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

/// What is left alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LeftAlone {
    /// For how long.
    pub(crate) wait: Duration,
    /// How the last request failed, when it is this id or page alone. `None` when it is the upstream or the endpoint.
    pub(crate) by_itself: Option<FailureClass>,
}

/// What a 429 `throttled` answer is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Throttling {
    /// The limit of all calls, for all that is known.
    Everything,
    /// Perhaps this id or page: it was throttled before, and others were answered in between.
    PerhapsOne,
    /// This id or page alone.
    One,
}

/// A request that may be sent. Dropped without an outcome, as when the caller went away, it says nothing.
pub(crate) struct Admission {
    breaker: Arc<Breaker>,
    endpoint: Endpoint,
    probes: Probes,
}

/// Which circuits the request is the probe of.
#[derive(Clone, Copy, Default)]
struct Probes {
    connection: bool,
    endpoint: bool,
    path: bool,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            state: Mutex::default(),
        })
    }

    /// For how long the upstream is left alone as a whole: no connection comes about, or the send histories fail. The probe
    /// right after an endpoint has opened does not shorten it.
    pub(crate) fn left_alone_for(&self) -> Option<Duration> {
        self.state()
            .left_alone_for(Endpoint::SEND_HISTORY, self.settings.first_delay)
    }

    /// Whether a request would be let through now. If not, how long to wait before asking again.
    pub(crate) fn check(&self, endpoint: &Endpoint) -> Result<(), LeftAlone> {
        self.state().check(endpoint, self.settings.first_delay)
    }

    /// Lets a request through. If the wait is over, this one is the probe.
    pub(crate) fn admit(self: &Arc<Self>, endpoint: &Endpoint) -> Result<Admission, LeftAlone> {
        let mut state = self.state();
        // Two requests may have passed the first check together; the second must not be sent.
        state.check(endpoint, self.settings.first_delay)?;
        let probes = state.pass(endpoint);
        Ok(Admission {
            breaker: Arc::clone(self),
            endpoint: endpoint.clone(),
            probes,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// The upstream answered, whatever it said.
    pub(crate) fn succeeded(mut self) {
        self.probes = Probes::default();
        self.breaker.state().succeeded(&self.endpoint);
    }

    /// The upstream answered 429 `throttled`, and may have named a wait.
    pub(crate) fn throttled(mut self, retry_after: Option<Duration>) -> Throttling {
        let probes = std::mem::take(&mut self.probes);
        let settings = &self.breaker.settings;
        let mut state = self.breaker.state();
        state.throttled(&self.endpoint, probes, retry_after, settings)
    }

    /// The upstream did not answer, or failed to.
    pub(crate) fn failed(mut self, class: FailureClass) {
        let probes = std::mem::take(&mut self.probes);
        let settings = &self.breaker.settings;
        let mut state = self.breaker.state();
        if class == FailureClass::Unreachable {
            state.unreachable(&self.endpoint, probes, settings);
        } else {
            state.probes_failed(&self.endpoint, probes, settings);
            state.failed(&self.endpoint, class, settings);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let probes = self.probes;
        if probes.connection || probes.endpoint || probes.path {
            self.breaker.state().give_up(&self.endpoint, probes);
        }
    }
}

#[cfg(test)]
mod tests;
