//! The routes of the service and the limits on what may come in.

mod graphiql;
mod graphql;
mod health;
mod metrics;

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware, routing};
use sends_client::{Clock, ConstantContact};
use sends_store::Store;
use tower_http::limit::RequestBodyLimitLayer;

use crate::{
    access::Access,
    execution::Executor,
    histories::Histories,
    readiness::Readiness,
    telemetry::{metrics::Metrics, operation},
};

/// The largest request body, in bytes.
const MAX_REQUEST_BODY: usize = 1 << 20;

/// What every request can use.
#[derive(Clone)]
pub struct Service {
    /// What operations are executed against.
    pub schema: Executor,
    /// Reads histories.
    pub histories: Histories,
    /// Whose data a request reads.
    pub access: Access,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// How long one operation waits for the upstream.
    pub request_timeout: Duration,
    /// Whether the service can answer.
    pub readiness: Readiness,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether the metrics may be read.
    pub show_metrics: bool,
    /// The client of the upstream, to be looked at and not to be used.
    pub client: ConstantContact,
    /// Where answers are kept, to be looked at and not to be used.
    pub store: Arc<dyn Store>,
    /// Whether the data is the embedded sandbox's, and so invented.
    pub sandbox: bool,
    /// Whether there is a page to explore the schema with.
    pub graphiql: bool,
}

/// All routes of the service.
pub fn router(service: Service) -> Router {
    let watched = middleware::from_fn_with_state(service.metrics.clone(), operation::watch);
    let metrics = if service.show_metrics {
        Router::new().route("/metrics", routing::get(metrics::metrics))
    } else {
        Router::new()
    };
    let page = if service.graphiql {
        graphiql::routes(service.sandbox)
    } else {
        Router::new()
    };
    Router::new()
        .merge(metrics)
        .route("/health/live", routing::get(health::live))
        .route("/health/ready", routing::get(health::ready))
        .route("/graphql", routing::post(graphql::answer).layer(watched))
        .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
        .with_state(service)
        .merge(page)
}
