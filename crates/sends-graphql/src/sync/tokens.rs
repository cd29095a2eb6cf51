//! Token source of one account, which fails once another account is connected.
//!
//! Without this check, a login to another account during a synchronisation would mix the sends of both accounts in one log.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future, future::BoxFuture};
use sends_client::{AccessToken, TokenError, TokenSource};
use sends_store::Owner;

use crate::sources::access::OwnOwner;

pub(super) struct AccountTokens {
    pub(super) account: Owner,
    pub(super) connected: OwnOwner,
    pub(super) tokens: Arc<dyn TokenSource>,
}

impl AccountTokens {
    fn rejection(&self) -> Option<BoxFuture<'_, Result<AccessToken, TokenError>>> {
        let is_another = self.connected.now() != self.account;
        is_another.then(|| future::ready(Err(TokenError::LoginRequired)).boxed())
    }
}

impl TokenSource for AccountTokens {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        self.rejection().unwrap_or_else(|| self.tokens.token())
    }

    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        self.rejection().unwrap_or_else(|| self.tokens.renew(rejected))
    }

    fn accepted(&self, token: &AccessToken) {
        self.tokens.accepted(token);
    }

    fn refused(&self, token: &AccessToken, left_alone_for: Duration) {
        self.tokens.refused(token, left_alone_for);
    }
}

impl std::fmt::Debug for AccountTokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("AccountTokens")
            .field(&self.tokens)
            .finish()
    }
}
