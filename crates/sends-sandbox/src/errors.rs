//! Error responses of the upstream in each of its formats.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use crate::config::settings::{MalformedId, NotFoundBody, Settings};
use crate::reply::Reply;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

fn object(status: StatusCode, key: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error_key": key, "error_message": message}))
}

fn array(status: StatusCode, key: &str, message: &str) -> Reply {
    Reply::json(status, &json!([{"error_key": key, "error_message": message}]))
}

/// Rejects a missing, malformed, expired or revoked access token. The upstream does not distinguish these cases.
pub(crate) fn unauthorized() -> Reply {
    object(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized")
        .with(ERROR_TYPE, HeaderValue::from_static("UnauthorizedException"))
        .with(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=api.cc.email"),
        )
}

pub(crate) fn access_denied() -> Reply {
    object(
        StatusCode::FORBIDDEN,
        "access_denied",
        "Request forbidden due to insufficient user privileges.",
    )
}

pub(crate) fn gateway_forbidden() -> Reply {
    Reply::json(StatusCode::FORBIDDEN, &json!({"message": "Forbidden"}))
        .with(ERROR_TYPE, HeaderValue::from_static("ForbiddenException"))
}

pub(crate) fn throttled(settings: &Settings) -> Reply {
    let reply = object(StatusCode::TOO_MANY_REQUESTS, "throttled", "Too Many Requests");
    retry_after(reply, settings, 1)
}

pub(crate) fn quota_exceeded(settings: &Settings, seconds_left: i64) -> Reply {
    let reply = object(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", "Limit Exceeded");
    retry_after(reply, settings, seconds_left)
}

fn retry_after(reply: Reply, settings: &Settings, seconds: i64) -> Reply {
    if settings.retry_after {
        reply.with(RETRY_AFTER, HeaderValue::from(seconds))
    } else {
        reply
    }
}

/// Returns an error whose key starts with `family`, as in `contacts.api.not_found`.
pub(crate) fn not_found(settings: &Settings, family: &str) -> Reply {
    let (key, message) = (
        format!("{family}.api.not_found"),
        "The requested resource was not found.",
    );
    match settings.not_found_body {
        NotFoundBody::Array => array(StatusCode::NOT_FOUND, &key, message),
        NotFoundBody::Object => object(StatusCode::NOT_FOUND, &key, message),
        NotFoundBody::Empty => Reply::empty(StatusCode::NOT_FOUND),
    }
}

pub(crate) fn malformed_id(settings: &Settings, family: &str) -> Reply {
    match settings.malformed_id {
        MalformedId::BadRequest => bad_request(family, "The identifier is not a valid UUID."),
        MalformedId::NotFound => not_found(settings, family),
    }
}

pub(crate) fn bad_request(family: &str, message: &str) -> Reply {
    array(
        StatusCode::BAD_REQUEST,
        &format!("{family}.api.bad_request"),
        message,
    )
}

pub(crate) fn oauth(status: StatusCode, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}
