//! Owns who asks the API: the bearer token, what it opens, and the limits of its application. Must not know how tokens
//! are issued nor what is asked.

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

/// Whose data a request may see, and with which scopes.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) account: Arc<Account>,
    access: Arc<Access>,
}

impl Bearer {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.access.scopes.iter().any(|held| held == scope)
    }

    /// The privileges of the user, but for those that the settings take away.
    pub(crate) fn privileges<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = &'a String> {
        let held = self.account.config.privileges.iter();
        held.filter(|privilege| !settings.missing_privileges.contains(privilege))
    }

    pub(crate) fn has_privilege(&self, privilege: &str, settings: &Settings) -> bool {
        self.privileges(settings).any(|held| held == privilege)
    }
}

/// Checks the credential, and then the limits of the application it was issued to.
pub(crate) fn admit(upstream: &Upstream, settings: &Settings, parts: &Parts) -> Result<Bearer, Reply> {
    let token = token(parts).ok_or_else(errors::unauthorized)?;
    let access = upstream
        .grants
        .access(token, upstream.clock.now())
        .ok_or_else(errors::unauthorized)?;
    let account = upstream
        .account(&access.account)
        .cloned()
        .ok_or_else(errors::unauthorized)?;
    let numbers = (settings.rate_per_second, settings.rate_per_day);
    match upstream
        .limits
        .admit(&access.client_id, numbers, settings, &upstream.clock)
    {
        Verdict::Passed => Ok(Bearer { account, access }),
        Verdict::Throttled => Err(errors::throttled(settings)),
        Verdict::QuotaExceeded { seconds_left } => Err(errors::quota_exceeded(settings, seconds_left)),
    }
}

fn token(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Eight digits that tell credentials apart and cannot be turned back into one.
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
