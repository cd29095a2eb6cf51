//! Checks of the caller: API key and CSRF protection.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, StatusCode};

use super::{
    media_type::{self, MediaType},
    rejection::Rejection,
};
use crate::api_keys::ApiKeys;
use crate::schema::ErrorCode;

/// Header of the API key. `Authorization` is reserved for tokens of Constant Contact.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Request headers that force a CORS preflight. Common GraphQL clients send most of them anyway; `graphql-require-preflight` has
/// no other purpose.
pub(super) const FORCING_PREFLIGHT: [HeaderName; 4] = [
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
    API_KEY,
];

pub(super) fn check_key(keys: Option<&ApiKeys>, headers: &HeaderMap) -> Result<(), Rejection> {
    let Some(keys) = keys else { return Ok(()) };
    let mut values = headers.get_all(API_KEY).iter();
    match (values.next(), values.next()) {
        (Some(key), None) if keys.admit(key.as_bytes()) => Ok(()),
        (None, _) => Err(unauthenticated(
            "The API key is missing; send it as `X-API-Key: …`.",
        )),
        _ => Err(unauthenticated("The API key is not valid.")),
    }
}

pub(super) async fn require_key(
    State(keys): State<Option<Arc<ApiKeys>>>,
    request: Request,
    next: Next,
) -> Response {
    match check_key(keys.as_deref(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(rejection) => rejection.into_response(MediaType::Json),
    }
}

fn unauthenticated(message: &str) -> Rejection {
    Rejection::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, message)
}

/// Rejects a GET request that a cross-origin page could send without a preflight. A POST request always requires a preflight,
/// since its body must be JSON.
pub(super) fn check_preflight(headers: &HeaderMap) -> Result<(), Rejection> {
    let forces = |name: &HeaderName| headers.get(name).is_some_and(|value| !value.is_empty());
    if !media_type::is_simple_body(headers) || FORCING_PREFLIGHT.iter().any(forces) {
        return Ok(());
    }
    Err(Rejection::new(
        StatusCode::FORBIDDEN,
        ErrorCode::RequestRefused,
        "A web page of another origin could make a browser send this GET; add the header GraphQL-Require-Preflight: 1, as in: curl -G \
         -H 'GraphQL-Require-Preflight: 1' --data-urlencode 'query={ __typename }' URL. Or send the operation with POST and \
         content-type: application/json.",
    ))
}
