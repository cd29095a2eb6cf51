//! The state of a login without its secrets.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Account, CredentialId, LoginRequired,
    credential::{Credential, REFRESH_TOKEN_LIFE},
};

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    pub credential_id: CredentialId,
    pub client_id: String,
    /// `None` until [`Login::set_account`](crate::Login::set_account).
    pub account: Option<Account>,
    /// The granted scopes. Empty for a login from the environment before its first refresh.
    pub scopes: Vec<String>,
    /// `None` before the first refresh.
    pub access_token: Option<AccessTokenStatus>,
    /// `None` when no refresh token was granted.
    pub refresh_token: Option<RefreshTokenStatus>,
    /// The start of a refresh whose response is not stored. If this persists, the response may be lost.
    pub refresh_in_flight_since: Option<Timestamp>,
    /// `None` as long as the login works.
    pub login_required: Option<LoginRequired>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AccessTokenStatus {
    /// The time of the request for the token.
    pub obtained_at: Timestamp,
    /// Documented: after 24 h. `None` when unknown.
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefreshTokenStatus {
    /// The time of issue or of the last use.
    pub obtained_at: Timestamp,
    /// The expiry unless it is used before (documented: after 180 days).
    pub dies_at: Timestamp,
}

impl Status {
    pub(crate) fn of(credential: &Credential, now: Timestamp) -> Self {
        let is_used_up = credential.is_used_up(now);
        Self {
            credential_id: credential.id.clone(),
            client_id: credential.application.client_id.clone(),
            account: credential.account.clone(),
            scopes: credential.scopes.clone(),
            access_token: credential.access.as_ref().map(|access| AccessTokenStatus {
                obtained_at: access.obtained_at,
                expires_at: access.expires_at,
            }),
            refresh_token: credential.refresh.as_ref().map(|refresh| RefreshTokenStatus {
                obtained_at: refresh.obtained_at,
                dies_at: expiry(refresh.obtained_at),
            }),
            refresh_in_flight_since: credential.unanswered_refresh().map(|recorded| recorded.since),
            login_required: credential
                .login_required
                .or_else(|| is_used_up.then_some(LoginRequired::NoRefreshToken)),
        }
    }
}

fn expiry(obtained_at: Timestamp) -> Timestamp {
    SignedDuration::try_from(REFRESH_TOKEN_LIFE)
        .ok()
        .and_then(|life| obtained_at.checked_add(life).ok())
        .unwrap_or(Timestamp::MAX)
}
