//! Access tokens, refresh tokens, authorization codes and device codes, each with its expiry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::jwt;
use crate::clock::Moment;
use crate::config::AccessTokenConfig;
use crate::config::settings::{RefreshTokens, Settings};
use crate::lock::locked;

const CODE_SECONDS: i64 = 300;
const UNUSED_SECONDS: i64 = 180 * 86_400;

#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) grant: Grant,
    expires_at: Option<Moment>,
}

#[derive(Debug)]
struct Refresh {
    grant: Grant,
    used_at: Moment,
}

#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    expires_at: Moment,
}

#[derive(Debug)]
struct Device {
    client_id: String,
    user_code: String,
    scopes: Vec<String>,
    decision: Decision,
    expires_at: Moment,
    interval_seconds: u32,
    last_poll: Option<Moment>,
    polls: u32,
}

#[derive(Clone, Debug)]
enum Decision {
    Pending,
    Approved { account: String },
    Denied,
}

/// OAuth error code and its description.
pub(crate) type PollError = (&'static str, &'static str);

#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug, Default)]
struct Store {
    access: HashMap<String, Arc<Access>>,
    refresh: HashMap<String, Refresh>,
    codes: HashMap<String, Code>,
    devices: HashMap<String, Device>,
}

#[derive(Debug)]
pub(crate) struct Grants(Mutex<Store>);

impl Grants {
    pub(crate) fn new(fixed: &[AccessTokenConfig]) -> Self {
        let grants = Self(Mutex::default());
        grants.restore(fixed);
        grants
    }

    /// Restores fixed tokens that were revoked. Issued tokens are not affected.
    pub(crate) fn restore(&self, fixed: &[AccessTokenConfig]) {
        let mut store = locked(&self.0);
        for fixed in fixed {
            let access = Access {
                grant: Grant {
                    account: fixed.account.clone(),
                    client_id: fixed.client_id.clone(),
                    scopes: fixed.scopes.clone(),
                },
                expires_at: None,
            };
            store.access.insert(fixed.token.clone(), Arc::new(access));
        }
    }

    pub(crate) fn access(&self, token: &str, now: Moment) -> Option<Arc<Access>> {
        let store = locked(&self.0);
        let access = store.access.get(token)?;
        access
            .expires_at
            .is_none_or(|expires_at| now < expires_at)
            .then(|| Arc::clone(access))
    }

    pub(crate) fn issue(&self, grant: Grant, settings: &Settings, now: Moment) -> Issued {
        let mut store = locked(&self.0);
        let is_renewable = grant.scopes.iter().any(|scope| scope == "offline_access");
        let refresh_token = is_renewable.then(refresh_token);
        if let Some(token) = &refresh_token {
            let refresh = Refresh {
                grant: grant.clone(),
                used_at: now,
            };
            store.refresh.insert(token.clone(), refresh);
        }
        store.issue_access(grant, refresh_token, settings, now)
    }

    /// Redeems a refresh token. A rotated token never works again, even if the response is lost. Access tokens that were issued
    /// before stay valid until they expire.
    pub(crate) fn refresh(
        &self,
        token: &str,
        client_id: &str,
        settings: &Settings,
        now: Moment,
    ) -> Option<Issued> {
        let mut store = locked(&self.0);
        let refresh = store
            .refresh
            .get_mut(token)
            .filter(|refresh| refresh.grant.client_id == client_id)?;
        if now > refresh.used_at.plus_seconds(UNUSED_SECONDS) {
            store.refresh.remove(token);
            return None;
        }
        refresh.used_at = now;
        let grant = refresh.grant.clone();
        let next = match settings.refresh_tokens {
            RefreshTokens::LongLived => token.to_owned(),
            RefreshTokens::Rotating => {
                let next = refresh_token();
                if let Some(refresh) = store.refresh.remove(token) {
                    store.refresh.insert(next.clone(), refresh);
                }
                next
            }
        };
        Some(store.issue_access(grant, Some(next), settings, now))
    }

    pub(crate) fn issue_code(
        &self,
        grant: Grant,
        redirect_uri: &str,
        challenge: Option<&str>,
        now: Moment,
    ) -> String {
        let text = random_text(32);
        let code = Code {
            grant,
            redirect_uri: redirect_uri.to_owned(),
            challenge: challenge.map(str::to_owned),
            expires_at: now.plus_seconds(CODE_SECONDS),
        };
        let mut store = locked(&self.0);
        store.codes.retain(|_, code| now < code.expires_at);
        store.codes.insert(text.clone(), code);
        text
    }

