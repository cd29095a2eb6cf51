//! Token endpoint with its three grants.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::client_authentication::authenticated;
use super::grants::{Code, Issued};
use super::{invalid_request, login_account};
use crate::config::settings::Settings;
use crate::errors;
use crate::query::Query;
use crate::reply::Reply;
use crate::upstream::Upstream;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn answer(
    upstream: &Upstream,
    settings: &Settings,
    parts: &Parts,
    form: &Query,
) -> Result<Reply, Reply> {
    let client = authenticated(upstream, parts, form)?;
    let now = upstream.clock.now();
    let required = |name: &str| {
        form.get(name)
            .ok_or_else(|| invalid_request(&format!("{name} is missing.")))
    };
    let issued = match required("grant_type")? {
        "authorization_code" => {
            let code = upstream.grants.redeem(required("code")?, now);
            let code = code.filter(|code| code.grant.client_id == client.id && code.fits(form));
            let code = code.ok_or_else(|| {
                invalid_grant("The authorization code is invalid, expired, used, or not this request's.")
            })?;
            upstream.grants.issue(code.grant, settings, now)
        }
        "refresh_token" => upstream
            .grants
            .refresh(required("refresh_token")?, &client.id, settings, now)
            .ok_or_else(|| invalid_grant("The refresh token is invalid or expired."))?,
        DEVICE_GRANT => {
            let account = login_account(upstream, settings);
            let grant = upstream
                .grants
                .poll(required("device_code")?, &client.id, account, settings, now)
                .map_err(|(error, description)| bad_request(error, description))?;
            upstream.grants.issue(grant, settings, now)
        }
        _ => {
            return Err(bad_request(
                "unsupported_grant_type",
                "The grant type is not supported.",
            ));
        }
    };
    Ok(tokens(issued, settings))
}

impl Code {
    /// Returns whether a request has the redirect URI of the code and the verifier of its challenge.
    fn fits(&self, form: &Query) -> bool {
        let verified = match (&self.challenge, form.get("code_verifier")) {
            (None, _) => true,
            (Some(challenge), Some(verifier)) => {
                URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == *challenge
            }
            (Some(_), None) => false,
        };
        verified && form.get("redirect_uri") == Some(&self.redirect_uri)
    }
}

fn tokens(issued: Issued, settings: &Settings) -> Reply {
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": settings.expires_in,
        "access_token": issued.access_token,
        "scope": issued.scopes.join(" "),
    });
    if let Some(refresh_token) = issued.refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    Reply::ok(&body).with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

fn invalid_grant(description: &str) -> Reply {
    bad_request("invalid_grant", description)
}

fn bad_request(error: &str, description: &str) -> Reply {
    errors::oauth(StatusCode::BAD_REQUEST, error, description)
}
