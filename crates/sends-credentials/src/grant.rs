//! Tokens of a completed login or refresh, before they are stored.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sends_client::{AccessToken, InvalidToken};

use crate::{
    Application, Endpoints,
    credential::{Access, Refresh},
    in_flight::InFlightRequest,
    token_response::{TokenResponse, expires_at},
};

/// Tokens of a completed login, which are lost unless [`Login::save`](crate::Login::save) stores them.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) application: Application,
    pub(crate) endpoints: Endpoints,
    pub(crate) scopes: Vec<String>,
    pub(crate) access: Access,
    pub(crate) refresh: Option<Refresh>,
    /// Guard that delays the exit of the process until the grant is saved or dropped.
    in_flight: Option<Arc<InFlightRequest>>,
}

impl Grant {
    /// Converts a response to a request sent at `requested_at`, from which the lifetime is counted.
    ///
    /// If the access token is unusable, the error contains the refresh token of the response.
    pub(crate) fn from_response(
        application: &Application,
        endpoints: &Endpoints,
        requested_at: Timestamp,
        response: TokenResponse,
    ) -> Result<Self, Option<SecretString>> {
        let is_usable = |token: &SecretString| AccessToken::new(token.expose_secret()).is_ok();
        let Some(token) = response.access_token.filter(is_usable) else {
            return Err(response.refresh_token);
        };
        Ok(Self {
            application: application.clone(),
            endpoints: endpoints.clone(),
            scopes: response.scopes,
            access: Access {
                token,
                obtained_at: requested_at,
                expires_at: Some(expires_at(requested_at, response.expires_in)),
            },
            refresh: response.refresh_token.map(|token| Refresh {
                token,
                obtained_at: requested_at,
            }),
            in_flight: None,
        })
    }

    pub(crate) fn until_stored(mut self, in_flight: InFlightRequest) -> Self {
        in_flight.mark_received();
        self.in_flight = Some(Arc::new(in_flight));
        self
    }

    /// Sets the `requested` scopes if the response names no scopes (RFC 6749, section 5.1).
    pub(crate) fn assume_scopes(&mut self, requested: Vec<String>) {
        if self.scopes.is_empty() {
            self.scopes = requested;
        }
    }

    /// Never fails, because the token was checked when the response was parsed.
    pub fn access_token(&self) -> Result<AccessToken, InvalidToken> {
        AccessToken::new(self.access.token.expose_secret())
    }

    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Returns whether the upstream granted a refresh token, which requires the scope `offline_access`.
    pub fn is_renewable(&self) -> bool {
        self.refresh.is_some()
    }
}
