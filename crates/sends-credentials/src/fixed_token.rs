//! An access token that nothing renews, and what the upstream last made of it.
//!
//! Must not know where the token came from.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sends_client::{AccessToken, Clock, TokenError, TokenSource};

use crate::LoginRequired;

/// How long a refusal is held against the token. Whoever gets no requests because of it finds out in no other way whether it
/// works again.
const HELD_FOR: Duration = Duration::from_mins(1);

/// The token, shared with what was learnt about it. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct FixedToken {
    token: AccessToken,
    clock: Arc<dyn Clock>,
    refused_at: Arc<Mutex<Option<Timestamp>>>,
}

impl FixedToken {
    pub(crate) fn new(token: AccessToken, clock: Arc<dyn Clock>) -> Self {
        Self {
            token,
            clock,
            refused_at: Arc::default(),
        }
    }

    /// That it was refused within the last minute, and not taken since.
    pub(crate) fn refused(&self) -> Option<LoginRequired> {
        let since = (*self.refused_at())?;
        let is_held = self.clock.now().duration_since(since).unsigned_abs() < HELD_FOR;
        is_held.then_some(LoginRequired::TokenRefused { since })
    }

    fn refused_at(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.refused_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenSource for FixedToken {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        self.token.token()
    }

    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        *self.refused_at() = Some(self.clock.now());
        self.token.renew(rejected)
    }

    fn accepted(&self, _token: &AccessToken) {
        *self.refused_at() = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct SetClock(AtomicI64);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
        }
    }

    #[tokio::test]
    async fn a_refusal_is_held_against_it_for_a_minute_or_until_it_is_taken() {
        let clock = Arc::new(SetClock::default());
        let token = AccessToken::new("token").unwrap();
        let fixed = FixedToken::new(token.clone(), Arc::<SetClock>::clone(&clock));
        assert_eq!(fixed.refused(), None);
        let since = clock.now();
        assert_eq!(fixed.renew(&token).await, Err(TokenError::NotRenewable));
        assert_eq!(fixed.refused(), Some(LoginRequired::TokenRefused { since }));
        fixed.accepted(&token);
        assert_eq!(fixed.refused(), None);

        let _ = fixed.renew(&token).await;
        clock.0.store(59, Ordering::Relaxed);
        assert!(fixed.refused().is_some());
        clock.0.store(60, Ordering::Relaxed);
        assert_eq!(fixed.refused(), None);
    }
}
