//! The login in a state folder.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{AccessToken, TokenError, TokenSource};

use crate::{
    Account, CredentialId, Grant, LoginRequired, Settings, StateDir, Status, StoreError,
    credential::Credential, last_refusal::LastRefusal, renewal::Renewal,
};

/// The name of the credential file, without its extension.
const FILE: &str = "credential";

/// The login of one account, in the file `credential.json` of a [`StateDir`].
///
/// Any number of processes may share a folder: they share refreshes, and each detects a login or logout at its next token
/// request. Clones share all state. Without a login, [`token`](TokenSource::token) fails with [`TokenError::LoginRequired`].
#[derive(Clone, Debug)]
pub struct Login {
    renewal: Renewal,
    /// The last rejection of the access token, used if no refresh token was granted.
    refusal: Arc<LastRefusal>,
}

impl Login {
    pub fn new(dir: &StateDir, settings: Settings) -> Self {
        Self {
            refusal: Arc::new(LastRefusal::new(Arc::clone(&settings.clock))),
            renewal: Renewal::new(dir, FILE, None, settings),
        }
    }

    /// Stores the tokens of a login durably and replaces the previous ones. A damaged file, or one that other users can read, is
    /// replaced; a file of a newer version is an error.
    ///
    /// The id is new until [`set_account`](Self::set_account) shows that the account is the same as before.
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

    /// Records the account. Returns the credential's id, which is the previous login's if that was of the same account.
    pub async fn set_account(&self, account: Account) -> Result<CredentialId, StoreError> {
        let locked = self.renewal.store().lock().await?;
        let mut credential = locked.read()?.ok_or(StoreError::NotLoggedIn)?;
        credential.identify(account);
        locked.write(&credential).await?;
        Ok(credential.id)
    }

    /// Removes the file durably, readable or not; other processes stop using the login. Returns whether there was one.
    ///
    /// The tokens stay valid: the upstream documents no way to revoke them except in the account's settings.
    pub async fn logout(&self) -> Result<bool, StoreError> {
        self.renewal.store().lock().await?.remove().await
    }

    /// `None` when there is no login.
    pub fn status(&self) -> Result<Option<Status>, StoreError> {
        self.renewal.status()
    }

    /// Reason for which a new login is required. `None` if the login works.
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

    fn refused(&self, _token: &AccessToken, retry_in: Duration) {
        self.refusal.record(retry_in);
    }
}
