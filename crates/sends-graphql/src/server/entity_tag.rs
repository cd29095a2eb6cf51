//! `ETag` and `If-None-Match` headers.

use async_graphql::Value;
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::header_lists::items;

/// Returns the entity tag of response data. The tag is weak, since responses with the same data differ in compression and in the
/// reported cost.
pub(super) fn of_data(data: &Value) -> Option<HeaderValue> {
    let mut hasher = blake3::Hasher::new();
    serde_json::to_writer(&mut hasher, data).ok()?;
    let hash = hasher.finalize().to_hex();
    HeaderValue::from_str(&format!("W/\"{}\"", &hash[..32])).ok()
}

pub(super) fn of_file(content: &[u8]) -> HeaderValue {
    let hash = blake3::hash(content).to_hex();
    HeaderValue::from_str(&format!("\"{}\"", &hash[..16])).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Adds the tag to a response. Replaces the response with 304 if the client already has the content.
pub(super) fn apply(mut response: Response, tag: HeaderValue, request: &HeaderMap) -> Response {
    // Proxies that compress responses weaken the tag.
    let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
    let own = tag.to_str().map(opaque).unwrap_or_default();
    let is_current = items(request, &header::IF_NONE_MATCH)
        .any(|client_tag| client_tag == "*" || opaque(client_tag) == own);
    if is_current {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.headers_mut().insert(header::ETAG, tag);
    response
}
