//! The circuit breaker: what keeps failing is left alone for growing pauses, and its callers are told so at once.
//!
//! | circuit | opens after | concerns |
//! |---|---|---|
//! | of the connection | so many connections in a row that did not come about | every call |
//! | of an endpoint, such as the send history | failures of so many different ids in a row | every call of that endpoint |
//! | of one id or page | so many failures of it in a row | that id or page |
//!
//! An id that fails while others of its endpoint succeed fails by itself: it never counts for the endpoint again until it has
//! succeeded, so that no number of such ids closes the endpoint to the others.

mod circuit;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use self::circuit::Circuit;
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

/// How many failing ids and pages are remembered. The one that failed longest ago is forgotten first.
const MOST_PATHS: usize = 1_000;
/// How much longer a single id or page is left alone: probing two of them every 30 seconds would take more than half of the
/// day's calls.
const PATIENCE_WITH_ONE: u32 = 10;

#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Circuit,
    endpoints: BTreeMap<&'static str, Circuit>,
    /// The ids and pages that failed when they were last asked for.
    paths: HashMap<Endpoint, FailingPath>,
}

#[derive(Debug)]
struct FailingPath {
    circuit: Circuit,
    /// Whether others of the endpoint have succeeded since it began to fail.
    by_itself: bool,
    failed_at: Instant,
    class: FailureClass,
}

