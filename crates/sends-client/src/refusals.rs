//! Access tokens that the upstream has answered with 401, so that they cost no further calls.
//!
//! One endpoint may refuse a token that others take (observed of `/contact_lists`), so a refusal is first held against that
//! endpoint alone. It is held against the token as a whole once the endpoint has taken it before, or a second endpoint refuses it
//! and none takes it. What is refused is tried again with one call after a pause, which doubles with each further refusal.
//!
//! Tokens are remembered by a hash. Must not know how a token is renewed.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use crate::AccessToken;

/// The pause after the first refusal.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// What the pause grows to at most.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How many tokens are remembered. Where callers bring their own, one that was never accepted makes room before one that was,
/// and among these the longest unused one.
const CAPACITY: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    hasher: RandomState,
    tokens: Mutex<HashMap<u64, Known>>,
    /// Told when a token was accepted or refused.
    settled: Notify,
}

/// What is known of a token.
#[derive(Clone, Debug)]
struct Known {
    used: Instant,
    /// The endpoints that have taken it, since it was last refused as a whole.
    accepted_by: Vec<&'static str>,
    refused_by: HashMap<&'static str, Refused>,
    refused: Option<Pause>,
}

#[derive(Clone, Debug)]
struct Refused {
    pause: Pause,
    /// Whether it was obtained because the one before was refused there, so that a renewal is no help.
    is_renewed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    length: Duration,
    /// Whether a request is on its way to find out.
    is_probed: bool,
}

/// A token that is not to be sent to an endpoint now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Held {
    /// Until it is tried again.
    pub(crate) wait: Duration,
    /// Whether another token may help.
    pub(crate) may_renew: bool,
    /// Whether other endpoints take the token.
    pub(crate) is_endpoints_own: bool,
}

impl Refusals {
    /// Whether `token` might be sent to `endpoint` now.
    pub(crate) fn check(&self, token: &AccessToken, endpoint: &'static str) -> Result<(), Held> {
        let tokens = self.tokens();
        let known = tokens.get(&self.key(token));
        known.map_or(Ok(()), |known| known.check(endpoint, Instant::now()))
    }

    /// The same for a request that is about to be sent. Where a pause is over it is the probe, and others wait for its outcome.
    pub(crate) fn admit(&self, token: &AccessToken, endpoint: &'static str) -> Result<(), Held> {
        let mut tokens = self.tokens();
        let Some(known) = tokens.get_mut(&self.key(token)) else {
            return Ok(());
        };
        let now = Instant::now();
        known.check(endpoint, now)?;
        let own = known
            .refused_by
            .get_mut(endpoint)
            .map(|refused| &mut refused.pause);
        for pause in own.into_iter().chain(&mut known.refused) {
            pause.probe(now);
        }
        Ok(())
    }

    /// Whether any endpoint takes `token`, as far as is known.
    pub(crate) fn is_accepted(&self, token: &AccessToken) -> bool {
        let tokens = self.tokens();
        let known = tokens.get(&self.key(token));
        known.is_some_and(|known| !known.accepted_by.is_empty())
    }