    /// Removes a code, which works once even if the rest of the request is invalid.
    pub(crate) fn redeem(&self, code: &str, now: Moment) -> Option<Code> {
        locked(&self.0)
            .codes
            .remove(code)
            .filter(|code| now < code.expires_at)
    }

    pub(crate) fn begin_device(
        &self,
        client_id: &str,
        scopes: Vec<String>,
        settings: &Settings,
        now: Moment,
    ) -> (String, String) {
        let user_code: String = std::iter::repeat_with(|| fastrand::choice(*b"BCDFGHJKLMNPQRSTVWXZ"))
            .flatten()
            .map(char::from)
            .take(8)
            .collect();
        let life = settings.device_expires_in.into();
        let device = Device {
            client_id: client_id.to_owned(),
            user_code: user_code.clone(),
            scopes,
            decision: Decision::Pending,
            expires_at: now.plus_seconds(life),
            interval_seconds: settings.device_interval,
            last_poll: None,
            polls: 0,
        };
        let device_code = random_text(40);
        let mut store = locked(&self.0);
        // An expired device is retained for another lifetime, so that a poll reports the expiry.
        store
            .devices
            .retain(|_, device| now < device.expires_at.plus_seconds(life));
        store.devices.insert(device_code.clone(), device);
        (device_code, user_code)
    }

    /// Approves (with an account) or denies the device with this user code. Returns whether the device exists.
    pub(crate) fn decide(&self, user_code: &str, account: Option<String>) -> bool {
        let mut store = locked(&self.0);
        let mut devices = store.devices.values_mut();
        let Some(device) = devices.find(|device| device.user_code == user_code) else {
            return false;
        };
        device.decision = account.map_or(Decision::Denied, |account| Decision::Approved { account });
        true
    }

    pub(crate) fn poll(
        &self,
        device_code: &str,
        client_id: &str,
        login_account: Option<String>,
        settings: &Settings,
        now: Moment,
    ) -> Result<Grant, PollError> {
        let mut store = locked(&self.0);
        let device = store
            .devices
            .get_mut(device_code)
            .filter(|device| device.client_id == client_id)
            .ok_or(("invalid_grant", "The device code is not known."))?;
        if now >= device.expires_at {
            return Err(("expired_token", "The device code has expired."));
        }
        let interval = device.interval_seconds.into();
        let last = device.last_poll.replace(now);
        if last.is_some_and(|last| now < last.plus_seconds(interval)) {
            device.interval_seconds += 5;
            return Err(("slow_down", "Poll five seconds less often."));
        }
        device.polls += 1;
        let approves_itself = settings
            .device_approves_after
            .is_some_and(|polls| device.polls > polls);
        if let (true, Decision::Pending, Some(account)) = (approves_itself, &device.decision, login_account) {
            device.decision = Decision::Approved { account };
        }
        match device.decision.clone() {
            Decision::Pending => Err(("authorization_pending", "The user has not decided yet.")),
            Decision::Denied => Err(("access_denied", "The user denied the request.")),
            Decision::Approved { account } => {
                let grant = Grant {
                    account,
                    client_id: device.client_id.clone(),
                    scopes: device.scopes.clone(),
                };
                store.devices.remove(device_code);
                Ok(grant)
            }
        }
    }

    /// Revokes the tokens that match, and returns their number. The last argument is `access` or `refresh`.
    pub(crate) fn revoke(&self, matches: impl Fn(&str, &Grant, &str) -> bool) -> usize {
        let mut store = locked(&self.0);
        let before = store.access.len() + store.refresh.len();
        store
            .access
            .retain(|token, access| !matches(token, &access.grant, "access"));
        store
            .refresh
            .retain(|token, refresh| !matches(token, &refresh.grant, "refresh"));
        before - store.access.len() - store.refresh.len()
    }
}

impl Store {
    fn issue_access(
        &mut self,
        grant: Grant,
        refresh_token: Option<String>,
        settings: &Settings,
        now: Moment,
    ) -> Issued {
        self.access
            .retain(|_, access| access.expires_at.is_none_or(|expires_at| now < expires_at));
        let expires_at = now.plus_seconds(settings.expires_in.into());
        let access_token = jwt::access_token(&grant, now, expires_at);
        let scopes = grant.scopes.clone();
        let access = Access {
            grant,
            expires_at: Some(expires_at),
        };
        self.access.insert(access_token.clone(), Arc::new(access));
        Issued {
            access_token,
            refresh_token,
            scopes,
        }
    }
}

fn refresh_token() -> String {
    format!("rt_{}", random_text(44))
}

fn random_text(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}
