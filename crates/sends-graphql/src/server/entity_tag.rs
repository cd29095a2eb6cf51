//! `ETag` and `If-None-Match`.

use async_graphql::Value;
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::header_lists::items;

/// Tag of a GraphQL response with this data. Weak, since responses with the same data differ in their compression and in the cost
/// that they report.
pub(super) fn of_data(data: &Value) -> Option<HeaderValue> {
    let mut hasher = blake3::Hasher::new();
    serde_json::to_writer(&mut hasher, data).ok()?;
    let hash = hasher.finalize().to_hex();
    HeaderValue::from_str(&format!("W/\"{}\"", &hash[..32])).ok()
}

/// Tag of a file with this content.
pub(super) fn of_file(content: &[u8]) -> HeaderValue {
    let hash = blake3::hash(content).to_hex();
    HeaderValue::from_str(&format!("\"{}\"", &hash[..16])).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Adds a tag to a response, and replaces it by 304 for a client that has the content.
pub(super) fn apply(mut response: Response, tag: HeaderValue, request: &HeaderMap) -> Response {
    // Proxies that compress weaken a tag.
    let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
    let own = tag.to_str().map(opaque).unwrap_or_default();
    let is_current = items(request, &header::IF_NONE_MATCH).any(|known| known == "*" || opaque(known) == own);
    if is_current {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.headers_mut().insert(header::ETAG, tag);
    response
}
