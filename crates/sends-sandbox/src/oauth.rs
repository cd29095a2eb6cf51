//! Owns the OAuth endpoints: authorize, token, device, and the page a device's user opens. Must not know the API's data.

mod authorize;
mod client_authentication;
mod device;
pub(crate) mod grants;
mod jwt;
mod token;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode};
use url::form_urlencoded;

use crate::config::EVERY_SCOPE;
use crate::config::settings::Settings;
use crate::errors;
use crate::limits::Verdict;
use crate::reply::Reply;
use crate::upstream::Upstream;

const AUTHORIZE: &str = "/oauth2/default/v1/authorize";
const TOKEN: &str = "/oauth2/default/v1/token";
const DEVICE: &str = "/oauth2/default/v1/device/authorize";
const ACTIVATE: &str = "/oauth2/default/v1/activate";

/// The name under which requests to a path are counted.
pub(crate) fn endpoint(path: &str) -> &'static str {
    match path {
        AUTHORIZE => "authorize",
        TOKEN => "token",
        DEVICE => "device_authorize",
        ACTIVATE => "activate",
        _ => "unknown",
    }
}

/// The names of a query's parameters: their values may be codes and tokens, which the log must not hold.
pub(crate) fn names(query: &str) -> String {
    let names: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect();
    names.join("&")
}

/// Names and values of a form or a query.
#[derive(Debug)]
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    fn of_query(parts: &Parts) -> Self {
        Self::parse(parts.uri.query().unwrap_or_default().as_bytes())
    }

    /// The parameters of the body, and those of the query after them: the real endpoints take both.
    fn of_request(parts: &Parts, body: &Bytes) -> Self {
        let mut form = Self::parse(body);
        form.0.extend(Self::of_query(parts).0);
        form
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Holds the token endpoint to its own limit.
pub(crate) fn admit(
    upstream: &Upstream,
    settings: &Settings,
    parts: &Parts,
    body: &Bytes,
) -> Result<(), Reply> {
    if parts.uri.path() != TOKEN {
        return Ok(());
    }
    let client_id =
        client_authentication::claimed_id(parts, &Form::of_request(parts, body)).unwrap_or_default();
    let numbers = (settings.token_rate_per_second, 0);
    match upstream
        .token_limits
        .admit(&client_id, numbers, settings, &upstream.clock)
    {
        Verdict::Passed => Ok(()),
        Verdict::Throttled | Verdict::QuotaExceeded { .. } => Err(errors::throttled(settings)),
    }
}

pub(crate) fn answer(upstream: &Upstream, settings: &Settings, parts: &Parts, body: &Bytes) -> Reply {
    let is_form = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|content_type| content_type.to_str().ok())
        .is_some_and(|content_type| content_type.starts_with("application/x-www-form-urlencoded"));
    let answered = match (&parts.method, parts.uri.path()) {
        (&Method::GET, AUTHORIZE) => Ok(authorize::answer(upstream, settings, &Form::of_query(parts))),
        (&Method::GET, ACTIVATE) => Ok(device::activate(upstream, settings, &Form::of_query(parts))),
        (&Method::POST, TOKEN | DEVICE) if !is_form && !body.is_empty() => {
            Err(invalid_request("A form body is expected."))
        }
        (&Method::POST, TOKEN) => token::answer(upstream, settings, parts, &Form::of_request(parts, body)),
        (&Method::POST, DEVICE) => {
            device::authorize(upstream, settings, parts, &Form::of_request(parts, body))
        }
        // There is no discovery document either.
        _ => Ok(Reply::empty(StatusCode::NOT_FOUND)),
    };
    answered.unwrap_or_else(|error| error)
}

fn invalid_request(description: &str) -> Reply {
    errors::oauth(StatusCode::BAD_REQUEST, "invalid_request", description)
}

/// The scopes asked for, if all of them exist.
fn scopes(form: &Form) -> Option<Vec<String>> {
    let scopes: Vec<String> = form
        .get("scope")
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    scopes
        .iter()
        .all(|scope| EVERY_SCOPE.contains(&scope.as_str()))
        .then_some(scopes)
}

/// The account that a login opens: one asked for by name, else the one set, else the first.
fn login_account(upstream: &Upstream, settings: &Settings, hint: Option<&str>) -> Option<String> {
    let named = hint.or(settings.login_account.as_deref());
    let account = match named {
        Some(name) => upstream.account(name),
        None => upstream.accounts.first(),
    };
    account.map(|account| account.config.name.clone())
}

/// Text made safe for an HTML page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
