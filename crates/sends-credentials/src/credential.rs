//! One account's login as it is kept: which application, which tokens, and what is known of a refresh under way.
//!
//! Must not know how it is written, nor how it is renewed.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    Application, Endpoints, Grant, LoginRequired, StoreError,
    fingerprint::{fingerprint, hexadecimal},
};

/// How long an unused refresh token lives (documented).
pub(crate) const REFRESH_TOKEN_LIFE: Duration = Duration::from_hours(180 * 24);

/// Names a login for good: it is the same after any number of refreshes, and when the same account logs in again.
///
/// It is random and no secret, and is what data fetched with the login may be kept under.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialId(String);

impl CredentialId {
    pub(crate) fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::Io {
            action: "draw random bytes for",
            path: "a credential id".into(),
            reason: error.to_string(),
        })?;
        Ok(Self(hexadecimal(&bytes)))
    }

    /// A login given by the environment is named after the token it began with, since there may be no file yet that could
    /// keep a random name.
    pub(crate) fn derived(fingerprint: &str) -> Self {
        Self(fingerprint.to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whose login it is, as `/account/summary` tells (documented). The caller asks for it and tells it here.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `encoded_account_id`: what makes two logins logins of the same account.
    pub id: String,
    /// `organization_name`, for people.
    pub organization: Option<String>,
}

/// An access token as issued.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) token: SecretString,
    pub(crate) obtained_at: Timestamp,
    /// `None` when nobody said, as for a token from the environment: it is used until it is rejected.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A refresh token as issued.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) token: SecretString,
    pub(crate) obtained_at: Timestamp,
}

/// The note that a refresh was sent, written before it is. Where it is found again, the answer may have been lost.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefreshInFlight {
    pub(crate) token_fingerprint: String,
    pub(crate) since: Timestamp,
}

/// The refusals of the refresh token since the login is dead. Each makes the pause before the next probe longer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefreshRefusals {
    pub(crate) count: u32,
    pub(crate) last: Timestamp,
}

/// The login before this one, until it is known whether it was of the same account.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreviousLogin {
    pub(crate) credential_id: CredentialId,
    pub(crate) account_id: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) id: CredentialId,
    pub(crate) application: Application,
    pub(crate) endpoints: Endpoints,
    pub(crate) scopes: Vec<String>,
    pub(crate) access: Option<Access>,
    pub(crate) refresh: Option<Refresh>,
    pub(crate) account: Option<Account>,
    pub(crate) previous: Option<PreviousLogin>,
    pub(crate) refresh_in_flight: Option<RefreshInFlight>,
    pub(crate) login_required: Option<LoginRequired>,
    pub(crate) refresh_refusals: Option<RefreshRefusals>,
}

/// The pause before a dead refresh token is tried again. Each refusal doubles it, up to the longest.
const FIRST_PROBE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PROBE: SignedDuration = SignedDuration::from_hours(1);

/// How much longer an access token should be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Freshness {
    /// Long enough.
    Fresh,
    /// It still works, and the time to renew it has come.
    Ageing,
    /// It may be refused before a call that is sent now arrives.
    Expired,
}

impl Access {
    /// Renewed in the last tenth of its life or the last 5 minutes, whichever is shorter, and not used in the last
    /// hundredth or 5 seconds: a call takes time to arrive, and two clocks never agree.
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
    /// A login that has just been granted, in the place of `replaced`.
    pub(crate) fn granted(grant: Grant, replaced: Option<Self>) -> Result<Self, StoreError> {
        let previous = replaced.and_then(|replaced| match replaced.account {
            Some(account) => Some(PreviousLogin {
                credential_id: replaced.id,
                account_id: account.id,
            }),
            None => replaced.previous,
        });
        Ok(Self {
            id: CredentialId::random()?,
            application: grant.application,
            endpoints: grant.endpoints,
            scopes: grant.scopes,
            access: Some(grant.access),
            refresh: grant.refresh,
            account: None,
            previous,
            refresh_in_flight: None,
            login_required: None,
            refresh_refusals: None,
        })
    }

    /// Learns whose login it is, and takes the id of the login before it if that was of the same account.
    pub(crate) fn identify(&mut self, account: Account) {
        if let Some(previous) = self.previous.take()
            && previous.account_id == account.id
        {
            self.id = previous.credential_id;
        }
        self.account = Some(account);
    }

    /// Takes the tokens of a refresh.
    pub(crate) fn renew(&mut self, grant: Grant) {
        self.access = Some(grant.access);
        // A long-lived refresh token may come back or be left out (RFC 6749, section 6): then the old one stays.
        if grant.refresh.is_some() {
            self.refresh = grant.refresh;
        } else if let (Some(refresh), Some(access)) = (&mut self.refresh, &self.access) {
            refresh.obtained_at = access.obtained_at;
        }
        if !grant.scopes.is_empty() {
            self.scopes = grant.scopes;
        }
        self.refresh_in_flight = None;
        self.login_required = None;
        self.refresh_refusals = None;
    }

    /// Takes the refresh token of an answer that held no access token.
    pub(crate) fn replace_refresh_token(&mut self, token: SecretString, obtained_at: Timestamp) {
        self.refresh = Some(Refresh { token, obtained_at });
        self.refresh_in_flight = None;
    }

    /// Notes that the upstream has refused the refresh token, for this reason unless an earlier one is known.
    pub(crate) fn bury(&mut self, required: LoginRequired, now: Timestamp) {
        let before = self
            .refresh_refusals
            .as_ref()
            .map_or(0, |refusals| refusals.count);
        self.refresh_in_flight = None;
        self.login_required.get_or_insert(required);
        self.refresh_refusals = Some(RefreshRefusals {
            count: before.saturating_add(1),
            last: now,
        });
    }

    /// Whether a refresh may be sent: of a dead login, as a probe after a growing pause.
    pub(crate) fn may_refresh(&self, now: Timestamp) -> bool {
        let Some(required) = &self.login_required else {
            return self.refresh.is_some();
        };
        let (count, last) = match &self.refresh_refusals {
            Some(refusals) => (refusals.count, refusals.last),
            // A file of an earlier version.
            None => (1, required.since().unwrap_or(now)),
        };
        let doublings = 2_i32.saturating_pow(count.saturating_sub(1).min(16));
        let pause = (FIRST_PROBE * doublings).min(LONGEST_PROBE);
        // The time of a clock that was wrong says nothing.
        let is_due = last > now || now.duration_since(last) >= pause;
        self.refresh.is_some() && is_due
    }

    /// Whether the access token is at its end and nothing can renew it.
    pub(crate) fn is_used_up(&self, now: Timestamp) -> bool {
        let works = |access: &Access| access.freshness(now) != Freshness::Expired;
        self.refresh.is_none() && !self.access.as_ref().is_some_and(works)
    }

    /// The note of a refresh sent with the present refresh token, if there is one.
    pub(crate) fn unanswered_refresh(&self) -> Option<RefreshInFlight> {
        let refresh = self.refresh.as_ref()?;
        let noted = self.refresh_in_flight.clone()?;
        (noted.token_fingerprint == fingerprint(&refresh.token)).then_some(noted)
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
