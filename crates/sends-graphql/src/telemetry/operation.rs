//! One GraphQL request as the log, the metrics and the traces see it.
//!
//! Owns the span that every log line of a request stands in, the count of its end, and the one line about it. Whoever
//! executes says, from inside the request's task, the operation's [name](named) as soon as it is known and how it
//! [ended]; whoever knows the [cost] says that.

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
    /// What the present request has come to so far.
    static NOTES: RefCell<Notes>;
}

/// One operation, several of a batch, or none when the request was refused before.
#[derive(Debug, Default)]
pub struct Notes {
    ended: Vec<(Option<String>, Outcome)>,
    upstream_calls: u32,
}

/// An operation of the present request has ended so. Outside a watched request nothing is noted.
pub fn ended(name: Option<String>, outcome: Outcome) {
    let _ = NOTES.try_with(|notes| notes.borrow_mut().ended.push((name, outcome)));
}

/// So many requests were sent upstream for an operation of the present request.
pub fn cost(upstream_calls: u32) {
    let _ = NOTES.try_with(|notes| notes.borrow_mut().upstream_calls += upstream_calls);
}

/// Does work for the present request in another task, which knows nothing of the request: what is noted meanwhile comes with
/// the output, to be [added](add).
pub async fn noted<F: Future>(work: F) -> (F::Output, Notes) {
    let noted = async { (work.await, NOTES.with(RefCell::take)) };
    NOTES.scope(RefCell::default(), noted).await
}

/// Adds what was [noted] in another task.
pub fn add(notes: Notes) {
    let _ = NOTES.try_with(|present| {
        let mut present = present.borrow_mut();
        present.ended.extend(notes.ended);
        present.upstream_calls += notes.upstream_calls;
    });
}

/// From here on the lines of the present request carry this name.
pub fn named(name: Option<&str>) {
    if let Some(name) = name {
        Span::current().record("operation", name);
    }
}

/// Watches a request from its head to its response.
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
    let answered = async {
        let response = next.run(request).await;
        (response, NOTES.with(RefCell::take))
    };
    let (response, notes) = NOTES
        .scope(RefCell::default(), answered)
        .instrument(span.clone())
        .await;
    let outcome = notes.ended.last().map_or_else(
        || match response.status() {
            StatusCode::INTERNAL_SERVER_ERROR => Outcome::Failed,
            // Such as a body that there is no room for.
            _ => Outcome::Refused,
        },
        |(_, outcome)| *outcome,
    );
    let upstream_calls = notes.upstream_calls;
    let took = watch.end(&notes.ended, outcome);
    traces::tell(&span, outcome.name(), upstream_calls);
    if outcome == Outcome::Failed {
        span.record("otel.status_code", "ERROR");
    }
    // At the level of debugging, since at thousands of requests in a second the lines cost more than the answers, and the
    // metrics have the same numbers. What fails upstream is a warning of its own.
    span.in_scope(|| {
        tracing::debug!(
            target: "sends_graphql::sources::access",
            status = response.status().as_u16(),
            outcome = outcome.name(),
            upstream_calls,
            duration_ms = took.as_secs_f64() * 1_000.0,
            "answered"
        );
    });
    response
}

/// Counts a request as in progress, and as cancelled if it never ends.
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

    /// Counts these operations, or the outcome of a request that was none.
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
