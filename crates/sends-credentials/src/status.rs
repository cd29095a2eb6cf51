//! What can be said about a kept login without saying anything secret.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Account, CredentialId, LoginRequired,
    credential::{Credential, REFRESH_TOKEN_LIFE},
};

/// The state of a login, for a person or a readiness check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// What data fetched with this login is kept under.
    pub credential_id: CredentialId,
    /// The application that was logged in.
    pub client_id: String,
    /// Whose login it is. `None` until somebody asked the upstream and told.
    pub account: Option<Account>,
    /// What the user allowed. Empty for a login from the environment that was not refreshed yet.
    pub scopes: Vec<String>,
    /// The access token's times. `None` when there is none yet.
    pub access_token: Option<AccessTokenStatus>,
    /// The refresh token's times. `None` when none was granted.
    pub refresh_token: Option<RefreshTokenStatus>,
    /// Since when a refresh has been under way or without an answer. If it stays, the answer may have been lost.
    pub refresh_in_flight_since: Option<Timestamp>,
    /// Why a person has to log in again. `None` as long as it works.
    pub login_required: Option<LoginRequired>,
}

/// Times of an access token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AccessTokenStatus {
    /// When it was asked for.
    pub obtained_at: Timestamp,
    /// When it stops working (documented: after 24 h). `None` when nobody said.
    pub expires_at: Option<Timestamp>,
}

/// Times of a refresh token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefreshTokenStatus {
    /// When it was issued, or used for the last time.
    pub obtained_at: Timestamp,
    /// When it dies unless it is used before (documented: after 180 days).
    pub dies_at: Timestamp,
}

impl Status {
    pub(crate) fn of(credential: &Credential, now: Timestamp) -> Self {
        Self {
            credential_id: credential.id.clone(),
            client_id: credential.application.client_id.clone(),
            account: credential.account.clone(),
            scopes: credential.scopes.clone(),
            access_token: credential.access.as_ref().map(|access| AccessTokenStatus {
                obtained_at: access.obtained_at,
                expires_at: access.expires_at,
            }),
            refresh_token: credential
                .refresh
                .as_ref()
                .map(|refresh| RefreshTokenStatus::issued(refresh.obtained_at)),
            refresh_in_flight_since: credential.unanswered_refresh().map(|noted| noted.since),
            login_required: credential.login_required.or_else(|| {
                credential
                    .is_used_up(now)
                    .then_some(LoginRequired::NoRefreshToken)
            }),
        }
    }
}

impl RefreshTokenStatus {
    fn issued(obtained_at: Timestamp) -> Self {
        let dies_at = SignedDuration::try_from(REFRESH_TOKEN_LIFE)
            .ok()
            .and_then(|life| obtained_at.checked_add(life).ok());
        Self {
            obtained_at,
            dies_at: dies_at.unwrap_or(Timestamp::MAX),
        }
    }
}
