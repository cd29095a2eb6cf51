//! What a login or a refresh brought: tokens that are not kept anywhere yet.
//!
//! Must not know how they were asked for.

use jiff::{SignedDuration, Timestamp};
use oauth2::{TokenResponse, basic::BasicTokenResponse};
use secrecy::{ExposeSecret, SecretString};
use sends_client::{AccessToken, InvalidToken};

use crate::{
    Application, Endpoints,
    credential::{Access, Refresh},
};

/// The tokens of a completed login. They are lost unless [`Login::save`](crate::Login::save) keeps them.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) application: Application,
    pub(crate) endpoints: Endpoints,
    pub(crate) scopes: Vec<String>,
    pub(crate) access: Access,
    pub(crate) refresh: Option<Refresh>,
}

impl Grant {
    /// Reads an answer of the token endpoint to a request sent at `asked_at`. The token's life is counted from then, when
    /// it cannot have begun yet.
    pub(crate) fn from_answer(
        application: &Application,
        endpoints: &Endpoints,
        asked_at: Timestamp,
        answer: &BasicTokenResponse,
    ) -> Result<Self, InvalidToken> {
        let token = answer.access_token().secret();
        // Found unusable now, it is an error of this answer and not of every call that would send it.
        AccessToken::new(token)?;
        let expires_at = answer
            .expires_in()
            .and_then(|life| SignedDuration::try_from(life).ok())
            .and_then(|life| asked_at.checked_add(life).ok());
        let scopes = answer.scopes().map(|scopes| {
            let names = scopes.iter().map(|scope| scope.to_string());
            names.filter(|name| !name.is_empty()).collect()
        });
        Ok(Self {
            application: application.clone(),
            endpoints: endpoints.clone(),
            scopes: scopes.unwrap_or_default(),
            access: Access {
                token: SecretString::from(token.trim()),
                obtained_at: asked_at,
                expires_at,
            },
            refresh: answer.refresh_token().map(|refresh| Refresh {
                token: SecretString::from(refresh.secret().as_str()),
                obtained_at: asked_at,
            }),
        })
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
