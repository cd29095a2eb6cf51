//! Owns the control requests about tokens and devices. Must not know how tokens are kept.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Refusal, account};
use crate::config::EVERY_SCOPE;
use crate::oauth::grants::Grant;
use crate::upstream::Upstream;

/// The tokens to be issued without a login.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issue {
    account: Option<String>,
    client_id: Option<String>,
    scopes: Option<Vec<String>>,
    expires_in: Option<u32>,
}

pub(super) fn issue(upstream: &Upstream, asked: Issue) -> Answered {
    let account = account(upstream, asked.account.as_deref())?.config.name.clone();
    let client = match &asked.client_id {
        Some(id) => upstream.client(id),
        None => upstream.config.clients.first(),
    };
    let client_id = client
        .ok_or_else(|| Refusal::missing(&"there is no such client"))?
        .id
        .clone();
    let scopes = asked
        .scopes
        .unwrap_or_else(|| EVERY_SCOPE.map(str::to_owned).to_vec());
    let mut settings = (*upstream.settings()).clone();
    settings.expires_in = asked.expires_in.unwrap_or(settings.expires_in);
    let issued = upstream.grants.issue(
        Grant {
            account,
            client_id,
            scopes,
        },
        &settings,
        upstream.clock.now(),
    );
    Ok(json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": settings.expires_in,
    }))
}

/// Which tokens to revoke: those that match everything given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    token: Option<String>,
    fingerprint: Option<String>,
    account: Option<String>,
    client_id: Option<String>,
    /// `access` or `refresh`.
    kind: Option<String>,
}

pub(super) fn revoke(upstream: &Upstream, asked: &Revoke) -> Value {
    let fits = |wanted: &Option<String>, held: &str| wanted.as_deref().is_none_or(|wanted| wanted == held);
    let revoked = upstream.grants.revoke(|token| {
        fits(&asked.token, token.token)
            && fits(&asked.account, token.account)
            && fits(&asked.client_id, token.client_id)
            && fits(&asked.kind, token.kind)
            && asked
                .fingerprint
                .as_ref()
                .is_none_or(|wanted| *wanted == token.fingerprint())
    });
    json!({"revoked": revoked})
}

/// What the user of a device decides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceDecision {
    user_code: String,
    approve: bool,
    account: Option<String>,
}

pub(super) fn decide(upstream: &Upstream, decision: &DeviceDecision) -> Answered {
    let account = account(upstream, decision.account.as_deref())?
        .config
        .name
        .clone();
    if upstream
        .grants
        .decide(&decision.user_code, decision.approve.then_some(account))
    {
        Ok(Value::Null)
    } else {
        Err(Refusal::missing(&"no device shows this code"))
    }
}
