//! The circuit breaker: an upstream that is down is left alone, and its callers are told so at once.
//!
//! Owns the judgement whether the upstream works at all. Must not know why a request failed beyond that.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Endpoint, FailureClass};

/// When the upstream is taken to be down, and how often it is tried then.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// After so many failures in a row no more requests are sent; 0 never stops them.
    pub failures: u32,
    /// How long the first probe waits. Each failed probe doubles it.
    pub first_delay: Duration,
    /// What the wait grows to at most.
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
    circuit: Mutex<Circuit>,
}

#[derive(Clone, Debug)]
enum Circuit {
    Closed(Failures),
    /// No requests until then.
    Open {
        until: Instant,
        delay: Duration,
    },
    /// One request is on its way to find out; the others wait for its outcome elsewhere.
    HalfOpen {
        delay: Duration,
    },
}

/// The failures since the last success.
#[derive(Clone, Debug, Default)]
struct Failures {
    count: u32,
    last: Option<Endpoint>,
    /// Whether they speak of the upstream as a whole. One path that fails whenever it is asked does not.
    general: bool,
}

/// A request that may be sent. Dropped without an outcome, as when the caller went away, it says nothing.
pub(crate) struct Admission {
    breaker: Arc<Breaker>,
    probe: bool,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            circuit: Mutex::new(Circuit::Closed(Failures::default())),
        })
    }

    /// Whether a request would be let through now. If not, how long to wait before asking again.
    pub(crate) fn check(&self) -> Result<(), Duration> {
        let now = Instant::now();
        match *self.circuit() {
            Circuit::Open { until, .. } if until > now => Err(until - now),
            Circuit::Closed(_) | Circuit::Open { .. } => Ok(()),
            Circuit::HalfOpen { .. } => Err(self.settings.first_delay),
        }
    }

    /// Lets a request through. If the wait is over, this one is the probe.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Admission, Duration> {
        self.check()?;
        let mut circuit = self.circuit();
        let probe = match *circuit {
            Circuit::Closed(_) => false,
            // Two requests may have passed the check together; the second must not be sent.
            Circuit::HalfOpen { .. } => return Err(self.settings.first_delay),
            Circuit::Open { delay, .. } => {
                *circuit = Circuit::HalfOpen { delay };
                true
            }
        };
        Ok(Admission {
            breaker: Arc::clone(self),
            probe,
        })
    }

    fn succeeded(&self) {
        let mut circuit = self.circuit();
        if !matches!(*circuit, Circuit::Closed(_)) {
            tracing::info!("the upstream answers again");
        }
        *circuit = Circuit::Closed(Failures::default());
    }

    fn failed(&self, endpoint: &Endpoint, class: FailureClass, probe: bool) {
        let mut circuit = self.circuit();
        let delay = match &mut *circuit {
            Circuit::Closed(failures) => {
                failures.count = failures.count.saturating_add(1);
                failures.general |= class == FailureClass::Unreachable
                    || failures.last.as_ref().is_some_and(|last| last != endpoint);
                failures.last = Some(endpoint.clone());
                if self.settings.failures == 0 || failures.count < self.settings.failures || !failures.general
                {
                    return;
                }
                self.settings.first_delay
            }
            Circuit::HalfOpen { delay } if probe => delay.saturating_mul(2).min(self.settings.longest_delay),
            // A request from before the circuit opened tells nothing new.
            Circuit::Open { .. } | Circuit::HalfOpen { .. } => return,
        };
        tracing::warn!(
            wait_ms = delay.as_millis(),
            "the upstream is down: no requests until a probe succeeds"
        );
        *circuit = Circuit::Open {
            until: Instant::now() + delay,
            delay,
        };
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// The upstream answered, whatever it said.
    pub(crate) fn succeeded(mut self) {
        self.probe = false;
        self.breaker.succeeded();
    }

    /// The upstream did not answer, or failed to.
    pub(crate) fn failed(mut self, endpoint: &Endpoint, class: FailureClass) {
        let probe = std::mem::take(&mut self.probe);
        self.breaker.failed(endpoint, class, probe);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.probe {
            let mut circuit = self.breaker.circuit();
            if let Circuit::HalfOpen { delay } = *circuit {
                let until = Instant::now();
                *circuit = Circuit::Open { until, delay };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sends_core::ActivityId;

    fn path(number: u8) -> Endpoint {
        let id = format!("1ead98be-dfa0-4e04-81f7-5f1534d42e{number:02x}");
        Endpoint::SendHistory(id.parse::<ActivityId>().unwrap())
    }

    fn fail(breaker: &Arc<Breaker>, times: u8) {
        for number in 0..times {
            breaker
                .admit()
                .unwrap_or_else(|_| panic!("refused after {number} failures"))
                .failed(&path(number), FailureClass::ServerFailure);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_a_success_begins_the_row_again() {
        let breaker = Breaker::new(BreakerSettings::default());
        fail(&breaker, 4);
        breaker.admit().unwrap().succeeded();
        fail(&breaker, 5);
        assert_eq!(breaker.check(), Err(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_goes_after_a_delay_that_doubles_and_a_success_closes_the_circuit() {
        let breaker = Breaker::new(BreakerSettings::default());
        fail(&breaker, 5);
        for delay in [1, 2, 4, 8, 16, 30, 30] {
            let delay = Duration::from_secs(delay);
            assert_eq!(breaker.check(), Err(delay));
            tokio::time::sleep(delay).await;
            let probe = breaker.admit().unwrap();
            assert!(breaker.admit().is_err(), "a second probe");
            probe.failed(&path(0), FailureClass::TimedOut);
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        breaker.admit().unwrap().succeeded();
        fail(&breaker, 4);
        assert_eq!(breaker.check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_was_given_up_leaves_its_place_to_the_next() {
        let breaker = Breaker::new(BreakerSettings::default());
        fail(&breaker, 5);
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_path_that_always_fails_does_not_close_the_others() {
        let breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..100 {
            breaker
                .admit()
                .unwrap()
                .failed(&path(1), FailureClass::ServerFailure);
        }
        breaker
            .admit()
            .unwrap()
            .failed(&path(2), FailureClass::ServerFailure);
        assert!(breaker.check().is_err());
    }
}
