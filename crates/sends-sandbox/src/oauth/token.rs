//! Owns the token endpoint: the three grants and their errors. Must not know how tokens are kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::client_authentication::authenticated;
use super::grants::{Code, Issued, Poll};
use super::{Form, invalid_request, login_account};
use crate::config::settings::Settings;
use crate::errors;
use crate::reply::Reply;
use crate::upstream::Upstream;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn answer(
    upstream: &Upstream,
    settings: &Settings,
    parts: &Parts,
    form: &Form,
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
            let account = login_account(upstream, settings, None);
            match upstream
                .grants
                .poll(required("device_code")?, &client.id, account, settings, now)
            {
                Poll::Approved(grant) => upstream.grants.issue(grant, settings, now),
                Poll::Pending => {
                    return Err(waiting("authorization_pending", "The user has not decided yet."));
                }
                Poll::SlowDown => return Err(waiting("slow_down", "Poll five seconds less often.")),
                Poll::Expired => return Err(waiting("expired_token", "The device code has expired.")),
                Poll::Denied => return Err(waiting("access_denied", "The user said no.")),
                Poll::Unknown => return Err(invalid_grant("The device code is not known.")),
            }
        }
        _ => {
            let description = "The grant type is not supported.";
            return Err(errors::oauth(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                description,
            ));
        }
    };
    Ok(tokens(issued, settings))
}

impl Code {
    /// Whether a request is the one the code was promised to: the same redirect URI, and the verifier of its challenge.
    fn fits(&self, form: &Form) -> bool {
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
    errors::oauth(StatusCode::BAD_REQUEST, "invalid_grant", description)
}

fn waiting(error: &str, description: &str) -> Reply {
    errors::oauth(StatusCode::BAD_REQUEST, error, description)
}
