//! Stored credential: application, tokens, account and refresh state.
//!
//! The serialized form of these types is the content of the credential file.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    Application, Endpoints, Grant, LoginRequired, StoreError, document::StoredApplication, document::secret,
    fingerprint::fingerprint, fingerprint::hexadecimal,
};

/// Lifetime of an unused refresh token (documented).
pub(crate) const REFRESH_TOKEN_LIFE: Duration = Duration::from_hours(180 * 24);

/// Identifier of a login that is unchanged by refreshes and by new logins to the same account.
///
/// The id is random and not secret, so that it can serve as a key for data fetched with the login.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialId(String);

impl CredentialId {
    fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::Io {
            action: "draw random bytes for",
            path: "a credential id".into(),
            reason: error.to_string(),
        })?;
        Ok(Self(hexadecimal(&bytes)))
    }

    /// Derives the id of a login from the environment from the fingerprint of its first token, because no file has stored a
    /// random id yet.
    pub(crate) fn derived(fingerprint: &str) -> Self {
        Self(fingerprint.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Account details from `/account/summary` (documented), which the caller fetches.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `encoded_account_id` of the upstream. Two logins with the same id belong to the same account.
    pub id: String,
    /// `organization_name` of the upstream.
    pub organization: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Access {
    #[serde(rename = "secret", with = "secret")]
    pub(crate) token: SecretString,
    pub(crate) obtained_at: Timestamp,
    /// `None` for a token from the environment, which is used until the upstream rejects it.
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refresh {
    #[serde(rename = "secret", with = "secret")]
    pub(crate) token: SecretString,
    pub(crate) obtained_at: Timestamp,
}

/// Record of a refresh, written before the request is sent. A record found by a later process means that the response may be
/// lost.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefreshInFlight {
    pub(crate) token_fingerprint: String,
    pub(crate) since: Timestamp,
}

/// Rejections of the refresh token since the login stopped working. Each rejection lengthens the pause before the next probe.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefreshRejections {
    pub(crate) count: u32,
    pub(crate) last: Timestamp,
}

/// Previous login, stored until the account of the current login is set.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreviousLogin {
    pub(crate) credential_id: CredentialId,
    pub(crate) account_id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Credential {
    #[serde(rename = "credential_id")]
    pub(crate) id: CredentialId,
    #[serde(flatten, with = "StoredApplication")]
    pub(crate) application: Application,
    #[serde(flatten)]
    pub(crate) endpoints: Endpoints,
    pub(crate) scopes: Vec<String>,
    #[serde(rename = "access_token")]
    pub(crate) access: Option<Access>,
    #[serde(rename = "refresh_token")]
    pub(crate) refresh: Option<Refresh>,
    pub(crate) account: Option<Account>,
    #[serde(rename = "previous_login")]
    pub(crate) previous: Option<PreviousLogin>,
    pub(crate) refresh_in_flight: Option<RefreshInFlight>,
    pub(crate) login_required: Option<LoginRequired>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_refusals: Option<RefreshRejections>,
}

/// Pause before the first probe with a rejected refresh token. Each rejection doubles the pause, up to `MAX_PROBE`.
const FIRST_PROBE: SignedDuration = SignedDuration::from_mins(1);
const MAX_PROBE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Freshness {
    Fresh,
    /// The token is usable, but due for renewal.
    Ageing,
    /// The token can expire before a call that is sent now arrives.
    Expired,
}

impl Access {
    /// Returns the freshness of the access token. A token is ageing in the last tenth of its lifetime or the last 5 minutes,
    /// whichever is shorter. A token is expired in the last hundredth of its lifetime or the last 5 seconds. These margins
    /// account for network latency and clock skew.
    pub(crate) fn freshness(&self, now: Timestamp) -> Freshness {
        let Some(expires_at) = self.expires_at else {
            return Freshness::Fresh;
        };
        let life = expires_at
            .duration_since(self.obtained_at)
            .max(SignedDuration::ZERO);
        let left = expires_at.duration_since(now);
        if left <= (life / 100).min(SignedDuration::from_secs(5)) {
            Freshness::Expired
        } else if left <= (life / 10).min(SignedDuration::from_mins(5)) {
            Freshness::Ageing
        } else {
            Freshness::Fresh
        }
    }
}

impl Credential {
    pub(crate) fn new(id: CredentialId, application: Application, endpoints: Endpoints) -> Self {
        Self {
            id,
            application,
            endpoints,
            scopes: Vec::new(),
            access: None,
            refresh: None,
            account: None,
            previous: None,
            refresh_in_flight: None,
            login_required: None,
            refresh_refusals: None,
        }
    }

    pub(crate) fn granted(grant: Grant, replaced: Option<Self>) -> Result<Self, StoreError> {
        let previous = replaced.and_then(|replaced| match replaced.account {
            Some(account) => Some(PreviousLogin {
                credential_id: replaced.id,
                account_id: account.id,
            }),
            None => replaced.previous,
        });
        Ok(Self {
            scopes: grant.scopes,
            access: Some(grant.access),
            refresh: grant.refresh,
            previous,
            ..Self::new(CredentialId::random()?, grant.application, grant.endpoints)
        })
    }

    /// Sets the account. The id becomes that of the previous login if both logins belong to the same account.
    pub(crate) fn identify(&mut self, account: Account) {
        if let Some(previous) = self.previous.take()
            && previous.account_id == account.id
        {
            self.id = previous.credential_id;
        }
        self.account = Some(account);
    }

    pub(crate) fn renew(&mut self, grant: Grant) {
        let obtained_at = grant.access.obtained_at;
        self.access = Some(grant.access);
        // A response may omit a long-lived refresh token (RFC 6749, section 6), which then stays valid.
        if grant.refresh.is_some() {
            self.refresh = grant.refresh;
        } else if let Some(refresh) = &mut self.refresh {
            refresh.obtained_at = obtained_at;
        }
        if !grant.scopes.is_empty() {
            self.scopes = grant.scopes;
        }
        self.refresh_in_flight = None;
        self.login_required = None;
        self.refresh_refusals = None;
    }

    /// Records a rejection of the refresh token, and keeps the reason of the first rejection.
    pub(crate) fn refused(&mut self, required: LoginRequired, now: Timestamp) {
        let count = self
            .refresh_refusals
            .as_ref()
            .map_or(0, |refusals| refusals.count);
        self.refresh_in_flight = None;
        self.login_required.get_or_insert(required);
        self.refresh_refusals = Some(RefreshRejections {
            count: count.saturating_add(1),
            last: now,
        });
    }

    /// Returns whether a refresh may be sent. After a rejection, only a probe is allowed, once the pause is over.
    pub(crate) fn may_refresh(&self, now: Timestamp) -> bool {
        let Some(required) = &self.login_required else {
            return self.refresh.is_some();
        };
        let (count, last) = match &self.refresh_refusals {
            Some(refusals) => (refusals.count, refusals.last),
            // Files of older versions have no count of rejections.
            None => (1, required.since().unwrap_or(now)),
        };
        let doublings = 2_i32.saturating_pow(count.saturating_sub(1).min(16));
        let pause = (FIRST_PROBE * doublings).min(MAX_PROBE);
        // A rejection in the future was recorded under a wrong clock.
        let is_due = last > now || now.duration_since(last) >= pause;
        self.refresh.is_some() && is_due
    }

    /// Returns whether the access token has expired and there is no refresh token to renew it.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        let works = |access: &Access| access.freshness(now) != Freshness::Expired;
        self.refresh.is_none() && !self.access.as_ref().is_some_and(works)
    }

    /// Returns the record of an earlier refresh with the current refresh token whose response was not stored.
    pub(crate) fn unanswered_refresh(&self) -> Option<RefreshInFlight> {
        let refresh = self.refresh.as_ref()?;
        let recorded = self.refresh_in_flight.clone()?;
        (recorded.token_fingerprint == fingerprint(&refresh.token)).then_some(recorded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_renewed_before_expiry_and_unused_in_its_last_seconds() {
        use Freshness::{Ageing, Expired, Fresh};
        let cases = [
            // With a lifetime of 24 hours, the margins are 5 minutes and 5 seconds.
            (86_400, 86_000, Fresh),
            (86_400, 86_101, Ageing),
            (86_400, 86_394, Ageing),
            (86_400, 86_396, Expired),
            (86_400, 99_999, Expired),
            // With a lifetime of 10 minutes, the margin for renewal is one minute.
            (600, 539, Fresh),
            (600, 541, Ageing),
            (0, 0, Expired),
        ];
        let start = Timestamp::UNIX_EPOCH;
        for (life, age, expected) in cases {
            let access = Access {
                token: "token".into(),
                obtained_at: start,
                expires_at: Some(start + SignedDuration::from_secs(life)),
            };
            let now = start + SignedDuration::from_secs(age);
            assert_eq!(access.freshness(now), expected, "{age} s of {life} s");
        }
    }

    #[test]
    fn token_of_unknown_lifetime_is_used_until_rejected() {
        let access = Access {
            token: "token".into(),
            obtained_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        };
        assert_eq!(access.freshness(Timestamp::MAX), Freshness::Fresh);
    }
}
