//! Authorize endpoint: a redirect with a code, or a page for approval.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use url::Url;

use super::grants::Grant;
use super::{AUTHORIZE, escaped, login_account, scopes};
use crate::config::ClientConfig;
use crate::config::settings::Settings;
use crate::query::Query;
use crate::reply::{HTML, Reply};
use crate::upstream::Upstream;

const DECISION: &str = "decision";

pub(super) fn answer(upstream: &Upstream, settings: &Settings, query: &Query) -> Reply {
    let client = query.get("client_id").and_then(|id| upstream.client(id));
    let Some(client) = client else {
        return refused("The application is not known.");
    };
    let redirect_uri = query.get("redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let Some(redirect_uri) = redirect_uri.filter(is_loopback) else {
        return refused("The redirect URI is not a loopback address.");
    };
    if let Some((error, description)) = problem(client, query) {
        return redirect_error(redirect_uri, error, description, query);
    }
    let account = login_account(upstream, settings);
    let (Some(account), Some(scopes)) = (account, scopes(query)) else {
        return redirect_error(redirect_uri, "access_denied", "There is no such account.", query);
    };
    match query.get(DECISION) {
        Some("deny") => redirect_error(
            redirect_uri,
            "access_denied",
            "The user denied the request.",
            query,
        ),
        None if settings.authorize_page => page(client, &account, query),
        _ => {
            let grant = Grant {
                account,
                client_id: client.id.clone(),
                scopes,
            };
            let uri = query.get("redirect_uri").unwrap_or_default();
            let code =
                upstream
                    .grants
                    .issue_code(grant, uri, query.get("code_challenge"), upstream.clock.now());
            redirect(redirect_uri, &[("code", &code)], query)
        }
    }
}

fn problem(client: &ClientConfig, query: &Query) -> Option<(&'static str, &'static str)> {
    if query.get("response_type") != Some("code") {
        return Some((
            "unsupported_response_type",
            "Only response_type=code is supported.",
        ));
    }
    if scopes(query).is_none_or(|scopes| scopes.is_empty()) {
        return Some(("invalid_scope", "One or more scopes are not known."));
    }
    match (query.get("code_challenge"), query.get("code_challenge_method")) {
        (None, _) if client.secret.is_none() => {
            Some(("invalid_request", "PKCE is required for this application."))
        }
        (Some(_), method) if method != Some("S256") => {
            Some(("invalid_request", "Only code_challenge_method=S256 is supported."))
        }
        _ => None,
    }
}

/// Returns whether a redirect URI is a loopback address. The real upstream instead checks that the URI is registered.
fn is_loopback(uri: &Url) -> bool {
    let host = uri.host_str().unwrap_or_default();
    matches!(uri.scheme(), "http" | "https") && matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn redirect_error(uri: Url, error: &str, description: &str, query: &Query) -> Reply {
    redirect(
        uri,
        &[("error", error), ("error_description", description)],
        query,
    )
}

fn redirect(mut uri: Url, parameters: &[(&str, &str)], query: &Query) -> Reply {
    uri.query_pairs_mut().extend_pairs(parameters);
    if let Some(state) = query.get("state") {
        uri.query_pairs_mut().append_pair("state", state);
    }
    match HeaderValue::try_from(uri.as_str()) {
        Ok(location) => Reply::empty(StatusCode::FOUND).with(LOCATION, location),
        Err(_) => refused("The redirect URI cannot be put into a header."),
    }
}

fn refused(reason: &str) -> Reply {
    Reply::text(
        StatusCode::BAD_REQUEST,
        HTML,
        format!("<!doctype html><title>400</title><p>{}", escaped(reason)),
    )
}

fn page(client: &ClientConfig, account: &str, query: &Query) -> Reply {
    let hidden = query.0.iter().fold(String::new(), |hidden, (name, value)| {
        hidden
            + r#"<input type="hidden" name=""#
            + &escaped(name)
            + r#"" value=""#
            + &escaped(value)
            + r#"">"#
    });
    let (client, account) = (escaped(&client.id), escaped(account));
    let scope = escaped(query.get("scope").unwrap_or_default());
    let body = format!(
        r#"<!doctype html><title>Allow access?</title>
<h1>Allow access?</h1>
<p>This is a sandbox, and everything in it is invented. <b>{client}</b> asks to use the account <b>{account}</b>: {scope}</p>
<form action="{AUTHORIZE}">{hidden}<button name="{DECISION}" value="approve">Allow</button>
<button name="{DECISION}" value="deny">Deny</button></form>"#
    );
    Reply::text(StatusCode::OK, HTML, body)
}
