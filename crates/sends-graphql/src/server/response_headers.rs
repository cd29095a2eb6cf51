//! What every answer says to browsers: keep it to yourself, take it for what it says it is, show it in no frame.

use http::{HeaderMap, HeaderName, HeaderValue, header};

const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Where the answer does not say otherwise: pages bring a policy of their own, and what may be kept says so.
const OTHERWISE: [(HeaderName, HeaderValue); 2] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds them.
pub(super) fn add(headers: &mut HeaderMap) {
    headers.reserve(ALWAYS.len() + OTHERWISE.len());
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    for (name, value) in OTHERWISE {
        headers.entry(name).or_insert(value);
    }
}