    /// Completes when any token was accepted or refused after this call.
    pub(crate) fn settled(&self) -> Notified<'_> {
        self.settled.notified()
    }

    /// Notes that `endpoint` has taken `token`.
    pub(crate) fn accepted(&self, token: &AccessToken, endpoint: &'static str) {
        let mut tokens = self.tokens();
        let known = Known::of(&mut tokens, self.key(token));
        known.refused = None;
        known.refused_by.remove(endpoint);
        if !known.accepted_by.contains(&endpoint) {
            known.accepted_by.push(endpoint);
            self.settled.notify_waiters();
        }
    }

    /// Notes that `endpoint` has answered `token` with 401.
    pub(crate) fn refused(&self, token: &AccessToken, endpoint: &'static str) -> Held {
        let mut tokens = self.tokens();
        let known = Known::of(&mut tokens, self.key(token));
        let now = Instant::now();
        let is_good_elsewhere = known.is_good_elsewhere(endpoint);
        let is_revoked = known.accepted_by.contains(&endpoint);
        let is_refused_twice =
            known.accepted_by.is_empty() && known.refused_by.keys().any(|other| *other != endpoint);
        if is_revoked || is_refused_twice || known.refused.is_some() {
            known.accepted_by.clear();
            known.refused.get_or_insert(Pause::none(now)).lengthen(now);
        }
        let refused = known.refused_by.entry(endpoint).or_insert_with(|| Refused {
            pause: Pause::none(now),
            is_renewed: false,
        });
        refused.pause.lengthen(now);
        self.settled.notify_waiters();
        Held {
            wait: refused.pause.length,
            may_renew: !refused.is_renewed,
            is_endpoints_own: is_good_elsewhere && !is_revoked,
        }
    }

    /// Notes that `renewed` was obtained in the place of `refused`, which `endpoint` had refused.
    pub(crate) fn renewed(&self, refused: &AccessToken, renewed: &AccessToken, endpoint: &'static str) {
        let mut tokens = self.tokens();
        let before = tokens.get(&self.key(refused)).cloned();
        let known = Known::of(&mut tokens, self.key(renewed));
        let Some(before) = before.filter(|_| known.accepted_by.is_empty() && known.refused_by.is_empty())
        else {
            return;
        };
        let now = Instant::now();
        known.accepted_by = before.accepted_by;
        // Endpoints that had refused a renewed token before are not helped by this one either.
        known.refused_by = before.refused_by;
        known
            .refused_by
            .retain(|other, refused| refused.is_renewed && *other != endpoint);
        let own = Refused {
            pause: Pause::none(now),
            is_renewed: true,
        };
        known.refused_by.insert(endpoint, own);
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<u64, Known>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A hash of the token, of use in this process alone.
    pub(crate) fn key(&self, token: &AccessToken) -> u64 {
        self.hasher.hash_one(token)
    }
}

impl Known {
    fn of(tokens: &mut HashMap<u64, Self>, key: u64) -> &mut Self {
        let now = Instant::now();
        if tokens.len() >= CAPACITY && !tokens.contains_key(&key) {
            let oldest = tokens
                .iter()
                .min_by_key(|(_, known)| (!known.accepted_by.is_empty(), known.used))
                .map(|(key, _)| *key);
            oldest.and_then(|oldest| tokens.remove(&oldest));
        }
        let known = tokens.entry(key).or_insert_with(|| Self {
            used: now,
            accepted_by: Vec::new(),
            refused_by: HashMap::new(),
            refused: None,
        });
        known.used = now;
        known
    }

    fn check(&self, endpoint: &str, now: Instant) -> Result<(), Held> {
        let own = self.refused_by.get(endpoint);
        let until = own
            .map(|refused| refused.pause.until)
            .max(self.refused.map(|pause| pause.until));
        match until {
            Some(until) if until > now => Err(Held {
                wait: until - now,
                may_renew: own.is_none_or(|refused| !refused.is_renewed),
                is_endpoints_own: self.refused.is_none() && self.is_good_elsewhere(endpoint),
            }),
            _ => Ok(()),
        }
    }

    fn is_good_elsewhere(&self, endpoint: &str) -> bool {
        self.accepted_by.iter().any(|other| *other != endpoint)
    }
}

impl Pause {
    fn none(now: Instant) -> Self {
        Self {
            until: now,
            length: Duration::ZERO,
            is_probed: false,
        }
    }

