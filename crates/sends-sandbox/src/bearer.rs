//! Bearer token of a request: authentication, rights and rate limits.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::config::settings::Settings;
use crate::data::account::Account;
use crate::errors;
use crate::limits::Verdict;
use crate::oauth::grants::Access;
use crate::reply::Reply;
use crate::upstream::Upstream;

#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) account: Arc<Account>,
    access: Arc<Access>,
}

impl Bearer {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.access.grant.scopes.iter().any(|granted| granted == scope)
    }

    pub(crate) fn privileges<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = &'a String> {
        let privileges = self.account.config.privileges.iter();
        privileges.filter(|privilege| !settings.missing_privileges.contains(privilege))
    }

    pub(crate) fn has_privilege(&self, privilege: &str, settings: &Settings) -> bool {
        self.privileges(settings).any(|granted| granted == privilege)
    }
}

/// Checks the token, and then the rate limits of its application.
pub(crate) fn admit(upstream: &Upstream, settings: &Settings, parts: &Parts) -> Result<Bearer, Reply> {
    let token = token(parts).ok_or_else(errors::unauthorized)?;
    let access = upstream
        .grants
        .access(token, upstream.clock.now())
        .ok_or_else(errors::unauthorized)?;
    let account = upstream
        .account(&access.grant.account)
        .cloned()
        .ok_or_else(errors::unauthorized)?;
    let rates = (settings.rate_per_second, settings.rate_per_day);
    let client_id = &access.grant.client_id;
    match upstream.limits.admit(client_id, rates, settings, &upstream.clock) {
        Verdict::Passed => Ok(Bearer { account, access }),
        Verdict::Throttled => Err(errors::throttled(settings)),
        Verdict::QuotaExceeded { seconds_left } => Err(errors::quota_exceeded(settings, seconds_left)),
    }
}

fn token(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Returns eight digits that identify the credential without revealing it.
pub(crate) fn fingerprint(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(AUTHORIZATION)?;
    let bytes = header.as_bytes();
    let credential = bytes
        .iter()
        .position(|byte| *byte == b' ')
        .map_or(bytes, |space| &bytes[space + 1..]);
    Some(fingerprint_of(credential))
}

pub(crate) fn fingerprint_of(credential: &[u8]) -> String {
    format!("{:08x}", digest(credential) >> 32)
}

pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
