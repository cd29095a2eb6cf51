//! Owns what was granted: access tokens, refresh tokens, authorization codes and device codes, and when each dies. Must
//! not know HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::jwt;
use crate::bearer::fingerprint_of;
use crate::clock::Moment;
use crate::config::AccessTokenConfig;
use crate::config::settings::{RefreshTokens, Settings};
use crate::lock::locked;

const CODE_SECONDS: i64 = 300;
const UNUSED_SECONDS: i64 = 180 * 86_400;

/// What an access token opens.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) account: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    expires_at: Option<Moment>,
}

/// What a user allowed an application.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
}

/// An authorization code's promise.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    expires_at: Moment,
}

/// A device that waits for its user.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) client_id: String,
    pub(crate) user_code: String,
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

/// What a poll of a device finds.
#[derive(Debug)]
pub(crate) enum Poll {
    Approved(Grant),
    Pending,
    SlowDown,
    Expired,
    Denied,
    Unknown,
}

/// The tokens of an answer.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug)]
struct Refresh {
    grant: Grant,
    used_at: Moment,
}

#[derive(Debug, Default)]
struct Store {
    access: HashMap<String, Arc<Access>>,
    /// Only refresh tokens that still work.
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

    /// Brings the fixed tokens back if they were revoked; issued ones stay as they are.
    pub(crate) fn restore(&self, fixed: &[AccessTokenConfig]) {
        let mut store = locked(&self.0);
        for fixed in fixed {
            let AccessTokenConfig {
                token,
                account,
                client_id,
                scopes,
            } = fixed.clone();
            store.access.insert(
                token,
                Arc::new(Access {
                    account,
                    client_id,
                    scopes,
                    expires_at: None,
                }),
            );
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
        let refresh_token = grant
            .scopes
            .iter()
            .any(|scope| scope == "offline_access")
            .then(|| {
                let token = format!("rt_{}", random_text(44));
                store.refresh.insert(
                    token.clone(),
                    Refresh {
                        grant: grant.clone(),
                        used_at: now,
                    },
                );
                token
            });
        store.issue_access(grant, refresh_token, settings, now)
    }

    /// Redeems a refresh token of a client. When tokens rotate, it never works again, whatever becomes of the answer;
    /// access tokens issued before stay valid until they expire.
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
                let next = format!("rt_{}", random_text(44));
                if let Some(refresh) = store.refresh.remove(token) {
                    store.refresh.insert(next.clone(), refresh);
                }
                next
            }
        };
        Some(store.issue_access(grant, Some(next), settings, now))
    }

    pub(crate) fn promise(
        &self,
        grant: Grant,
        redirect_uri: &str,
        challenge: Option<&str>,
        now: Moment,
    ) -> String {
        let code = random_text(32);
        let promise = Code {
            grant,
            redirect_uri: redirect_uri.to_owned(),
            challenge: challenge.map(str::to_owned),
            expires_at: now.plus_seconds(CODE_SECONDS),
        };
        let mut store = locked(&self.0);
        store.codes.retain(|_, promise| now < promise.expires_at);
        store.codes.insert(code.clone(), promise);
        code
    }

    /// Takes a code, which works once even when the rest of the request is wrong.
    pub(crate) fn redeem(&self, code: &str, now: Moment) -> Option<Code> {
        locked(&self.0)
            .codes
            .remove(code)
            .filter(|code| now < code.expires_at)
    }

    /// Starts a device's wait, and gives its device code and its user code.
    pub(crate) fn await_user(
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
        let device = Device {
            client_id: client_id.to_owned(),
            user_code: user_code.clone(),
            scopes,
            decision: Decision::Pending,
            expires_at: now.plus_seconds(settings.device_expires_in.into()),
            interval_seconds: settings.device_interval,
            last_poll: None,
            polls: 0,
        };
        let device_code = random_text(40);
        let mut store = locked(&self.0);
        // An expired device is told so for as long as it lived, and then forgotten.
        store
            .devices
            .retain(|_, device| now < device.expires_at.plus_seconds(settings.device_expires_in.into()));
        store.devices.insert(device_code.clone(), device);
        (device_code, user_code)
    }

    /// Approves (with an account) or denies the device of a user code.
    pub(crate) fn decide(&self, user_code: &str, account: Option<String>) -> bool {
        let mut store = locked(&self.0);
        let device = store
            .devices
            .values_mut()
            .find(|device| device.user_code == user_code);
        let Some(device) = device else { return false };
        device.decision = account.map_or(Decision::Denied, |account| Decision::Approved { account });
        true
    }

    pub(crate) fn poll(
        &self,
        device_code: &str,
        client_id: &str,
        first_account: Option<String>,
        settings: &Settings,
        now: Moment,
    ) -> Poll {
        let mut store = locked(&self.0);
        let Some(device) = store
            .devices
            .get_mut(device_code)
            .filter(|device| device.client_id == client_id)
        else {
            return Poll::Unknown;
        };
        if now >= device.expires_at {
            return Poll::Expired;
        }
        let earliest = device
            .last_poll
            .map(|last| last.plus_seconds(device.interval_seconds.into()));
        device.last_poll = Some(now);
        if earliest.is_some_and(|earliest| now < earliest) {
            device.interval_seconds += 5;
            return Poll::SlowDown;
        }
        device.polls += 1;
        if settings
            .device_approves_after
            .is_some_and(|polls| device.polls > polls)
            && let (Decision::Pending, Some(account)) = (&device.decision, first_account)
        {
            device.decision = Decision::Approved { account };
        }
        match device.decision.clone() {
            Decision::Pending => Poll::Pending,
            Decision::Denied => Poll::Denied,
            Decision::Approved { account } => {
                let grant = Grant {
                    account,
                    client_id: device.client_id.clone(),
                    scopes: device.scopes.clone(),
                };
                store.devices.remove(device_code);
                Poll::Approved(grant)
            }
        }
    }

    /// Revokes every token, access and refresh, that `matches`; gives how many there were.
    pub(crate) fn revoke(&self, matches: impl Fn(&Revocable<'_>) -> bool) -> usize {
        let mut store = locked(&self.0);
        let before = store.access.len() + store.refresh.len();
        store.access.retain(|token, access| {
            let (account, client_id) = (&access.account, &access.client_id);
            !matches(&Revocable {
                token,
                account,
                client_id,
                kind: "access",
            })
        });
        store.refresh.retain(|token, Refresh { grant, .. }| {
            let (account, client_id) = (&grant.account, &grant.client_id);
            !matches(&Revocable {
                token,
                account,
                client_id,
                kind: "refresh",
            })
        });
        before - store.access.len() - store.refresh.len()
    }
}

/// A token, as it is chosen to be revoked.
#[derive(Debug)]
pub(crate) struct Revocable<'a> {
    pub(crate) token: &'a str,
    pub(crate) account: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) kind: &'static str,
}

impl Revocable<'_> {
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint_of(self.token.as_bytes())
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
        let Grant {
            account,
            client_id,
            scopes,
        } = grant;
        let access = Access {
            account,
            client_id,
            scopes: scopes.clone(),
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

fn random_text(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}
