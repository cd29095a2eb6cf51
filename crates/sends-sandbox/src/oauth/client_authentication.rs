//! Authentication of applications: HTTP Basic with a secret, or the id in the body without a secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;

use crate::config::ClientConfig;
use crate::errors;
use crate::query::Query;
use crate::reply::Reply;
use crate::upstream::Upstream;

fn basic(parts: &Parts) -> Option<(String, String)> {
    let (scheme, encoded) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Returns the application id of a request that is not authenticated.
pub(super) fn claimed_id(parts: &Parts, form: &Query) -> Option<String> {
    basic(parts)
        .map(|(id, _)| id)
        .or_else(|| form.get("client_id").map(str::to_owned))
}

pub(super) fn authenticated<'a>(
    upstream: &'a Upstream,
    parts: &Parts,
    form: &Query,
) -> Result<&'a ClientConfig, Reply> {
    let (id, secret) = match basic(parts) {
        Some((id, secret)) => (id, Some(secret)),
        None if parts.headers.contains_key(AUTHORIZATION) => return Err(invalid_client()),
        None => (form.get("client_id").unwrap_or_default().to_owned(), None),
    };
    // An application without a secret must not send a secret.
    upstream
        .client(&id)
        .filter(|client| client.secret == secret)
        .ok_or_else(invalid_client)
}

fn invalid_client() -> Reply {
    errors::oauth(
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "The client is unknown or could not be authenticated.",
    )
    .with(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"oauth2\""),
    )
}
