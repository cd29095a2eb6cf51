//! Handlers of `/health/live` and `/health/ready`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use super::Service;
use crate::readiness::Status;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

pub(super) async fn live() -> Response {
    let body = Json(serde_json::json!({ "status": "live" }));
    ([(header::CACHE_CONTROL, NO_STORE)], body).into_response()
}

/// Responds with 200 if the service is ready or degraded, otherwise with 503. The body contains the reasons.
pub(super) async fn ready(State(service): State<Service>) -> Response {
    let report = service.readiness.report().await;
    let status = match report.status {
        Status::Ready | Status::Degraded => StatusCode::OK,
        Status::Unready => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [(header::CACHE_CONTROL, NO_STORE)], Json(report)).into_response()
}
