//! Circuits of the connection, the endpoints and the failing ids, and their transitions on each outcome.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use super::{BreakerSettings, CircuitOpen, Probes, Throttling, circuit::Circuit};
use crate::{Endpoint, FailureClass};

/// Number of consecutive failed requests after which the upstream counts as failing even if no circuit is open, as with low traffic.
const FAILED_REQUESTS: u32 = 5;
/// Maximum number of failing ids and pages in memory. The entry with the oldest failure is evicted.
pub(super) const MAX_PATHS: usize = 1_000;
/// Factor of the maximum delay for a single id or page. Probing two of them every 30 seconds would use more than half of the
/// daily limit.
const PATH_DELAY_FACTOR: u32 = 10;
/// Number of consecutive throttled responses of an id, with successful calls for other ids in between, after which only this id
/// counts as throttled. If another program causes every second call to be throttled, one call in sixteen reaches this number by
/// chance.
const ISOLATED_THROTTLINGS: u32 = 4;

#[derive(Debug)]
pub(super) struct State {
    settings: BreakerSettings,
    /// Requests in a row, of any endpoint, that failed.
    failed_requests: u32,
    connection: Circuit,
    endpoints: BTreeMap<&'static str, Circuit>,
    /// Ids and pages whose last request failed.
    pub(super) paths: HashMap<Endpoint, FailingPath>,
}

#[derive(Debug)]
pub(super) struct FailingPath {
    circuit: Circuit,
    /// Whether other ids of the endpoint have succeeded since the first failure of this id.
    is_isolated: bool,
    failed_at: Instant,
    class: FailureClass,
}

