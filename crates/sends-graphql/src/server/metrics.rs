//! Handler of `/metrics`, in the Prometheus text format.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use super::Service;
use crate::telemetry::metrics;

pub(super) async fn metrics(State(service): State<Service>) -> Response {
    let backend = &service.backend;
    let state = metrics::State {
        pacer: backend.client.pacer().current_state().await,
        is_upstream_down: backend.client.is_failing(),
        lookups: backend.store.lookups(),
        store: backend.store.health(),
        answers: backend.histories.counts(),
        bulkheads: service.bulkheads.all(backend.store.pools(), &backend.client),
    };
    match backend.metrics.text(&state) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!("encoding the metrics failed: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
