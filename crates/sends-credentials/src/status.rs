//! State of a login, excluding its secrets.

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
    /// Granted scopes. The list is empty for a login from the environment before its first refresh.
    pub scopes: Vec<String>,
    /// `None` before the first refresh.
    pub access_token: Option<AccessTokenStatus>,
    /// `None` if no refresh token was granted.
    pub refresh_token: Option<RefreshTokenStatus>,
    /// Start of a refresh whose response is not stored. If the value persists, the response may be lost.
    pub refresh_in_flight_since: Option<Timestamp>,
    /// `None` while the login works.
    pub login_required: Option<LoginRequired>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AccessTokenStatus {
    /// Time of the request for the token.
    pub obtained_at: Timestamp,
    /// 24 h after the request (documented). `None` if unknown.
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefreshTokenStatus {
    /// Time of issue or of the last use.
    pub obtained_at: Timestamp,
    /// Expiry if the token stays unused (documented: 180 days).
    pub dies_at: Timestamp,
}

impl Status {
    pub(crate) fn of(credential: &Credential, now: Timestamp) -> Self {
        let has_expired = credential.has_expired(now);
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
                .or_else(|| has_expired.then_some(LoginRequired::NoRefreshToken)),
        }
    }
}

fn expiry(obtained_at: Timestamp) -> Timestamp {
    SignedDuration::try_from(REFRESH_TOKEN_LIFE)
        .ok()
        .and_then(|life| obtained_at.checked_add(life).ok())
        .unwrap_or(Timestamp::MAX)
}