    /// After a refusal. Those of requests that were on their way together count once.
    fn lengthen(&mut self, now: Instant) {
        if self.until > now && !self.is_probed {
            return;
        }
        self.length = (self.length * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.until = now + self.length;
        self.is_probed = false;
    }

    fn probe(&mut self, now: Instant) {
        self.until = now + self.length;
        self.is_probed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: &str = "send_history";
    const LISTS: &str = "contact_lists";

    fn token(text: &str) -> AccessToken {
        AccessToken::new(text).unwrap()
    }

    async fn pass(pause: Duration) {
        tokio::time::advance(pause).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_token_is_held_everywhere_and_probed_after_growing_pauses() {
        let (refusals, token) = (Refusals::default(), token("t"));
        refusals.accepted(&token, HISTORY);
        assert!(!refusals.refused(&token, HISTORY).is_endpoints_own);
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = Duration::from_secs(minutes * 60);
            for endpoint in [HISTORY, LISTS] {
                let held = refusals.check(&token, endpoint).unwrap_err();
                assert_eq!((held.wait, held.is_endpoints_own), (pause, false), "{endpoint}");
            }
            pass(pause).await;
            assert_eq!(refusals.check(&token, HISTORY), Ok(()));
            assert_eq!(refusals.admit(&token, HISTORY), Ok(()));
            assert!(refusals.admit(&token, HISTORY).is_err(), "one probe at a time");
            assert!(refusals.admit(&token, LISTS).is_err());
            refusals.refused(&token, HISTORY);
        }
        refusals.accepted(&token, HISTORY);
        assert_eq!(refusals.check(&token, LISTS), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_of_requests_sent_together_count_once() {
        let (refusals, token) = (Refusals::default(), token("t"));
        refusals.accepted(&token, HISTORY);
        for _ in 0..20 {
            refusals.refused(&token, HISTORY);
        }
        assert_eq!(refusals.check(&token, HISTORY).unwrap_err().wait, FIRST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_an_outcome_is_followed_by_another() {
        let (refusals, token) = (Refusals::default(), token("t"));
        refusals.refused(&token, HISTORY);
        pass(FIRST_PAUSE).await;
        assert!(refusals.admit(&token, HISTORY).is_ok());
        assert!(refusals.admit(&token, HISTORY).is_err());
        pass(FIRST_PAUSE).await;
        assert!(refusals.admit(&token, HISTORY).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_endpoint_that_refuses_a_token_does_not_hold_up_the_others() {
        let (refusals, token) = (Refusals::default(), token("t"));
        // Whether it is asked first or later.
        assert!(!refusals.refused(&token, LISTS).is_endpoints_own);
        assert_eq!(refusals.check(&token, HISTORY), Ok(()));
        refusals.accepted(&token, HISTORY);
        assert!(refusals.check(&token, LISTS).unwrap_err().is_endpoints_own);
        assert_eq!(refusals.check(&token, HISTORY), Ok(()));
        pass(FIRST_PAUSE).await;
        assert!(refusals.refused(&token, LISTS).is_endpoints_own);
        assert_eq!(refusals.check(&token, HISTORY), Ok(()));
        // Revoked at last.
        assert!(!refusals.refused(&token, HISTORY).is_endpoints_own);
        assert!(refusals.check(&token, "campaigns").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_endpoint_settles_it_for_a_token_that_none_takes() {
        let (refusals, token) = (Refusals::default(), token("t"));
        refusals.refused(&token, LISTS);
        refusals.refused(&token, HISTORY);
        assert!(refusals.check(&token, "campaigns").is_err());
        assert_eq!(refusals.check(&super::tests::token("other"), HISTORY), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_did_not_help_is_not_repeated_for_any_of_two_endpoints() {
        let refusals = Refusals::default();
        let tokens = ["1", "2", "3"].map(token);
        refusals.accepted(&tokens[0], HISTORY);
        assert!(refusals.refused(&tokens[0], LISTS).may_renew);
        refusals.renewed(&tokens[0], &tokens[1], LISTS);
        assert_eq!(refusals.admit(&tokens[1], LISTS), Ok(()));
        let held = refusals.refused(&tokens[1], LISTS);
        assert!(held.is_endpoints_own && !held.may_renew);
        assert!(refusals.refused(&tokens[1], "segments").may_renew);
        refusals.renewed(&tokens[1], &tokens[2], "segments");
        assert!(!refusals.refused(&tokens[2], "segments").may_renew);
        assert!(!refusals.check(&tokens[2], LISTS).unwrap_err().may_renew);
        assert_eq!(refusals.check(&tokens[2], HISTORY), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_token_is_not_displaced_by_refused_ones() {
        let refusals = Refusals::default();
        refusals.accepted(&token("honest"), HISTORY);
        for number in 0..2 * CAPACITY {
            pass(Duration::from_millis(1)).await;
            refusals.refused(&token(&format!("t{number}")), HISTORY);
        }
        assert!(refusals.is_accepted(&token("honest")));
        assert_eq!(refusals.tokens().len(), CAPACITY);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_tokens_is_bounded() {
        let refusals = Refusals::default();
        for number in 0..CAPACITY + 10 {
            refusals.refused(&token(&format!("t{number}")), HISTORY);
            pass(Duration::from_millis(1)).await;
        }
        assert_eq!(refusals.tokens().len(), CAPACITY);
        assert!(refusals.check(&token("t0"), HISTORY).is_ok());
        assert!(refusals.check(&token("t20"), HISTORY).is_err());
    }
}
