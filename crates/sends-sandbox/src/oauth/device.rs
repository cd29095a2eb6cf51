//! Start of the device flow: the codes, and the page for the user.

use http::StatusCode;
use http::header::HOST;
use http::request::Parts;
use serde_json::json;

use super::{ACTIVATE, escaped, invalid_request, login_account, scopes};
use crate::config::settings::Settings;
use crate::errors;
use crate::query::Query;
use crate::reply::{HTML, Reply};
use crate::upstream::Upstream;

pub(super) fn authorize(
    upstream: &Upstream,
    settings: &Settings,
    parts: &Parts,
    form: &Query,
) -> Result<Reply, Reply> {
    let client = form
        .get("client_id")
        .and_then(|id| upstream.client(id))
        .ok_or_else(|| {
            errors::oauth(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "The client is not known.",
            )
        })?;
    let scopes = scopes(form).filter(|scopes| !scopes.is_empty()).ok_or_else(|| {
        errors::oauth(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            "One or more scopes are not known.",
        )
    })?;
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.ok_or_else(|| invalid_request("A Host header is expected."))?;
    let (device_code, user_code) =
        upstream
            .grants
            .begin_device(&client.id, scopes, settings, upstream.clock.now());
    Ok(Reply::ok(&json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": format!("http://{host}{ACTIVATE}"),
        "verification_uri_complete": format!("http://{host}{ACTIVATE}?user_code={user_code}"),
        "expires_in": settings.device_expires_in,
        "interval": settings.device_interval,
    })))
}

pub(super) fn activate(upstream: &Upstream, settings: &Settings, query: &Query) -> Reply {
    let page = |text: String| {
        Reply::text(
            StatusCode::OK,
            HTML,
            format!("<!doctype html><title>Device</title>{text}"),
        )
    };
    let Some(user_code) = query.get("user_code") else {
        return page(format!(
            r#"<form action="{ACTIVATE}">Code: <input name="user_code"><button>Next</button></form>"#
        ));
    };
    let account = match query.get("decision") {
        Some("approve") => login_account(upstream, settings),
        Some(_) => None,
        None => {
            let code = escaped(user_code);
            return page(format!(
                r#"<form action="{ACTIVATE}"><input type="hidden" name="user_code" value="{code}">
<p>Allow the device that shows {code}? This is a sandbox, and everything in it is invented.</p>
<button name="decision" value="approve">Allow</button> <button name="decision" value="deny">Deny</button></form>"#
            ));
        }
    };
    if upstream.grants.decide(user_code, account) {
        page("<p>Done. You can go back to the device.</p>".to_owned())
    } else {
        Reply::text(
            StatusCode::NOT_FOUND,
            HTML,
            "<!doctype html><title>404</title><p>No device has this code.",
        )
    }
}
