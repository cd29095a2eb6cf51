//! Error responses in the documented and observed formats of their status.

use http::StatusCode;
use serde_json::{Value, json};

use super::forms::Forms;
use crate::reply::{HTML, Reply};

/// Rewrites an error, but keeps the status and, for 401 and 429, the key, because clients act on both.
pub(super) fn rewritten(forms: &mut Forms, reply: Reply) -> Reply {
    let status = reply.status;
    let found = serde_json::from_slice::<Value>(&reply.body).ok();
    let error = match found {
        Some(Value::Array(mut errors)) if !errors.is_empty() => errors.swap_remove(0),
        Some(error @ Value::Object(_)) => error,
        _ => json!({"error_key": "api.error", "error_message": "The request failed."}),
    };
    let array = || Reply::json(status, &json!([error]));
    let object = || Reply::json(status, &error);
    let gateway = |message: &str| Reply::json(status, &json!({"message": message}));
    let words = status.canonical_reason().unwrap_or("Forbidden");
    let is_of_gateway = error.get("message").is_some();
    let mut rewritten = match (status, forms.pick(&[0, 1, 2, 3, 4])) {
        (StatusCode::FORBIDDEN, 0 | 1) if is_of_gateway => gateway("Missing Authentication Token"),
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, 0) => gateway(words),
        (StatusCode::NOT_FOUND, 1) => Reply::text(status, HTML, "<html><body>404 Not Found</body></html>"),
        (StatusCode::NOT_FOUND, 2) => Reply::empty(status),
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST, 3) => array(),
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST, 4) => object(),
        _ => return reply,
    };
    let replaced: Vec<_> = rewritten.headers.iter().map(|(name, _)| name.clone()).collect();
    let others = reply
        .headers
        .into_iter()
        .filter(|(name, _)| !replaced.contains(name) && name != http::header::CONTENT_TYPE);
    rewritten.headers.extend(others);
    rewritten
}
