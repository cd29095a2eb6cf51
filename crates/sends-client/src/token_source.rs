//! Where access tokens come from, as far as a call has to know: one to try, and another one if that was refused.
//!
//! Must not know how a token is obtained, renewed or stored.

use std::{fmt, time::Duration};

use futures_util::future::{self, BoxFuture, FutureExt};

use crate::AccessToken;

/// A credential that yields access tokens.
///
/// A call may be given up while it waits for one of these futures. A renewal that is under way must then go on without
/// it, or a rotated refresh token could be lost together with the future.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// The token to send now.
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>>;

    /// A token to send instead of `rejected`, which the upstream has answered with 401. Many calls may be refused with one
    /// token at the same time: when the present token is another one already, it is the answer.
    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>>;

    /// The upstream has answered a request with `token`. For sources that remember a refusal; it runs on the way of a call
    /// and must not wait.
    fn accepted(&self, token: &AccessToken) {
        let _ = token;
    }

    /// Two paths have refused `token` with 401, so that it is not sent again for so long. Not called for the refusal of one path
    /// alone. It must not wait.
    fn refused(&self, token: &AccessToken, left_alone_for: Duration) {
        let _ = (token, left_alone_for);
    }
}

/// Why there is no token.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// The credential is dead, or there never was one. Only a person can log in again.
    #[error("a login is needed")]
    LoginRequired,
    /// The token was given as it is and cannot be replaced.
    #[error("the access token cannot be renewed")]
    NotRenewable,
    /// No token can be had at the moment, as when the token endpoint does not answer.
    #[error("no access token can be had at the moment: {reason}")]
    Unavailable {
        /// What went wrong, in words for the operator, without secrets.
        reason: String,
        /// How long to wait before asking again, where that is known.
        retry_after: Option<Duration>,
    },
}

/// A fixed token: it yields itself until it is refused, and nothing after that.
impl TokenSource for AccessToken {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        future::ready(Ok(self.clone())).boxed()
    }

    fn renew<'a>(&'a self, _rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        future::ready(Err(TokenError::NotRenewable)).boxed()
    }
}
