//! The tokens of a completed login or refresh, before they are stored.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sends_client::{AccessToken, InvalidToken};

use crate::{
    Application, Endpoints,
    credential::{Access, Refresh},
    in_flight::InFlightRequest,
    token_answer::{TokenAnswer, expires_at},
};

/// The tokens of a completed login, which are lost unless [`Login::save`](crate::Login::save) stores them.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) application: Application,
    pub(crate) endpoints: Endpoints,
    pub(crate) scopes: Vec<String>,
    pub(crate) access: Access,
    pub(crate) refresh: Option<Refresh>,
    /// Delays the end of the process until the grant is saved or dropped.
    in_flight: Option<Arc<InFlightRequest>>,
}

impl Grant {
    /// Converts a response to a request sent at `requested_at`, from which the lifetime is counted. A response whose access token
    /// cannot be sent is no grant: the error is the refresh token of the response.
    pub(crate) fn from_answer(
        application: &Application,
        endpoints: &Endpoints,
        requested_at: Timestamp,
        answer: TokenAnswer,
    ) -> Result<Self, Option<SecretString>> {
        let is_usable = |token: &SecretString| AccessToken::new(token.expose_secret()).is_ok();
        let Some(token) = answer.access_token.filter(is_usable) else {
            return Err(answer.refresh_token);
        };
        Ok(Self {
            application: application.clone(),
            endpoints: endpoints.clone(),
            scopes: answer.scopes,
            access: Access {
                token,
                obtained_at: requested_at,
                expires_at: Some(expires_at(requested_at, answer.expires_in)),
            },
            refresh: answer.refresh_token.map(|token| Refresh {
                token,
                obtained_at: requested_at,
            }),
            in_flight: None,
        })
    }

    /// Delays the end of the process until the grant is saved or dropped.
    pub(crate) fn until_stored(mut self, in_flight: InFlightRequest) -> Self {
        in_flight.answered();
        self.in_flight = Some(Arc::new(in_flight));
        self
    }

    /// A response that names no scopes grants all `requested` ones (RFC 6749, section 5.1).
    pub(crate) fn assume_scopes(&mut self, requested: Vec<String>) {
        if self.scopes.is_empty() {
            self.scopes = requested;
        }
    }

    /// Never an error: the token was checked when the response was read.
    pub fn access_token(&self) -> Result<AccessToken, InvalidToken> {
        AccessToken::new(self.access.token.expose_secret())
    }

    /// The granted scopes, which may be fewer than the requested ones.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether there is a refresh token, which requires the scope `offline_access`.
    pub fn is_renewable(&self) -> bool {
        self.refresh.is_some()
    }
}
