//! `/metrics`, for Prometheus and what reads its format.
//!
//! Must not know what is counted.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use super::Service;
use crate::telemetry::metrics;

/// All metrics at this moment.
pub(super) async fn metrics(State(service): State<Service>) -> Response {
    let state = metrics::State {
        pacer: service.client.pacer().current_state().await,
        left_alone: service.client.left_alone_for().is_some(),
        lookups: service.store.lookups(),
        store: service.store.health(),
        answers: service.histories.counts(),
        bulkheads: service.bulkheads.all(service.store.pools(), &service.client),
    };
    match service.metrics.text(&state) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!("the metrics cannot be written: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
