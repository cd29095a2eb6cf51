//! What a login or a refresh brought: tokens that are not kept anywhere yet.
//!
//! Must not know how they were asked for.

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

/// The tokens of a completed login. They are lost unless [`Login::save`](crate::Login::save) keeps them.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) application: Application,
    pub(crate) endpoints: Endpoints,
    pub(crate) scopes: Vec<String>,
    pub(crate) access: Access,
    pub(crate) refresh: Option<Refresh>,
    /// What makes the end of the process wait until the grant is saved or dropped.
    in_flight: Option<Arc<InFlightRequest>>,
}

impl Grant {
    /// Takes an answer of the token endpoint to a request sent at `asked_at`. The token's life is counted from then, when it
    /// cannot have begun yet. Without an access token that can be sent there is no grant, and the refresh token is given back.
    pub(crate) fn from_answer(
        application: &Application,
        endpoints: &Endpoints,
        asked_at: Timestamp,
        answer: TokenAnswer,
    ) -> Result<Self, Option<SecretString>> {
        // Found unusable now, it is an error of this answer and not of every call that would send it.
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
                obtained_at: asked_at,
                expires_at: Some(expires_at(asked_at, answer.expires_in)),
            },
            refresh: answer.refresh_token.map(|token| Refresh {
                token,
                obtained_at: asked_at,
            }),
            in_flight: None,
        })
    }

    /// Makes the end of the process wait until this is saved or dropped.
    pub(crate) fn until_stored(&mut self, in_flight: InFlightRequest) {
        in_flight.answered();
        self.in_flight = Some(Arc::new(in_flight));
    }

    /// An answer that does not name the scopes granted all that were `asked` for (RFC 6749, section 5.1).
    pub(crate) fn assume_scopes(&mut self, asked: Vec<String>) {
        if self.scopes.is_empty() {
            self.scopes = asked;
        }
    }

    /// The access token, for the call that shows whose login it is.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] cannot come: an answer with such a token is refused before it becomes a grant.
    pub fn access_token(&self) -> Result<AccessToken, InvalidToken> {
        AccessToken::new(self.access.token.expose_secret())
    }

    /// What the user allowed, which may be less than was asked for.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether the login lasts longer than its first access token: it does with the scope `offline_access` only.
    pub fn is_renewable(&self) -> bool {
        self.refresh.is_some()
    }
}
