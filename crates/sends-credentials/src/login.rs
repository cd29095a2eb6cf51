//! Login stored in a state folder.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{AccessToken, TokenError, TokenSource};

use crate::{
    Account, CredentialId, Grant, LoginRequired, Settings, StateDir, Status, StoreError,
    credential::Credential, last_rejection::LastRejection, renewal::Renewal,
};

const FILE_STEM: &str = "credential";

/// Login of one account, stored in the file `credential.json` of a [`StateDir`].
///
/// Any number of processes may share a folder. They share refreshes, and each process detects a login or logout at its next token
/// request. Clones share all state. Without a login, [`token`](TokenSource::token) fails with [`TokenError::LoginRequired`].
#[derive(Clone, Debug)]
pub struct Login {
    renewal: Renewal,
    /// Last rejection of an access token that has no refresh token.
    rejection: Arc<LastRejection>,
}

impl Login {
    pub fn new(dir: &StateDir, settings: Settings) -> Self {
        Self {
            rejection: Arc::new(LastRejection::new(Arc::clone(&settings.clock))),
            renewal: Renewal::new(dir, FILE_STEM, None, settings),
        }
    }

    /// Stores the tokens of a new login durably and replaces the previous tokens. A file that is damaged or readable by other
    /// users is replaced, and a file of a newer version is an error.
    ///
    /// The login has a new id until [`set_account`](Self::set_account) shows that the account is the same as before.
    pub async fn save(&self, grant: Grant) -> Result<CredentialId, StoreError> {
        let locked = self.renewal.store().lock().await?;
        let replaced = match locked.read() {
            Ok(credential) => credential,
            Err(StoreError::Damaged { .. } | StoreError::ReadableByOthers { .. }) => None,
            Err(error) => return Err(error),
        };
        let credential = Credential::granted(grant, replaced)?;
        locked.write(&credential).await?;
        Ok(credential.id)
    }

    /// Records the account. Returns the id of the credential, which is the previous login's id if both logins belong to the same
    /// account.
    pub async fn set_account(&self, account: Account) -> Result<CredentialId, StoreError> {
        let locked = self.renewal.store().lock().await?;
        let mut credential = locked.read()?.ok_or(StoreError::NotLoggedIn)?;
        credential.identify(account);
        locked.write(&credential).await?;
        Ok(credential.id)
    }

    /// Removes the file durably, even if it is unreadable, so that other processes stop using the login. Returns whether a file
    /// existed.
    ///
    /// The tokens stay valid, because the upstream documents no way to revoke them except in the account's settings.
    pub async fn logout(&self) -> Result<bool, StoreError> {
        self.renewal.store().lock().await?.remove().await
    }

    /// Returns `None` if the folder has no login.
    pub fn status(&self) -> Result<Option<Status>, StoreError> {
        self.renewal.status()
    }

    /// Returns the reason for which a new login is required, or `None` if the login works.
    pub fn login_required(&self) -> Result<Option<LoginRequired>, StoreError> {
        Ok(match self.status()? {
            Some(status) => status.login_required.or_else(|| {
                let is_rejected = status.refresh_token.is_none() && self.rejection.since().is_some();
                is_rejected.then_some(LoginRequired::NoRefreshToken)
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
        self.rejection.clear();
        self.renewal.accepted(token);
    }

    fn refused(&self, _token: &AccessToken, retry_in: Duration) {
        self.rejection.record(retry_in);
    }
}
