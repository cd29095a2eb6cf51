//! The circuits by what they concern, and what an outcome says about each of them.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    BreakerSettings, LeftAlone, Probes, Throttling, circuit::Circuit, endpoint_circuit::EndpointCircuit,
};
use crate::{Endpoint, FailureClass};

/// How many failing ids and pages are remembered. The one that failed longest ago is forgotten first.
pub(super) const MOST_PATHS: usize = 1_000;
/// How much longer a single id or page is left alone: probing two of them every 30 seconds would take more than half of the
/// day's calls.
const PATIENCE_WITH_ONE: u32 = 10;
/// How many throttled answers of an id or page in a row, with answers to others in between, mean that it is throttled by itself.
/// If another program causes every second call to be throttled, one call in sixteen reaches this number by chance.
const THROTTLED_BY_ITSELF: u32 = 4;

#[derive(Debug, Default)]
pub(super) struct State {
    connection: Circuit,
    endpoints: BTreeMap<&'static str, EndpointCircuit>,
    /// The ids and pages that failed when they were last asked for.
    pub(super) paths: HashMap<Endpoint, FailingPath>,
}

#[derive(Debug)]
pub(super) struct FailingPath {
    circuit: Circuit,
    /// Whether others of the endpoint have succeeded since it began to fail.
    by_itself: bool,
    failed_at: Instant,
    class: FailureClass,
}

impl State {
    /// For how long nothing is asked of this endpoint.
    pub(super) fn left_alone_for(&self, endpoint: &str, first_delay: Duration) -> Option<Duration> {
        let now = Instant::now();
        let circuit = self.endpoints.get(endpoint);
        let circuit = circuit.and_then(|circuit| circuit.left_alone_for(now, first_delay));
        self.connection.wait(now, first_delay).max(circuit)
    }

    pub(super) fn check(&self, endpoint: &Endpoint, first_delay: Duration) -> Result<(), LeftAlone> {
        let now = Instant::now();
        let path = self.paths.get(endpoint);
        let connection = self.connection.wait(now, first_delay);
        let circuit = self.endpoints.get(endpoint.name());
        let circuit = circuit.and_then(|circuit| circuit.wait(now, first_delay, path.is_some()));
        if let Some(wait) = connection.max(circuit) {
            return Err(LeftAlone {
                wait,
                by_itself: None,
            });
        }
        match path.and_then(|path| Some((path.circuit.wait(now, first_delay)?, path.class))) {
            Some((wait, class)) => Err(LeftAlone {
                wait,
                by_itself: Some(class),
            }),
            None => Ok(()),
        }
    }

    /// Lets a request through that need not wait, and says of which circuits it is the probe.
    pub(super) fn pass(&mut self, endpoint: &Endpoint) -> Probes {
        let circuit = self.endpoints.get_mut(endpoint.name());
        let path = self.paths.get_mut(endpoint);
        Probes {
            connection: self.connection.pass(),
            endpoint: circuit.is_some_and(EndpointCircuit::pass),
            path: path.is_some_and(|path| path.circuit.pass()),
        }
    }

    /// The endpoint answered about this id or page, whatever it said.
    pub(super) fn succeeded(&mut self, endpoint: &Endpoint) {
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
        let had_failed = self.paths.remove(endpoint);
        let is_recovery = was_down || had_failed.is_some_and(|path| path.class != FailureClass::Throttled);
        let others = self.paths.iter_mut().filter(|(other, _)| other.name() == name);
        for (_, path) in others.filter(|(_, path)| !path.by_itself) {
            // It may be asked for at once, and if it fails again it fails by itself.
            path.by_itself = true;
            if is_recovery && path.class != FailureClass::Throttled {
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

    /// No connection came about, which says nothing of the endpoint.
    pub(super) fn unreachable(&mut self, endpoint: &Endpoint, probes: Probes, settings: &BreakerSettings) {
        if probes.connection {
            self.connection.probe_failed(settings.longest_delay);
        }
        let others = Probes {
            connection: false,
            ..probes
        };
        self.give_up(endpoint, others);
        if self.connection.count() == settings.failures && settings.failures > 0 {
            self.connection.open(settings.first_delay);
            tracing::warn!(
                "the upstream is down: no connection comes about, so that no requests are sent until a probe succeeds"
            );
        }
    }

    /// The circuits that the failed request was the probe of open again.
    pub(super) fn probes_failed(&mut self, endpoint: &Endpoint, probes: Probes, settings: &BreakerSettings) {
        let longest = settings.longest_delay;
        let path = self.paths.get_mut(endpoint);
        let fails_by_itself = path.as_ref().is_some_and(|path| path.by_itself);
        if probes.path
            && let Some(path) = path
        {
            path.circuit
                .probe_failed(longest.saturating_mul(PATIENCE_WITH_ONE));
        }
        if probes.endpoint
            && let Some(circuit) = self.endpoints.get_mut(endpoint.name())
        {
            if fails_by_itself {
                // It says nothing of the endpoint: the next id may find out.
                circuit.probe_given_up();
            } else {
                circuit.probe_failed(longest);
            }
        }
    }

    /// The endpoint answered that there are too many calls.
    pub(super) fn throttled(
        &mut self,
        endpoint: &Endpoint,
        probes: Probes,
        retry_after: Option<Duration>,
        settings: &BreakerSettings,
    ) -> Throttling {
        self.connected();
        if probes.endpoint {
            // It answers, so it is not down.
            self.endpoints.remove(endpoint.name());
        }
        if settings.failures == 0 {
            return Throttling::Everything;
        }
        let is_first = self
            .paths
            .get(endpoint)
            .is_none_or(|path| path.class != FailureClass::Throttled);
        if is_first {
            self.make_room();
            let path = FailingPath {
                circuit: Circuit::default(),
                by_itself: false,
                failed_at: Instant::now(),
                class: FailureClass::Throttled,
            };
            self.paths.insert(endpoint.clone(), path);
        }
        let Some(path) = self.paths.get_mut(endpoint) else {
            return Throttling::Everything;
        };
        path.failed_at = Instant::now();
        let others_were_answered = std::mem::take(&mut path.by_itself);
        let longest = settings.longest_delay.saturating_mul(PATIENCE_WITH_ONE);
        if path.circuit.is_closed() {
            if !is_first && !others_were_answered {
                return Throttling::Everything;
            }
            if path.circuit.count() < THROTTLED_BY_ITSELF {
                return if is_first {
                    Throttling::Everything
                } else {
                    Throttling::PerhapsOne
                };
            }
            path.circuit.open(settings.first_delay);
            tracing::warn!(
                "{endpoint} is throttled while others are answered: it is not asked for until a probe succeeds"
            );
        } else if probes.path {
            path.circuit.probe_failed(longest);
        }
        path.circuit
            .open_for_at_least(retry_after.unwrap_or_default().min(longest));
        Throttling::One
    }

    /// The endpoint failed of this id or page.
    pub(super) fn failed(&mut self, endpoint: &Endpoint, class: FailureClass, settings: &BreakerSettings) {
        self.connected();
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
        let failing = self.paths.iter().filter(|(other, path)| {
            other.name() == name && !path.by_itself && path.class != FailureClass::Throttled
        });
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

    /// Leaves the places of these probes to others.
    pub(super) fn give_up(&mut self, endpoint: &Endpoint, probes: Probes) {
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
