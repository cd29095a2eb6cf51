//! Telemetry of a GraphQL request: its span, its metrics and one log line. The modules that execute the request report the
//! [name](named), [cost] and [outcome](ended) of its operations from the request's task.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use tracing::{Instrument, Span, field};

use super::{
    metrics::{Metrics, Outcome},
    traces,
};
use crate::telemetry::RequestId;

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// Finished operations of a request: one operation, several operations of a batch, or none if the request was rejected earlier.
#[derive(Debug, Default)]
pub struct Notes {
    ended: Vec<(Option<String>, Outcome)>,
    upstream_calls: u32,
}

/// Records the outcome of an operation. Has no effect outside a watched request.
pub fn ended(name: Option<String>, outcome: Outcome) {
    let _ = NOTES.try_with(|notes| notes.borrow_mut().ended.push((name, outcome)));
}

pub fn cost(upstream_calls: u32) {
    let _ = NOTES.try_with(|notes| notes.borrow_mut().upstream_calls += upstream_calls);
}

/// Runs work of a request in another task, and returns its notes with the output. The request's task must [add] the notes.
pub async fn noted<F: Future>(work: F) -> (F::Output, Notes) {
    let noted = async { (work.await, NOTES.with(RefCell::take)) };
    NOTES.scope(RefCell::default(), noted).await
}

pub fn add(notes: Notes) {
    let _ = NOTES.try_with(|present| {
        let mut present = present.borrow_mut();
        present.ended.extend(notes.ended);
        present.upstream_calls += notes.upstream_calls;
    });
}

pub fn named(name: Option<&str>) {
    if let Some(name) = name {
        Span::current().record("operation", name);
    }
}

pub async fn watch(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let span = tracing::info_span!(
        "request",
        "otel.kind" = "server",
        "otel.status_code" = field::Empty,
        request_id = request.extensions().get().map(RequestId::as_str),
        operation = field::Empty,
    );
    traces::continue_trace(&span, request.headers());
    let mut watch = Watch::begin(metrics);
    let handled = async {
        let response = next.run(request).await;
        (response, NOTES.with(RefCell::take))
    };
    let (response, notes) = NOTES
        .scope(RefCell::default(), handled)
        .instrument(span.clone())
        .await;
    let outcome = notes.ended.last().map_or_else(
        || match response.status() {
            StatusCode::INTERNAL_SERVER_ERROR => Outcome::Failed,
            // The request was rejected before an operation started, for example for lack of body memory.
            _ => Outcome::Refused,
        },
        |(_, outcome)| *outcome,
    );
    let upstream_calls = notes.upstream_calls;
    let took = watch.end(&notes.ended, outcome);
    traces::record(&span, outcome.name(), upstream_calls);
    if outcome == Outcome::Failed {
        span.record("otel.status_code", "ERROR");
    }
    // The line has debug level, because at thousands of requests per second the lines would cost more than the responses. The
    // metrics contain the same values, and upstream failures are logged as warnings.
    span.in_scope(|| {
        tracing::debug!(
            target: "sends_graphql::sources::access",
            status = response.status().as_u16(),
            outcome = outcome.name(),
            upstream_calls,
            duration_ms = took.as_secs_f64() * 1_000.0,
            "request completed"
        );
    });
    response
}

/// Guard for a request in progress. A drop before its end counts as cancelled.
struct Watch {
    metrics: Metrics,
    started: Instant,
    has_ended: bool,
}

impl Watch {
    fn begin(metrics: Metrics) -> Self {
        metrics.request_begins();
        Self {
            metrics,
            started: Instant::now(),
            has_ended: false,
        }
    }

    fn end(&mut self, operations: &[(Option<String>, Outcome)], outcome: Outcome) -> Duration {
        self.has_ended = true;
        let took = self.started.elapsed();
        self.metrics.request_ends();
        for (name, outcome) in operations {
            self.metrics.operation_ended(name.as_deref(), *outcome, took);
        }
        if operations.is_empty() {
            self.metrics.operation_ended(None, outcome, took);
        }
        took
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(&[], Outcome::Cancelled);
        }
    }
}
