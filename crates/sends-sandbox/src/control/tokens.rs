//! Control requests about tokens and devices.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Refusal, account};
use crate::bearer::fingerprint_of;
use crate::config::EVERY_SCOPE;
use crate::oauth::grants::Grant;
use crate::upstream::Upstream;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issue {
    account: Option<String>,
    client_id: Option<String>,
    scopes: Option<Vec<String>>,
    expires_in: Option<u32>,
}

pub(super) fn issue(upstream: &Upstream, request: Issue) -> Answered {
    let account = account(upstream, request.account.as_deref())?.config.name.clone();
    let client = match &request.client_id {
        Some(id) => upstream.client(id),
        None => upstream.config.clients.first(),
    };
    let client = client.ok_or_else(|| Refusal::missing(&"unknown client"))?;
    let grant = Grant {
        account,
        client_id: client.id.clone(),
        scopes: request
            .scopes
            .unwrap_or_else(|| EVERY_SCOPE.map(str::to_owned).to_vec()),
    };
    let mut settings = (*upstream.settings()).clone();
    settings.expires_in = request.expires_in.unwrap_or(settings.expires_in);
    let issued = upstream.grants.issue(grant, &settings, upstream.clock.now());
    Ok(json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": settings.expires_in,
    }))
}

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

pub(super) fn revoke(upstream: &Upstream, request: &Revoke) -> Value {
    let fits = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
    let revoked = upstream.grants.revoke(|token, grant, kind| {
        fits(&request.token, token)
            && fits(&request.account, &grant.account)
            && fits(&request.client_id, &grant.client_id)
            && fits(&request.kind, kind)
            && fits(&request.fingerprint, &fingerprint_of(token.as_bytes()))
    });
    json!({"revoked": revoked})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceDecision {
    user_code: String,
    approve: bool,
    account: Option<String>,
}

/// Approves or denies a device in place of its user.
pub(super) fn decide(upstream: &Upstream, decision: &DeviceDecision) -> Answered {
    let account = &account(upstream, decision.account.as_deref())?.config.name;
    let approved = decision.approve.then(|| account.clone());
    if upstream.grants.decide(&decision.user_code, approved) {
        Ok(Value::Null)
    } else {
        Err(Refusal::missing(&"no device has this user code"))
    }
}
