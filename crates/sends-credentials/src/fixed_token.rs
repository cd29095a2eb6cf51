//! An access token that nothing renews, and what the upstream last made of it.
//!
//! Must not know where the token came from.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use sends_client::{AccessToken, Clock, TokenError, TokenSource};

use crate::LoginRequired;

/// The token, shared with what was learnt about it. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct FixedToken {
    token: AccessToken,
    refusal: Arc<LastRefusal>,
}

/// The last refusal of an access token that cannot be renewed.
#[derive(Debug)]
pub(crate) struct LastRefusal {
    clock: Arc<dyn Clock>,
    /// When it was, and how long the token is not tried again. After that the next request has to be let through, to find out.
    refused: Mutex<Option<(Timestamp, SignedDuration)>>,
}

impl LastRefusal {
    pub(crate) fn none(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            refused: Mutex::default(),
        }
    }

    /// When it was, until the next try is due.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        let (since, left_alone_for) = (*self.refused())?;
        let is_held = self.clock.now().duration_since(since).abs() < left_alone_for;
        is_held.then_some(since)
    }

    pub(crate) fn note(&self, left_alone_for: Duration) {
        let left_alone_for = SignedDuration::try_from(left_alone_for).unwrap_or(SignedDuration::MAX);
        *self.refused() = Some((self.clock.now(), left_alone_for));
    }

    pub(crate) fn clear(&self) {
        *self.refused() = None;
    }

    fn refused(&self) -> MutexGuard<'_, Option<(Timestamp, SignedDuration)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FixedToken {
    pub(crate) fn new(token: AccessToken, clock: Arc<dyn Clock>) -> Self {
        Self {
            token,
            refusal: Arc::new(LastRefusal::none(clock)),
        }
    }

    /// That the upstream refuses it, until the next try is due.
    pub(crate) fn login_required(&self) -> Option<LoginRequired> {
        let since = self.refusal.since()?;
        Some(LoginRequired::TokenRefused { since })
    }
}

impl TokenSource for FixedToken {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        self.token.token()
    }

    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        self.token.renew(rejected)
    }

    fn accepted(&self, _token: &AccessToken) {
        self.refusal.clear();
    }

    fn refused(&self, _token: &AccessToken, left_alone_for: Duration) {
        self.refusal.note(left_alone_for);
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
    async fn a_refusal_is_told_until_the_next_try_is_due_or_the_token_is_accepted() {
        let clock = Arc::new(SetClock::default());
        let token = AccessToken::new("token").unwrap();
        let fixed = FixedToken::new(token.clone(), Arc::<SetClock>::clone(&clock));
        assert_eq!(fixed.login_required(), None);
        let since = clock.now();
        fixed.refused(&token, Duration::from_mins(2));
        assert_eq!(
            fixed.login_required(),
            Some(LoginRequired::TokenRefused { since })
        );
        fixed.accepted(&token);
        assert_eq!(fixed.login_required(), None);

        fixed.refused(&token, Duration::from_mins(2));
        clock.0.store(119, Ordering::Relaxed);
        assert!(fixed.login_required().is_some());
        clock.0.store(120, Ordering::Relaxed);
        assert_eq!(fixed.login_required(), None);
    }
}
