//! `/health/live` and `/health/ready`, for whatever restarts the service and whatever sends it traffic.
//!
//! Must not know what makes the service ready.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use super::Service;
use crate::readiness::Status;

const NEVER_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// The process works, if it can say so.
pub(super) async fn live() -> Response {
    let body = Json(serde_json::json!({ "status": "live" }));
    ([(header::CACHE_CONTROL, NEVER_KEPT)], body).into_response()
}

/// 200 when the service should get traffic, 503 and the reasons when it should not.
pub(super) async fn ready(State(service): State<Service>) -> Response {
    let report = service.readiness.report().await;
    let status = match report.status {
        Status::Ready | Status::Degraded => StatusCode::OK,
        Status::Unready => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [(header::CACHE_CONTROL, NEVER_KEPT)], Json(report)).into_response()
}
