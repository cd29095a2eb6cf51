//! Metrics: counters and histograms of the process, and state that is read at each scrape.
//!
//! Labels have low cardinality: values from callers or from the upstream are mapped to a bounded set.

mod names;
mod state;
mod text;

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry},
};
use sends_client::{Endpoint, FailureClass, ObservedRequest, Observer};

use self::names::OperationNames;
pub use self::{state::State, text::CONTENT_TYPE};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    Ok,
    Partial,
    /// The operation was executed, but its response has no data.
    Failed,
    /// The request was invalid, or there was no capacity for it.
    Refused,
    /// The caller disconnected before the response.
    Cancelled,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

pub struct OperationMetrics {
    ok: Counter,
    seconds: Histogram,
    cache_hits: Counter,
}

impl OperationMetrics {
    pub fn cached(&self, took: Duration) {
        self.ok.inc();
        self.cache_hits.inc();
        self.seconds.observe(took.as_secs_f64());
    }
}

type Labels<const N: usize> = [(&'static str, &'static str); N];
type OperationLabel = [(&'static str, Arc<str>); 1];
type Histograms<Label> = Family<Label, Histogram, fn() -> Histogram>;

#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    names: OperationNames,
    operations: Family<(OperationLabel, Labels<1>), Counter>,
    operation_seconds: Histograms<OperationLabel>,
    operations_in_progress: Gauge,
    cache_hits: Counter,
    requests: Family<Labels<3>, Counter>,
    request_seconds: Histograms<Labels<1>>,
    refusals: Family<Labels<2>, Counter>,
    turn_seconds: Histogram,
    registry: Registry,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sends");
        let of = &mut registry;
        Self(Arc::new(Counted {
            names: OperationNames::default(),
            operations: registered(
                of,
                "operations",
                "GraphQL requests by operation and outcome",
                Family::default(),
            ),
            operation_seconds: registered(
                of,
                "operation_duration_seconds",
                "Time from a GraphQL request's head to its response",
                Family::new_with_constructor(milliseconds_to_minutes),
            ),
            operations_in_progress: registered(
                of,
                "operations_in_progress",
                "GraphQL requests in progress",
                Gauge::default(),
            ),
            cache_hits: registered(
                of,
                "response_cache_hits",
                "GraphQL requests served from the response cache",
                Counter::default(),
            ),
            requests: registered(
                of,
                "upstream_requests",
                "Requests sent to Constant Contact",
                Family::default(),
            ),
            request_seconds: registered(
                of,
                "upstream_request_duration_seconds",
                "Time from sending a request to Constant Contact to the end of its response",
                Family::new_with_constructor(milliseconds_to_minutes),
            ),
            refusals: registered(
                of,
                "upstream_refusals",
                "Calls that ended without a request, or without a retry",
                Family::default(),
            ),
            turn_seconds: registered(
                of,
                "pacer_wait_seconds",
                "Time of calls in the queue for Constant Contact",
                milliseconds_to_minutes(),
            ),
            registry,
        }))
    }

    pub fn request_begins(&self) {
        self.0.operations_in_progress.inc();
    }

    pub fn request_ends(&self) {
        self.0.operations_in_progress.dec();
    }

    pub fn operation_ended(&self, name: Option<&str>, outcome: Outcome, took: Duration) {
        let label = [("operation", self.0.names.label(name))];
        let seconds = self.0.operation_seconds.get_or_create(&label);
        seconds.observe(took.as_secs_f64());
        let labels = (label, [("outcome", outcome.name())]);
        self.0.operations.get_or_create(&labels).inc();
    }

    /// Returns the metrics of an operation name, so that callers avoid repeated lookups.
    pub fn of_operation(&self, name: Option<&str>) -> OperationMetrics {
        let label = [("operation", self.0.names.label(name))];
        let ok = (label.clone(), [("outcome", Outcome::Ok.name())]);
        OperationMetrics {
            ok: self.0.operations.get_or_create(&ok).clone(),
            seconds: self.0.operation_seconds.get_or_create(&label).clone(),
            cache_hits: self.0.cache_hits.clone(),
        }
    }

    pub fn text(&self, state: &State) -> Result<String, std::fmt::Error> {
        let mut present = Registry::with_prefix("sends");
        state.register(&mut present);
        text::encode(&[&self.0.registry, &present])
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Observer for Metrics {
    fn waited(&self, _: &Endpoint, wait: Duration) {
        self.0.turn_seconds.observe(wait.as_secs_f64());
    }

    fn requested(&self, request: &ObservedRequest) {
        let endpoint = ("endpoint", request.endpoint.name());
        let labels = [
            endpoint,
            ("status", request.status.map_or("none", status_label)),
            ("failure", request.failure.map_or("none", FailureClass::name)),
        ];
        self.0.requests.get_or_create(&labels).inc();
        let seconds = self.0.request_seconds.get_or_create(&[endpoint]);
        seconds.observe(request.took.as_secs_f64());
    }

    fn refused(&self, endpoint: &Endpoint, class: FailureClass) {
        let labels = [("endpoint", endpoint.name()), ("reason", class.name())];
        self.0.refusals.get_or_create(&labels).inc();
    }
}

/// Creates a histogram with exponential buckets from 1 ms to 65 s.
fn milliseconds_to_minutes() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 17))
}

/// Returns the status code if it is documented or common, otherwise its class.
fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "200",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        429 => "429",
        500 => "500",
        502 => "502",
        503 => "503",
        504 => "504",
        100..=199 => "1xx",
        201..=299 => "2xx",
        300..=399 => "3xx",
        402..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests;
