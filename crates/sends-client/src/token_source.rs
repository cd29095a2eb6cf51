//! Interface of a credential that yields and renews access tokens.

use std::{fmt, time::Duration};

use futures_util::future::{self, BoxFuture, FutureExt};

use crate::AccessToken;

/// Source of access tokens.
///
/// A call may be cancelled while it waits for one of these futures. A renewal in flight must then continue, or a rotated refresh
/// token could be lost with the future.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// The current token.
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>>;

    /// Replaces `rejected`, which the upstream has answered with 401. Several calls may request it with the same token at once: a
    /// current token that differs from `rejected` is returned without a renewal.
    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>>;

    /// Reports that the upstream accepted `token`, for sources that record rejections. Called inline; must not block.
    fn accepted(&self, token: &AccessToken) {
        let _ = token;
    }

    /// Reports that two paths rejected `token` with 401, so that it is not sent again for `pause`. Not called when only one path
    /// rejects it. Called inline; must not block.
    fn refused(&self, token: &AccessToken, pause: Duration) {
        let _ = (token, pause);
    }
}

/// Error of a token request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// The credential is missing or no longer valid; a user has to log in again.
    #[error("the login is missing or no longer valid")]
    LoginRequired,
    /// The token is fixed and cannot be renewed.
    #[error("the access token cannot be renewed")]
    NotRenewable,
    /// No token is available at the moment, as when the token endpoint does not answer.
    #[error("no access token is available at the moment: {reason}")]
    Unavailable {
        /// The cause, for the operator, without secrets.
        reason: String,
        /// Time after which a retry may succeed. `None` when unknown.
        retry_after: Option<Duration>,
    },
}

/// Fixed token, which cannot be renewed.
impl TokenSource for AccessToken {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        future::ready(Ok(self.clone())).boxed()
    }

    fn renew<'a>(&'a self, _rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        future::ready(Err(TokenError::NotRenewable)).boxed()
    }
}
