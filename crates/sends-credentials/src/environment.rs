//! Login from environment variables, for containers.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use sends_client::{AccessToken, InvalidToken, TokenError, TokenSource};

use crate::{
    Application, CredentialId, Endpoints, LoginRequired, Settings, StateDir, Status, StoreError,
    credential::{Access, Credential, Refresh},
    fingerprint::fingerprint,
    last_rejection::LastRejection,
    renewal::Renewal,
};

/// Access token. If no refresh token is set, the access token is used until the upstream rejects it.
pub const ACCESS_TOKEN: &str = "SENDS_ACCESS_TOKEN";
/// Refresh token. Requires [`CLIENT_ID`] and a state folder that outlives the container.
pub const REFRESH_TOKEN: &str = "SENDS_REFRESH_TOKEN";
pub const CLIENT_ID: &str = "SENDS_CLIENT_ID";
pub const CLIENT_SECRET: &str = "SENDS_CLIENT_SECRET";

#[derive(Clone, Debug, Default)]
pub struct EnvironmentVariables {
    pub access_token: Option<SecretString>,
    pub refresh_token: Option<SecretString>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidEnvironment {
    /// A refresh token is issued to one application and works for no other.
    #[error("{REFRESH_TOKEN} is set and {CLIENT_ID} is not")]
    NoClientId,
    #[error("{ACCESS_TOKEN}: {0}")]
    AccessToken(InvalidToken),
}

/// Login from the environment.
///
/// A rotating refresh token in the environment works once. Its successors are stored in the state folder, under the fingerprint
/// of the first token. A restart continues with the newest token, a new token in the environment starts a new file, and services
/// with different tokens do not interfere. The file of a replaced token is kept in case the token is set again.
#[derive(Clone, Debug)]
pub struct EnvironmentCredential(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Access token without a refresh token.
    Fixed(AccessToken, Arc<LastRejection>),
    Renewed(Renewal),
}

impl EnvironmentVariables {
    /// Reads the variables with `get`, which is `|name| std::env::var(name).ok()` outside tests. An empty variable counts as
    /// unset, as in compose files.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| {
            let value = SecretString::from(get(name)?);
            let trimmed = value.expose_secret().trim();
            (!trimmed.is_empty()).then(|| SecretString::from(trimmed))
        };
        Self {
            access_token: text(ACCESS_TOKEN),
            refresh_token: text(REFRESH_TOKEN),
            client_id: text(CLIENT_ID).map(|id| id.expose_secret().to_owned()),
            client_secret: text(CLIENT_SECRET),
        }
    }
}

impl EnvironmentCredential {
    /// Returns `None` if neither token is set.
    pub fn new(
        variables: EnvironmentVariables,
        endpoints: Endpoints,
        dir: &StateDir,
        settings: Settings,
    ) -> Result<Option<Self>, InvalidEnvironment> {
        let checked = |token: &SecretString| {
            AccessToken::new(token.expose_secret()).map_err(InvalidEnvironment::AccessToken)
        };
        let fixed = variables.access_token.as_ref().map(checked).transpose()?;
        let Some(refresh_token) = variables.refresh_token else {
            let rejection = Arc::new(LastRejection::new(settings.clock));
            return Ok(fixed.map(|token| Self(Kind::Fixed(token, rejection))));
        };
        let application = Application {
            client_id: variables.client_id.ok_or(InvalidEnvironment::NoClientId)?,
            client_secret: variables.client_secret,
        };
        let origin = fingerprint(&refresh_token);
        let obtained_at = settings.clock.now();
        let seed = Credential {
            access: variables.access_token.map(|token| Access {
                token,
                obtained_at,
                expires_at: None,
            }),
            refresh: Some(Refresh {
                token: refresh_token,
                obtained_at,
            }),
            ..Credential::new(CredentialId::derived(&origin), application, endpoints)
        };
        let name = format!("environment-{origin}");
        let renewal = Renewal::new(dir, &name, Some(seed), settings);
        Ok(Some(Self(Kind::Renewed(renewal))))
    }

    /// Returns `None` if there is only an access token, whose status is unknown.
    pub fn status(&self) -> Result<Option<Status>, StoreError> {
        match &self.0 {
            Kind::Fixed(..) => Ok(None),
            Kind::Renewed(renewal) => renewal.status(),
        }
    }

    /// Returns the reason for which new tokens are required, or `None` while no rejection of the current tokens is recorded.
    pub fn login_required(&self) -> Result<Option<LoginRequired>, StoreError> {
        match &self.0 {
            Kind::Fixed(_, rejection) => Ok(rejection
                .since()
                .map(|since| LoginRequired::TokenRefused { since })),
            Kind::Renewed(renewal) => Ok(renewal.status()?.and_then(|status| status.login_required)),
        }
    }
}

impl TokenSource for EnvironmentCredential {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        match &self.0 {
            Kind::Fixed(token, _) => token.token(),
            Kind::Renewed(renewal) => renewal.token().boxed(),
        }
    }

    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        match &self.0 {
            Kind::Fixed(token, _) => token.renew(rejected),
            Kind::Renewed(renewal) => renewal.renew(rejected).boxed(),
        }
    }

    fn accepted(&self, token: &AccessToken) {
        match &self.0 {
            Kind::Fixed(_, rejection) => rejection.clear(),
            Kind::Renewed(renewal) => renewal.accepted(token),
        }
    }

    fn refused(&self, _token: &AccessToken, retry_in: Duration) {
        if let Kind::Fixed(_, rejection) = &self.0 {
            rejection.record(retry_in);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(set: &[(&str, &str)]) -> Result<Option<EnvironmentCredential>, InvalidEnvironment> {
        let folder = tempfile::tempdir().unwrap();
        let get = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        };
        let variables = EnvironmentVariables::read(get);
        let dir = StateDir::open(folder.path()).unwrap();
        EnvironmentCredential::new(variables, Endpoints::default(), &dir, Settings::default())
    }

    #[test]
    fn variables_determine_the_kind_of_login() {
        assert!(made(&[]).unwrap().is_none());
        assert!(made(&[(CLIENT_ID, "id")]).unwrap().is_none());
        assert!(
            made(&[(ACCESS_TOKEN, " "), (REFRESH_TOKEN, "")])
                .unwrap()
                .is_none()
        );
        assert!(made(&[(ACCESS_TOKEN, "a\n")]).unwrap().is_some());
        assert!(
            made(&[(REFRESH_TOKEN, "r"), (CLIENT_ID, "id")])
                .unwrap()
                .is_some()
        );
        assert_eq!(
            made(&[(REFRESH_TOKEN, "r")]).unwrap_err(),
            InvalidEnvironment::NoClientId
        );
        assert_eq!(
            made(&[(ACCESS_TOKEN, "a b")]).unwrap_err(),
            InvalidEnvironment::AccessToken(InvalidToken)
        );
    }

    #[test]
    fn debug_output_hides_the_variables() {
        let variables = EnvironmentVariables::read(|name| Some(format!("hush-{name}")));
        let printed = format!("{variables:?}");
        // The client id is public.
        assert_eq!(printed.matches("hush").count(), 1, "{printed}");
    }
}
