//! `ETag` and `If-None-Match`: a client that has the answer already gets none.
//!
//! Owns what makes two answers the same: their data. What an answer cost is beside the point.

use async_graphql::Value;
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The tag of an answer with this data. It is a weak one, since the same data may be compressed or not, and come with
/// another cost.
pub(super) fn of(data: &Value) -> Option<HeaderValue> {
    let mut hasher = blake3::Hasher::new();
    serde_json::to_writer(&mut hasher, data).ok()?;
    let hash = hasher.finalize().to_hex();
    HeaderValue::from_str(&format!("W/\"{}\"", &hash[..32])).ok()
}

/// Marks an answer with its tag, or takes its body away from a client that has it.
pub(super) fn apply(mut response: Response, tag: HeaderValue, request: &HeaderMap) -> Response {
    let is_known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| opaque(known.trim()) == opaque(tag.to_str().unwrap_or_default()));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// Both sides compare weakly.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
