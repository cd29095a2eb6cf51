//! The login kept in a state folder: what a person obtained once and the service lives on.
//!
//! Must not know how it was obtained, nor what its tokens are used for.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{AccessToken, TokenError, TokenSource};

use crate::{
    Account, CredentialId, Grant, LoginRequired, Settings, StateDir, Status, StoreError,
    credential::Credential, fixed_token::LastRefusal, renewal::Renewal,
};

/// The name of the credential file, without its extension.
const FILE: &str = "credential";

/// The login of one account, kept in the file `credential.json` of a [`StateDir`].
///
/// Any number of processes may use one folder at a time: a refresh that one of them makes is used by all, and a login or
/// logout is noticed with the next token that is asked for. Cloning is cheap and shares everything.
///
/// There need not be a login yet: until there is one, [`token`](TokenSource::token) answers
/// [`TokenError::LoginRequired`].
#[derive(Clone, Debug)]
pub struct Login {
    renewal: Renewal,
    /// Of the access token, which is all there is where no refresh token was granted.
    refusal: Arc<LastRefusal>,
}

impl Login {
    /// The login kept in `dir`, whether or not there is one.
    pub fn new(dir: &StateDir, settings: Settings) -> Self {
        Self {
            refusal: Arc::new(LastRefusal::none(Arc::clone(&settings.clock))),
            renewal: Renewal::new(dir, FILE, None, settings),
        }
    }

    /// Keeps what a login brought, durably, in the place of what was kept before.
    ///
    /// It gets an id of its own until [`set_account`](Self::set_account) shows that it is the same account as before.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. A file that is damaged or that others could read is replaced, one of a newer version is not.
    pub async fn save(&self, grant: Grant) -> Result<CredentialId, StoreError> {
        let locked = self.renewal.store().lock().await?;
        let replaced = match locked.read() {
            Ok(found) => found.map(|found| found.credential),
            // What is unusable has no account that could be kept.
            Err(StoreError::Damaged { .. } | StoreError::ReadableByOthers { .. }) => None,
            Err(error) => return Err(error),
        };
        let credential = Credential::granted(grant, replaced)?;
        locked.write(&credential).await?;
        Ok(credential.id)
    }

    /// Notes whose login it is. Gives the credential's id, which is the one of the login before if that was of the same
    /// account.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotLoggedIn`] when there is no login, and otherwise why the file cannot be changed.
    pub async fn set_account(&self, account: Account) -> Result<CredentialId, StoreError> {
        let locked = self.renewal.store().lock().await?;
        let mut credential = locked.read()?.ok_or(StoreError::NotLoggedIn)?.credential;
        credential.identify(account);
        locked.write(&credential).await?;
        Ok(credential.id)
    }

    /// Forgets the login: the file is removed durably, and processes that use it stop. Tells whether there was one.
    ///
    /// The tokens stay valid at the upstream, which documents no way to revoke them but in the account's own settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file cannot be removed. It need not be readable for that.
    pub async fn logout(&self) -> Result<bool, StoreError> {
        self.renewal.store().lock().await?.remove().await
    }

    /// What can be said about the login. `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file is refused, which a service should say at its start.
    pub fn status(&self) -> Result<Option<Status>, StoreError> {
        let now = self.renewal.settings().clock.now();
        let credential = self.renewal.credential()?;
        Ok(credential.map(|credential| Status::of(&credential, now)))
    }

    /// Why a person has to log in, in words for the log, the readiness check and an error's extensions. `None` when the
    /// login works.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file is refused.
    pub fn login_required(&self) -> Result<Option<LoginRequired>, StoreError> {
        Ok(match self.status()? {
            Some(status) => status.login_required.or_else(|| {
                let is_refused = status.refresh_token.is_none() && self.refusal.since().is_some();
                is_refused.then_some(LoginRequired::NoRefreshToken)
            }),
            None => Some(LoginRequired::NotLoggedIn),
        })
    }
}

impl TokenSource for Login {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        self.renewal.token().boxed()
    }

    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        self.renewal.renew(rejected).boxed()
    }

    fn accepted(&self, token: &AccessToken) {
        self.refusal.clear();
        self.renewal.accepted(token);
    }

    fn refused(&self, _token: &AccessToken, left_alone_for: Duration) {
        self.refusal.note(left_alone_for);
    }
}