/// What is left alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LeftAlone {
    /// For how long.
    pub(crate) wait: Duration,
    /// How the last request failed, when it is this id or page alone. `None` when it is the upstream or the endpoint.
    pub(crate) by_itself: Option<FailureClass>,
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

    /// For how long the upstream is left alone as a whole: no connection comes about, or the send histories fail.
    pub(crate) fn left_alone_for(&self) -> Option<Duration> {
        let (now, first_delay) = (Instant::now(), self.settings.first_delay);
        let state = self.state();
        let histories = state.endpoints.get(Endpoint::SEND_HISTORY);
        [Some(&state.connection), histories]
            .into_iter()
            .flatten()
            .filter_map(|circuit| circuit.wait(now, first_delay))
            .max()
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
        let probes = Probes {
            connection: state.connection.pass(),
            endpoint: state
                .endpoints
                .get_mut(endpoint.name())
                .is_some_and(Circuit::pass),
            path: state
                .paths
                .get_mut(endpoint)
                .is_some_and(|path| path.circuit.pass()),
        };
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

impl State {
    fn check(&self, endpoint: &Endpoint, while_probing: Duration) -> Result<(), LeftAlone> {
        let now = Instant::now();
        let path = self.paths.get(endpoint);
        let connection = self.connection.wait(now, while_probing);
        let circuit = self.endpoints.get(endpoint.name());
        let circuit = circuit.and_then(|circuit| circuit.wait(now, while_probing));
        if let Some(wait) = connection.max(circuit) {
            return Err(LeftAlone {
                wait,
                by_itself: None,
            });
        }
        match path.and_then(|path| Some((path.circuit.wait(now, while_probing)?, path.class))) {
            Some((wait, class)) => Err(LeftAlone {
                wait,
                by_itself: Some(class),
            }),
            None => Ok(()),
        }
    }

    /// The endpoint answered about this id or page, whatever it said.
    fn succeeded(&mut self, endpoint: &Endpoint) {
        self.connected();
        let name = endpoint.name();
        let was_down = self
            .endpoints
            .remove(name)
            .is_some_and(|circuit| !circuit.is_closed());
        if was_down {
            tracing::info!(endpoint = name, "the upstream answers again");
        }
        // What failed until now and succeeds says that an outage is over, which the others failed of too.
        let is_recovery = self.paths.remove(endpoint).is_some() || was_down;
        let others = self.paths.iter_mut().filter(|(other, _)| other.name() == name);
        for (_, path) in others.filter(|(_, path)| !path.by_itself) {
            // It may be asked for at once, and if it fails again it fails by itself.
            path.by_itself = true;
            if is_recovery {
                path.circuit = Circuit::default();
            }
        }
    }

    /// A connection came about.
    fn connected(&mut self) {
        if !std::mem::take(&mut self.connection).is_closed() {
            tracing::info!("the upstream answers again");
        }
    }

    fn unreachable(&mut self, settings: &BreakerSettings) {
        if self.connection.count() == settings.failures && settings.failures > 0 {
            self.connection.open(settings.first_delay);
            tracing::warn!(
                "the upstream is down: no connection comes about, so that no requests are sent until a probe succeeds"
            );
        }
    }

    fn failed(&mut self, endpoint: &Endpoint, class: FailureClass, settings: &BreakerSettings) {
        if settings.failures == 0 {
            return;
        }
        if !self.paths.contains_key(endpoint) {
            self.make_room();
        }
        let path = self.paths.entry(endpoint.clone()).or_insert_with(|| FailingPath {
            circuit: Circuit::default(),
            by_itself: false,
            failed_at: Instant::now(),
            class,
        });
        (path.failed_at, path.class) = (Instant::now(), class);
        if path.circuit.count() == settings.failures {
            path.circuit.open(settings.first_delay);
            tracing::warn!("{endpoint} keeps failing: it is not asked for until a probe succeeds");
        }
        let name = endpoint.name();
        let failing = self
            .paths
            .iter()
            .filter(|(other, path)| other.name() == name && !path.by_itself);
        let failing = u32::try_from(failing.count()).unwrap_or(u32::MAX);
        let circuit = self.endpoints.entry(name).or_default();
        if circuit.is_closed() && failing >= settings.failures {
            circuit.open(settings.first_delay);
            tracing::warn!(
                endpoint = name,
                "the upstream is down at this endpoint: no requests to it until a probe succeeds"
            );
        }
    }

    fn make_room(&mut self) {
        if self.paths.len() >= MOST_PATHS {
            let oldest = self.paths.iter().min_by_key(|(_, path)| path.failed_at);
            if let Some(oldest) = oldest.map(|(endpoint, _)| endpoint.clone()) {
                self.paths.remove(&oldest);
            }
        }
    }
}

impl Admission {
    /// The upstream answered, whatever it said.
    pub(crate) fn succeeded(mut self) {
        self.probes = Probes::default();
        self.breaker.state().succeeded(&self.endpoint);
    }

    /// The upstream did not answer, or failed to.
    pub(crate) fn failed(mut self, class: FailureClass) {
        let probes = std::mem::take(&mut self.probes);
        let settings = &self.breaker.settings;
        let longest = settings.longest_delay;
        let mut state = self.breaker.state();
        if class == FailureClass::Unreachable {
            if probes.connection {
                state.connection.probe_failed(longest);
            }
            state.unreachable(settings);
            // It says nothing of the endpoint.
            state.give_up(
                &self.endpoint,
                Probes {
                    connection: false,
                    ..probes
                },
            );
            return;
        }
        state.connected();
        let fails_by_itself = state.paths.get(&self.endpoint).is_some_and(|path| path.by_itself);
        if probes.endpoint
            && let Some(circuit) = state.endpoints.get_mut(self.endpoint.name())
        {
            if fails_by_itself {
                // It says nothing of the endpoint: the next id may find out.
                circuit.probe_given_up();
            } else {
                circuit.probe_failed(longest);
            }
        }
        if probes.path
            && let Some(path) = state.paths.get_mut(&self.endpoint)
        {
            path.circuit
                .probe_failed(longest.saturating_mul(PATIENCE_WITH_ONE));
        }
        state.failed(&self.endpoint, class, settings);
    }
}

impl State {
    fn give_up(&mut self, endpoint: &Endpoint, probes: Probes) {
        if probes.connection {
            self.connection.probe_given_up();
        }
        if probes.endpoint
            && let Some(circuit) = self.endpoints.get_mut(endpoint.name())
        {
            circuit.probe_given_up();
        }
        if probes.path
            && let Some(path) = self.paths.get_mut(endpoint)
        {
            path.circuit.probe_given_up();
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
mod tests {
    use super::*;
    use sends_core::ActivityId;

    fn path(number: u8) -> Endpoint {
        let id = format!("1ead98be-dfa0-4e04-81f7-5f1534d42e{number:02x}");
        Endpoint::SendHistory(id.parse::<ActivityId>().unwrap())
    }

    fn ask(breaker: &Arc<Breaker>, endpoint: &Endpoint) -> Admission {
        breaker
            .admit(endpoint)
            .unwrap_or_else(|left_alone| panic!("{endpoint} is refused: {left_alone:?}"))
    }

    fn fail(breaker: &Arc<Breaker>, numbers: std::ops::Range<u8>) {
        for number in numbers {
            ask(breaker, &path(number)).failed(FailureClass::ServerFailure);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_opens_after_different_ids_failed_in_a_row_and_a_success_begins_the_row_again() {
        let breaker = Breaker::new(BreakerSettings::default());
        fail(&breaker, 0..4);
        ask(&breaker, &path(100)).succeeded();
        fail(&breaker, 4..8);
        assert_eq!(breaker.check(&path(100)), Ok(()));
        fail(&breaker, 8..9);
        let wait = Duration::from_secs(1);
        assert_eq!(
            breaker.check(&path(100)),
            Err(LeftAlone {
                wait,
                by_itself: None
            })
        );
        assert_eq!(breaker.left_alone_for(), Some(wait));
        assert_eq!(breaker.check(&Endpoint::AccountSummary), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_goes_after_a_delay_that_doubles_and_a_success_closes_the_circuit() {
        let breaker = Breaker::new(BreakerSettings::default());
        fail(&breaker, 0..5);
        for (delay, number) in [1, 2, 4, 8, 16, 30, 30].into_iter().zip(10..) {
            let wait = Duration::from_secs(delay);
            assert_eq!(
                breaker.check(&path(100)),
                Err(LeftAlone {
                    wait,
                    by_itself: None
                })
            );
            tokio::time::sleep(wait).await;
            let probe = ask(&breaker, &path(number));
            assert!(breaker.admit(&path(100)).is_err(), "a second probe");
            probe.failed(FailureClass::TimedOut);
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        ask(&breaker, &path(100)).succeeded();
        fail(&breaker, 50..54);
        assert_eq!(breaker.check(&path(100)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_was_given_up_leaves_its_place_to_the_next() {
        let breaker = Breaker::new(BreakerSettings::default());
        fail(&breaker, 0..5);
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(ask(&breaker, &path(6)));
        assert!(breaker.admit(&path(6)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn ids_that_always_fail_are_left_alone_and_cost_the_others_nothing() {
        let breaker = Breaker::new(BreakerSettings::default());
        let mut sent = 0;
        for _ in 0..2 * 3_600 {
            for number in 0..2 {
                if let Ok(admission) = breaker.admit(&path(number)) {
                    admission.failed(FailureClass::ServerFailure);
                    sent += 1;
                }
            }
            assert_eq!(breaker.check(&path(100)), Ok(()));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert!(sent < 60, "{sent} requests in an hour");
        let left_alone = breaker.check(&path(0)).unwrap_err();
        assert_eq!(left_alone.by_itself, Some(FailureClass::ServerFailure));
        assert!(left_alone.wait <= Duration::from_mins(5));
    }

    #[tokio::test(start_paused = true)]
    async fn ids_that_fail_while_others_succeed_never_close_the_endpoint() {
        let breaker = Breaker::new(BreakerSettings::default());
        for round in 0..100 {
            for number in 0..20 {
                if number % 4 == 0 {
                    ask(&breaker, &path(200 + number)).succeeded();
                }
                if let Ok(admission) = breaker.admit(&path(number)) {
                    admission.failed(FailureClass::ServerFailure);
                }
            }
            assert_eq!(breaker.check(&path(100)), Ok(()), "{round}");
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
        // Twenty in a row, but all of them are known to fail by themselves.
        for number in 0..20 {
            if let Ok(admission) = breaker.admit(&path(number)) {
                admission.failed(FailureClass::ServerFailure);
            }
        }
        assert_eq!(breaker.check(&path(100)), Ok(()));
        fail(&breaker, 100..105);
        assert!(breaker.check(&path(110)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn ids_that_failed_before_the_first_success_close_the_endpoint_only_once() {
        let breaker = Breaker::new(BreakerSettings::default());
        let together: Vec<_> = (0..8).map(|number| ask(&breaker, &path(number))).collect();
        for admission in together {
            admission.failed(FailureClass::ServerFailure);
        }
        assert!(breaker.check(&path(100)).is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
        ask(&breaker, &path(100)).succeeded();
        // The endpoint is up, so that these fail by themselves from now on.
        for round in 0..100 {
            for number in 0..8 {
                if let Ok(admission) = breaker.admit(&path(number)) {
                    admission.failed(FailureClass::ServerFailure);
                }
            }
            assert_eq!(breaker.check(&path(100)), Ok(()), "{round}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_reached_is_left_alone_as_a_whole() {
        let breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..5 {
            ask(&breaker, &path(1)).failed(FailureClass::Unreachable);
        }
        assert!(breaker.check(&Endpoint::AccountSummary).is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
        // An answer, be it a failure, says that it can be reached.
        ask(&breaker, &path(1)).failed(FailureClass::ServerFailure);
        assert_eq!(breaker.check(&Endpoint::AccountSummary), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_outage_nothing_is_left_alone_that_failed_of_it() {
        // Too few ids to close the endpoint, each left alone for itself.
        for outage in [0..2, 0..10] {
            let breaker = Breaker::new(BreakerSettings::default());
            for _ in 0..600 {
                for number in outage.clone() {
                    if let Ok(admission) = breaker.admit(&path(number)) {
                        admission.failed(FailureClass::ServerFailure);
                    }
                }
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
            assert!(breaker.check(&path(1)).is_err());
            while breaker.check(&path(0)).is_err() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            ask(&breaker, &path(0)).succeeded();
            for number in outage {
                assert_eq!(breaker.check(&path(number)), Ok(()));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_failing_ids_are_remembered_than_fit() {
        let breaker = Breaker::new(BreakerSettings::default());
        ask(&breaker, &path(255)).succeeded();
        for number in 0..3_000_u16 {
            let [high, low] = number.to_be_bytes();
            let id = ActivityId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            ask(&breaker, &Endpoint::SendHistory(id)).failed(FailureClass::ServerFailure);
            ask(&breaker, &path(255)).succeeded();
        }
        assert_eq!(breaker.state().paths.len(), MOST_PATHS);
    }
}
