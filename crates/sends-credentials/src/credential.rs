//! The stored credential: application, tokens, account, and the state of its refresh.
//!
//! The serialized form is the content of the credential file.

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

/// A permanent identifier of a login: unchanged by refreshes, and by a new login of the same account.
///
/// Random and not secret. Data fetched with the login can be stored under it.
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

    /// The id of a login from the environment: the fingerprint of its first token, since a random id has no file yet.
    pub(crate) fn derived(fingerprint: &str) -> Self {
        Self(fingerprint.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The account of a login, as in `/account/summary` (documented). The caller fetches it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `encoded_account_id`. Two logins with the same id are logins of the same account.
    pub id: String,
    /// `organization_name`.
    pub organization: Option<String>,
}

/// An access token as issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Access {
    #[serde(rename = "secret", with = "secret")]
    pub(crate) token: SecretString,
    pub(crate) obtained_at: Timestamp,
    /// `None` for a token from the environment: it is used until it is rejected.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A refresh token as issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refresh {
    #[serde(rename = "secret", with = "secret")]
    pub(crate) token: SecretString,
    pub(crate) obtained_at: Timestamp,
}

/// The record of a refresh, written before the refresh is sent. A record found later means that the response may be lost.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefreshInFlight {
    pub(crate) token_fingerprint: String,
    pub(crate) since: Timestamp,
}

/// The rejections of the refresh token since the login stopped working. Each rejection lengthens the pause before the next probe.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefreshRefusals {
    pub(crate) count: u32,
    pub(crate) last: Timestamp,
}

/// The preceding login, until the account of the present one is known.
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
    pub(crate) refresh_refusals: Option<RefreshRefusals>,
}

/// The pause before a rejected refresh token is tried again. Doubled by each rejection, up to the maximum.
const FIRST_PROBE: SignedDuration = SignedDuration::from_mins(1);
const MAX_PROBE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Freshness {
    Fresh,
    /// Usable, and due for renewal.
    Ageing,
    /// May be rejected before a call that is sent now arrives.
    Expired,
}

impl Access {
    /// Ageing in the last tenth of its life or the last 5 minutes, expired in the last hundredth or the last 5 seconds, whichever
    /// is shorter: a call takes time to arrive, and clocks differ.
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
    /// A credential without tokens.
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

    /// The credential of a new login that replaces `replaced`.
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

    /// Sets the account. The id becomes that of the preceding login if both are of the same account.
    pub(crate) fn identify(&mut self, account: Account) {
        if let Some(previous) = self.previous.take()
            && previous.account_id == account.id
        {
            self.id = previous.credential_id;
        }
        self.account = Some(account);
    }

    /// Stores the tokens of a refresh.
    pub(crate) fn renew(&mut self, grant: Grant) {
        let obtained_at = grant.access.obtained_at;
        self.access = Some(grant.access);
        // A long-lived refresh token may be omitted from the response (RFC 6749, section 6): the old one stays valid.
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

    /// Records a rejection of the refresh token. The reason of the first rejection is retained.
    pub(crate) fn refused(&mut self, required: LoginRequired, now: Timestamp) {
        let count = self
            .refresh_refusals
            .as_ref()
            .map_or(0, |refusals| refusals.count);
        self.refresh_in_flight = None;
        self.login_required.get_or_insert(required);
        self.refresh_refusals = Some(RefreshRefusals {
            count: count.saturating_add(1),
            last: now,
        });
    }

    /// Whether a refresh may be sent. After a rejection, only as a probe once the pause is over.
    pub(crate) fn may_refresh(&self, now: Timestamp) -> bool {
        let Some(required) = &self.login_required else {
            return self.refresh.is_some();
        };
        let (count, last) = match &self.refresh_refusals {
            Some(refusals) => (refusals.count, refusals.last),
            // A file of a version that did not count rejections.
            None => (1, required.since().unwrap_or(now)),
        };
        let doublings = 2_i32.saturating_pow(count.saturating_sub(1).min(16));
        let pause = (FIRST_PROBE * doublings).min(MAX_PROBE);
        // A rejection in the future comes from a clock that was wrong.
        let is_due = last > now || now.duration_since(last) >= pause;
        self.refresh.is_some() && is_due
    }

    /// Whether the access token has expired and no refresh token can renew it.
    pub(crate) fn is_used_up(&self, now: Timestamp) -> bool {
        let works = |access: &Access| access.freshness(now) != Freshness::Expired;
        self.refresh.is_none() && !self.access.as_ref().is_some_and(works)
    }

    /// The record of an earlier refresh with the present refresh token, whose response was not stored.
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
    fn a_token_is_renewed_before_it_expires_and_not_used_at_the_very_end() {
        use Freshness::{Ageing, Expired, Fresh};
        let cases = [
            // Of 24 hours, the last 5 minutes and the last 5 seconds.
            (86_400, 86_000, Fresh),
            (86_400, 86_101, Ageing),
            (86_400, 86_394, Ageing),
            (86_400, 86_396, Expired),
            (86_400, 99_999, Expired),
            // Of 10 minutes, the last minute.
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
    fn a_token_without_a_known_end_is_used_until_it_is_rejected() {
        let access = Access {
            token: "token".into(),
            obtained_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        };
        assert_eq!(access.freshness(Timestamp::MAX), Freshness::Fresh);
    }
}
