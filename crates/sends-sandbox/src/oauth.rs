//! OAuth endpoints: authorize, token, device, and the page for the user of a device.

mod authorize;
mod client_authentication;
mod device;
pub(crate) mod grants;
mod jwt;
mod token;

use crate::config::EVERY_SCOPE;
use crate::config::settings::Settings;
use crate::errors;
use crate::limits::Verdict;
use crate::query::Query;
use crate::reply::Reply;
use crate::upstream::Upstream;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode};

const AUTHORIZE: &str = "/oauth2/default/v1/authorize";
const TOKEN: &str = "/oauth2/default/v1/token";
const DEVICE: &str = "/oauth2/default/v1/device/authorize";
const ACTIVATE: &str = "/oauth2/default/v1/activate";

pub(crate) fn endpoint(path: &str) -> &'static str {
    match path {
        AUTHORIZE => "authorize",
        TOKEN => "token",
        DEVICE => "device_authorize",
        ACTIVATE => "activate",
        _ => "unknown",
    }
}

/// Returns the names of a query's parameters. The values may be codes and tokens, which must not be logged.
pub(crate) fn names(query: &str) -> String {
    let parameters = Query::parse(query.as_bytes()).0;
    let names: Vec<_> = parameters.into_iter().map(|(name, _)| name).collect();
    names.join("&")
}

fn query(parts: &Parts) -> Query {
    Query::parse(parts.uri.query().unwrap_or_default().as_bytes())
}

/// Returns the parameters of the body, followed by those of the query, because the real endpoints accept both.
fn form(parts: &Parts, body: &Bytes) -> Query {
    let mut form = Query::parse(body);
    form.0.extend(query(parts).0);
    form
}

pub(crate) fn admit(
    upstream: &Upstream,
    settings: &Settings,
    parts: &Parts,
    body: &Bytes,
) -> Result<(), Reply> {
    if parts.uri.path() != TOKEN {
        return Ok(());
    }
    let client_id = client_authentication::claimed_id(parts, &form(parts, body)).unwrap_or_default();
    let rates = (settings.token_rate_per_second, 0);
    let limits = &upstream.token_limits;
    match limits.admit(&client_id, rates, settings, &upstream.clock) {
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
        (&Method::GET, AUTHORIZE) => Ok(authorize::answer(upstream, settings, &query(parts))),
        (&Method::GET, ACTIVATE) => Ok(device::activate(upstream, settings, &query(parts))),
        (&Method::POST, TOKEN | DEVICE) if !is_form && !body.is_empty() => {
            Err(invalid_request("A form body is expected."))
        }
        (&Method::POST, TOKEN) => token::answer(upstream, settings, parts, &form(parts, body)),
        (&Method::POST, DEVICE) => device::authorize(upstream, settings, parts, &form(parts, body)),
        // The discovery document does not exist either.
        _ => Ok(Reply::empty(StatusCode::NOT_FOUND)),
    };
    answered.unwrap_or_else(|error| error)
}

fn invalid_request(description: &str) -> Reply {
    errors::oauth(StatusCode::BAD_REQUEST, "invalid_request", description)
}

fn scopes(form: &Query) -> Option<Vec<String>> {
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

/// Returns the account of a login: the account in the settings, else the first account.
fn login_account(upstream: &Upstream, settings: &Settings) -> Option<String> {
    let account = match settings.login_account.as_deref() {
        Some(name) => upstream.account(name),
        None => upstream.accounts.first(),
    };
    account.map(|account| account.config.name.clone())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
