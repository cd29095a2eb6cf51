//! The login given by environment variables, as containers are.
//!
//! Owns the variables' names and what combination of them is a login. Must not know how a token is refreshed.

use std::time::Duration;

use futures_util::{FutureExt, future::BoxFuture};
use secrecy::{ExposeSecret, SecretString};
use sends_client::{AccessToken, InvalidToken, TokenError, TokenSource};

use crate::{
    Application, CredentialId, Endpoints, LoginRequired, Settings, StateDir, Status, StoreError,
    credential::{Access, Credential, Refresh},
    fingerprint::fingerprint,
    fixed_token::FixedToken,
    renewal::Renewal,
};

/// An access token. Alone it is used until it is rejected.
pub const ACCESS_TOKEN: &str = "SENDS_ACCESS_TOKEN";
/// A refresh token, which needs [`CLIENT_ID`] and a state folder that outlives the container.
pub const REFRESH_TOKEN: &str = "SENDS_REFRESH_TOKEN";
/// The application's id.
pub const CLIENT_ID: &str = "SENDS_CLIENT_ID";
/// The application's secret, if it has one.
pub const CLIENT_SECRET: &str = "SENDS_CLIENT_SECRET";

/// The four variables as found.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentVariables {
    /// [`ACCESS_TOKEN`].
    pub access_token: Option<SecretString>,
    /// [`REFRESH_TOKEN`].
    pub refresh_token: Option<SecretString>,
    /// [`CLIENT_ID`].
    pub client_id: Option<String>,
    /// [`CLIENT_SECRET`].
    pub client_secret: Option<SecretString>,
}

/// Why the variables are no login.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidEnvironment {
    /// A refresh token is issued to an application and works for no other.
    #[error("{REFRESH_TOKEN} is set and {CLIENT_ID} is not")]
    NoClientId,
    /// The text is no token.
    #[error("{ACCESS_TOKEN}: {0}")]
    AccessToken(InvalidToken),
}

/// A login from the environment.
///
/// With a refresh token that rotates, the environment is right only once. What follows is kept in the state folder, under
/// the fingerprint of the token it began with: a restart goes on with the newest, a new token in the environment starts
/// afresh, and two services with different tokens do not meet. What is kept under a former one stays, since only that goes on
/// where somebody sets the former token again; unused for 180 days it is worth nothing to anybody (documented).
#[derive(Clone, Debug)]
pub struct EnvironmentCredential(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Nothing renews it.
    Fixed(FixedToken),
    Renewed(Renewal),
}

impl EnvironmentVariables {
    /// Reads the variables with `get`, which is `|name| std::env::var(name).ok()` outside tests. What is empty counts as not
    /// set, which is how compose files leave a variable out.
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
    /// The login that the variables are. `None` when neither token is set; an application's id alone is for logging in.
    ///
    /// # Errors
    ///
    /// [`InvalidEnvironment`] when they are set and make no login.
    pub fn new(
        variables: EnvironmentVariables,
        endpoints: Endpoints,
        dir: &StateDir,
        settings: Settings,
    ) -> Result<Option<Self>, InvalidEnvironment> {
        let EnvironmentVariables {
            access_token,
            refresh_token,
            client_id,
            client_secret,
        } = variables;
        let checked = |token: &SecretString| {
            AccessToken::new(token.expose_secret()).map_err(InvalidEnvironment::AccessToken)
        };
        let fixed = access_token.as_ref().map(checked).transpose()?;
        let Some(refresh_token) = refresh_token else {
            return Ok(fixed.map(|token| Self(Kind::Fixed(FixedToken::new(token, settings.clock)))));
        };
        let origin = fingerprint(&refresh_token);
        let now = settings.clock.now();
        let seed = Credential {
            id: CredentialId::derived(&origin),
            application: Application {
                client_id: client_id.ok_or(InvalidEnvironment::NoClientId)?,
                client_secret,
            },
            endpoints,
            scopes: Vec::new(),
            access: access_token.map(|token| Access {
                token,
                obtained_at: now,
                expires_at: None,
            }),
            refresh: Some(Refresh {
                token: refresh_token,
                obtained_at: now,
            }),
            account: None,
            previous: None,
            refresh_in_flight: None,
            login_required: None,
            refresh_refusals: None,
        };
        let name = format!("environment-{origin}");
        Ok(Some(Self(Kind::Renewed(Renewal::new(
            dir,
            &name,
            Some(seed),
            settings,
        )))))
    }

    /// What can be said about it. `None` for an access token alone, of which nothing is known.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file with the rotated tokens is refused.
    pub fn status(&self) -> Result<Option<Status>, StoreError> {
        match &self.0 {
            Kind::Fixed(_) => Ok(None),
            Kind::Renewed(renewal) => {
                let now = renewal.settings().clock.now();
                let credential = renewal.credential()?;
                Ok(credential.map(|credential| Status::of(&credential, now)))
            }
        }
    }

    /// Why somebody has to set other tokens. `None` as long as these work, as far as is known: an access token alone is
    /// known to work no more once it was refused, until the next try is due.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file with the rotated tokens is refused.
    pub fn login_required(&self) -> Result<Option<LoginRequired>, StoreError> {
        match &self.0 {
            Kind::Fixed(token) => Ok(token.login_required()),
            Kind::Renewed(_) => Ok(self.status()?.and_then(|status| status.login_required)),
        }
    }
}

impl TokenSource for EnvironmentCredential {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        match &self.0 {
            Kind::Fixed(token) => token.token(),
            Kind::Renewed(renewal) => renewal.token().boxed(),
        }
    }

    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        match &self.0 {
            Kind::Fixed(token) => token.renew(rejected),
            Kind::Renewed(renewal) => renewal.renew(rejected).boxed(),
        }
    }

    fn accepted(&self, token: &AccessToken) {
        match &self.0 {
            Kind::Fixed(fixed) => fixed.accepted(token),
            Kind::Renewed(renewal) => renewal.accepted(token),
        }
    }

    fn refused(&self, token: &AccessToken, left_alone_for: Duration) {
        if let Kind::Fixed(fixed) = &self.0 {
            fixed.refused(token, left_alone_for);
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
    fn what_is_set_decides_whether_it_is_a_login() {
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
    fn variables_are_never_printed() {
        let variables = EnvironmentVariables::read(|name| Some(format!("hush-{name}")));
        let printed = format!("{variables:?}");
        // The client id is public.
        assert_eq!(printed.matches("hush").count(), 1, "{printed}");
    }
}