impl State {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            failed_requests: 0,
            connection: Circuit::default(),
            endpoints: BTreeMap::new(),
            paths: HashMap::new(),
        }
    }

    /// Returns the time until the next regular probe of the endpoint or the connection. The early probe is ignored.
    pub(super) fn regular_wait(&self, endpoint: &str) -> Option<Duration> {
        let (now, first_delay) = (Instant::now(), self.settings.first_delay);
        let circuit = self.endpoints.get(endpoint).copied().unwrap_or_default();
        let connection = self.connection.wait(now, first_delay);
        connection.max(circuit.wait(now, first_delay))
    }

    /// Whether the circuit of the connection or the endpoint is not closed, or the last [`FAILED_REQUESTS`] all failed.
    pub(super) fn is_failing(&self, endpoint: &str) -> bool {
        let circuit = self.endpoints.get(endpoint).copied().unwrap_or_default();
        !self.connection.is_closed() || !circuit.is_closed() || self.failed_requests >= FAILED_REQUESTS
    }

    pub(super) fn check(&self, endpoint: &Endpoint) -> Result<(), CircuitOpen> {
        let (now, first_delay) = (Instant::now(), self.settings.first_delay);
        let path = self.paths.get(endpoint);
        let circuit = self.endpoints.get(endpoint.name()).copied().unwrap_or_default();
        let endpoint_wait = match circuit {
            // Ids that have failed wait `first_delay` longer, so that other ids can probe the endpoint first.
            Circuit::Open { .. } if path.is_some() => {
                let earlier = now.checked_sub(first_delay).unwrap_or(now);
                circuit.wait(earlier, first_delay)
            }
            Circuit::Open { is_untried: true, .. } => None,
            _ => circuit.wait(now, first_delay),
        };
        let shared_wait = self.connection.wait(now, first_delay).max(endpoint_wait);
        let own_wait = path.and_then(|path| path.circuit.wait(now, first_delay));
        match shared_wait.or(own_wait) {
            None => Ok(()),
            Some(wait) => Err(CircuitOpen {
                wait,
                own_failure: path.map(|path| path.class).filter(|_| shared_wait.is_none()),
            }),
        }
    }

    /// Half-opens the circuits whose delay has expired, for a request that has passed [`check`](Self::check).
    pub(super) fn begin_probes(&mut self, endpoint: &Endpoint) -> Probes {
        let circuit = self.endpoints.get_mut(endpoint.name());
        let path = self.paths.get_mut(endpoint);
        Probes {
            connection: self.connection.begin_probe(),
            endpoint: circuit.is_some_and(Circuit::begin_probe),
            path: path.is_some_and(|path| path.circuit.begin_probe()),
        }
    }

    pub(super) fn succeeded(&mut self, endpoint: &Endpoint) {
        self.failed_requests = 0;
        self.connected();
        let name = endpoint.name();
        let circuit = self.endpoints.remove(name).unwrap_or_default();
        if !circuit.is_closed() {
            tracing::info!(
                endpoint = name,
                "upstream endpoint available again; circuit closed"
            );
        }
        // The first success of a failed id ends an outage, which may have caused the failures of other ids as well.
        let had_failed = self.paths.remove(endpoint);
        let is_recovery =
            !circuit.is_closed() || had_failed.is_some_and(|path| path.class != FailureClass::Throttled);
        let others = self.paths.iter_mut().filter(|(other, _)| other.name() == name);
        for (_, path) in others.filter(|(_, path)| !path.is_isolated) {
            path.is_isolated = true;
            if is_recovery && path.class != FailureClass::Throttled {
                path.circuit = Circuit::default();
            }
        }
    }

    fn connected(&mut self) {
        if !std::mem::take(&mut self.connection).is_closed() {
            tracing::info!("upstream reachable again; circuit of the connection closed");
        }
    }

    /// Handles a connection error, which is no evidence about the endpoint.
    pub(super) fn unreachable(&mut self, endpoint: &Endpoint, probes: Probes) {
        self.failed_requests = self.failed_requests.saturating_add(1);
        if probes.connection {
            self.connection.probe_failed(self.settings.longest_delay);
        }
        let others = Probes {
            connection: false,
            ..probes
        };
        self.release_probes(endpoint, others);
        let failures = self.settings.failures;
        if failures > 0 && self.connection.count_failure() == failures {
            self.connection.open(self.settings.first_delay);
            tracing::warn!(
                "upstream unreachable: connections fail; requests are suspended until a probe succeeds"
            );
        }
    }

    pub(super) fn throttled(
        &mut self,
        endpoint: &Endpoint,
        probes: Probes,
        retry_after: Option<Duration>,
    ) -> Throttling {
        let settings = self.settings;
        self.failed_requests = 0;
        self.connected();
        if probes.endpoint {
            // A throttling response shows that the endpoint is available.
            self.endpoints.remove(endpoint.name());
        }
        if settings.failures == 0 {
            return Throttling::Everything;
        }
        let previous = self.paths.get(endpoint);
        let is_first = previous.is_none_or(|path| path.class != FailureClass::Throttled);
        if is_first {
            self.paths.remove(endpoint);
        }
        let path = self.failing_path(endpoint, FailureClass::Throttled);
        let others_succeeded = std::mem::take(&mut path.is_isolated);
        let longest_delay = settings.longest_delay.saturating_mul(PATH_DELAY_FACTOR);
        if path.circuit.is_closed() {
            if !is_first && !others_succeeded {
                return Throttling::Everything;
            }
            if path.circuit.count_failure() < ISOLATED_THROTTLINGS {
                return if is_first {
                    Throttling::Everything
                } else {
                    Throttling::PerhapsOne
                };
            }
            path.circuit.open(settings.first_delay);
            tracing::warn!(
                "{endpoint} is throttled while other requests succeed; it is suspended until a probe succeeds"
            );
        } else if probes.path {
            path.circuit.probe_failed(longest_delay);
        }
        let wait = retry_after.unwrap_or_default().min(longest_delay);
        path.circuit.open_for_at_least(wait);
        Throttling::One
    }

    pub(super) fn failed(&mut self, endpoint: &Endpoint, class: FailureClass, probes: Probes) {
        let BreakerSettings {
            failures,
            first_delay,
            longest_delay,
        } = self.settings;
        self.failed_requests = self.failed_requests.saturating_add(1);
        self.connected();
        if failures == 0 {
            return;
        }
        let path = self.failing_path(endpoint, class);
        path.class = class;
        let is_isolated = path.is_isolated;
        if probes.path {
            let longest_delay = longest_delay.saturating_mul(PATH_DELAY_FACTOR);
            path.circuit.probe_failed(longest_delay);
        }
        if path.circuit.count_failure() == failures {
            path.circuit.open(first_delay);
            tracing::warn!("{endpoint} keeps failing; it is suspended until a probe succeeds");
        }
        let name = endpoint.name();
        let circuit = self.endpoints.entry(name).or_default();
        if probes.endpoint && is_isolated {
            // An isolated failure is no evidence about the endpoint, so the next id may be its probe.
            circuit.release_probe();
        } else if probes.endpoint {
            circuit.probe_failed(longest_delay);
        }
        let failing = self.paths.iter().filter(|(other, path)| {
            other.name() == name && !path.is_isolated && path.class != FailureClass::Throttled
        });
        let failing = u32::try_from(failing.count()).unwrap_or(u32::MAX);
        if circuit.is_closed() && failing >= failures {
            circuit.open(first_delay);
            tracing::warn!(
                endpoint = name,
                "upstream endpoint unavailable: different ids fail in a row; its requests are suspended until a probe \
                 succeeds"
            );
        }
    }

    /// Returns the entry of an id or page that fails now. Evicts the oldest entry if necessary.
    fn failing_path(&mut self, endpoint: &Endpoint, class: FailureClass) -> &mut FailingPath {
        let now = Instant::now();
        if self.paths.len() >= MAX_PATHS && !self.paths.contains_key(endpoint) {
            let oldest = self.paths.iter().min_by_key(|(_, path)| path.failed_at);
            if let Some(oldest) = oldest.map(|(endpoint, _)| endpoint.clone()) {
                self.paths.remove(&oldest);
            }
        }
        let path = self.paths.entry(endpoint.clone()).or_insert(FailingPath {
            circuit: Circuit::default(),
            is_isolated: false,
            failed_at: now,
            class,
        });
        path.failed_at = now;
        path
    }

    /// Passes the probes of a request without an outcome to the next request.
    pub(super) fn release_probes(&mut self, endpoint: &Endpoint, probes: Probes) {
        let circuit = self.endpoints.get_mut(endpoint.name());
        let path = self.paths.get_mut(endpoint).map(|path| &mut path.circuit);
        let circuits = [
            Some(&mut self.connection).filter(|_| probes.connection),
            circuit.filter(|_| probes.endpoint),
            path.filter(|_| probes.path),
        ];
        for circuit in circuits.into_iter().flatten() {
            circuit.release_probe();
        }
    }
}
