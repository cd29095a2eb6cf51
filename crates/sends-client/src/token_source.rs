//! Interface of a credential that issues and renews access tokens.

use std::{fmt, time::Duration};

use futures_util::future::{self, BoxFuture, FutureExt};

use crate::AccessToken;

/// Source of access tokens.
///
/// A call may be cancelled while it waits for one of these futures. A renewal in flight must then continue because a rotated
/// refresh token could be lost with the future.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// Returns the current token, or [`TokenError`] if no token is available.
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>>;

    /// Replaces `rejected`, to which the upstream has responded with 401. Several calls may concurrently request the replacement
    /// of the same token. If the current token already differs from `rejected`, it is returned without a renewal. The error is
    /// [`TokenError::NotRenewable`] for a fixed token.
    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>>;

    /// Reports that the upstream accepted `token`, for sources that record rejections. The method is called inline and must not
    /// block.
    fn accepted(&self, token: &AccessToken) {
        let _ = token;
    }

    /// Reports that two paths rejected `token` with 401, so that the token is not sent again for `pause`. The method is not
    /// called if only one path rejects the token. It is called inline and must not block.
    fn refused(&self, token: &AccessToken, pause: Duration) {
        let _ = (token, pause);
    }
}

/// Error of a token request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// The credential is missing or no longer valid, so a user has to log in again.
    #[error("the login is missing or no longer valid")]
    LoginRequired,
    /// The token is fixed and cannot be renewed.
    #[error("the access token cannot be renewed")]
    NotRenewable,
    /// No token is currently available, for example because the token endpoint does not respond.
    #[error("no access token is available at the moment: {reason}")]
    Unavailable {
        /// Cause for the operator. Contains no secrets.
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
