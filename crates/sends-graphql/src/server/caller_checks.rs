//! Who may ask: the caller's key, and whether a web page could have made the caller's browser ask.
//!
//! Owns the two checks. Must not know what is asked.

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

/// Where callers put their key. `Authorization` is for tokens of Constant Contact, in the mode where callers bring them.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Headers that make a browser ask for permission before it sends a request to another origin. The names are those that
/// GraphQL clients send already, and one that says what it is for.
pub(super) const FORCING_PREFLIGHT: [HeaderName; 4] = [
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
    API_KEY,
];

/// Refuses a caller without one of the keys, when there are any.
pub(super) fn check_key(keys: Option<&ApiKeys>, headers: &HeaderMap) -> Result<(), Rejection> {
    let Some(keys) = keys else { return Ok(()) };
    let mut values = headers.get_all(API_KEY).iter();
    match (values.next(), values.next()) {
        (Some(key), None) if keys.admit(key.as_bytes()) => Ok(()),
        (None, _) => Err(unauthenticated(
            "Send your key for this service as `X-API-Key: …`.",
        )),
        _ => Err(unauthenticated("This is no key of this service.")),
    }
}

/// The same for a route that is no GraphQL.
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

/// Refuses a GET that a page of another origin can make a browser send without asking first, whatever the browser says
/// about itself. A POST must be JSON, which no page can send like this.
pub(super) fn check_preflight(headers: &HeaderMap) -> Result<(), Rejection> {
    let forces = |name: &HeaderName| headers.get(name).is_some_and(|value| !value.is_empty());
    if !media_type::is_simple_body(headers) || FORCING_PREFLIGHT.iter().any(forces) {
        return Ok(());
    }
    Err(Rejection::new(
        StatusCode::FORBIDDEN,
        ErrorCode::RequestRefused,
        "A web page elsewhere could make a browser send this GET; add the header GraphQL-Require-Preflight: 1, as in: curl -G \
         -H 'GraphQL-Require-Preflight: 1' --data-urlencode 'query={ __typename }' URL. Or send the operation with POST and \
         content-type: application/json.",
    ))
}
