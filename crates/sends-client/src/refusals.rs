//! Access tokens and paths that the upstream has answered with 401, so that they cost no further calls.
//!
//! A single path may refuse a token that is good elsewhere (observed of `/contact_lists`), so a 401 is held against the token
//! only once it is confirmed: another path, asked after it, refuses the token as well. Where another path accepts it, the 401 is
//! the path's own, and only that path is left alone. One such probe a minute is enough for all paths of a token. What is refused
//! is tried again with one call after a pause, which doubles with each further refusal.
//!
//! Tokens are remembered by a hash. Must not know how a token is renewed, nor how a probe is sent.

mod token_state;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::{Instant, timeout_at},
};

use self::token_state::TokenState;
use crate::{AccessToken, Endpoint};

/// For how long the outcome of a probe holds for other paths that refuse the token.
const PROBE_HOLDS: Duration = Duration::from_mins(1);

/// How long other calls with the token wait for the outcome of a probe: for a turn in the next second, and the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// After so many refusals in a row another probe is made all the same, since the token may have been revoked meanwhile.
const REFUSALS_PER_PROBE: u32 = 20;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    hasher: RandomState,
    tokens: Mutex<HashMap<u64, TokenState>>,
    /// Told when a token was accepted or refused.
    settled: Notify,
}

/// A request that may be sent. Dropped without an outcome, as when the upstream did not answer, it leaves its place as a probe
/// to the next request.
#[derive(Debug)]
#[must_use = "an admission that is dropped is no probe"]
pub(crate) struct Admission<'a> {
    refusals: &'a Refusals,
    key: u64,
    endpoint: &'a Endpoint,
    probes: Probes,
}

/// The ends of the pauses that the request is the probe of, which tell them from the pauses of other probes.
#[derive(Clone, Copy, Debug, Default)]
struct Probes {
    token: Option<Instant>,
    path: Option<Instant>,
}

/// A token that is not to be sent to a path now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Held {
    /// Until it is tried again.
    pub(crate) wait: Duration,
    pub(crate) by: RefusedBy,
    /// Whether another token may help.
    pub(crate) may_renew: bool,
}

/// What refuses a token, as far as is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RefusedBy {
    /// This path, while others accept the token.
    PathAlone,
    /// This path; whether others accept the token is not known.
    Path,
    /// The upstream as a whole.
    Upstream,
}

impl Refusals {
    /// Whether `token` might be sent to `endpoint` now.
    pub(crate) fn check(&self, token: &AccessToken, endpoint: &Endpoint) -> Result<(), Held> {
        let tokens = self.tokens();
        let known = tokens.get(&self.key(token));
        known.map_or(Ok(()), |known| known.check(endpoint, Instant::now()))
    }

    /// The same for a request that is about to be sent. Where a pause is over it is the probe, and others are not sent before
    /// its outcome.
    pub(crate) fn admit<'a>(
        &'a self,
        token: &AccessToken,
        endpoint: &'a Endpoint,
    ) -> Result<Admission<'a>, Held> {
        let key = self.key(token);
        let mut probes = Probes::default();
        if let Some(known) = self.tokens().get_mut(&key) {
            let now = Instant::now();
            known.check(endpoint, now)?;
            let path = known.refused_by.get_mut(endpoint);
            probes = Probes {
                token: known.refused.as_mut().map(|pause| pause.probe(now)),
                path: path.map(|refused| refused.pause.probe(now)),
            };
        }
        Ok(Admission {
            refusals: self,
            key,
            endpoint,
            probes,
        })
    }

    /// Whether any path accepts `token`, as far as is known.
    pub(crate) fn is_accepted(&self, token: &AccessToken) -> bool {
        let tokens = self.tokens();
        let known = tokens.get(&self.key(token));
        known.is_some_and(|known| known.accepted_at.is_some())
    }

    /// Completes when any token was accepted or refused after this call.
    pub(crate) fn settled(&self) -> Notified<'_> {
        self.settled.notified()
    }

    /// Notes that `endpoint` has accepted `token` in a request that left at `departed`.
    pub(crate) fn accepted(&self, token: &AccessToken, endpoint: &Endpoint, departed: Instant) {
        let mut tokens = self.tokens();
        let known = TokenState::of(&mut tokens, self.key(token));
        if known.refused_at.is_some_and(|refused_at| departed < refused_at) {
            return;
        }
        known.is_being_probed &= known.probed_at.is_some_and(|probed_at| departed < probed_at);
        known.accepted_at = known.accepted_at.max(Some(departed));
        if !known.accepted_by.as_ref().is_some_and(is_cheap) {
            known.accepted_by = Some(endpoint.clone());
        }
        known.refused = None;
        (known.is_renewed, known.earlier_pause, known.refusals) = (false, Duration::ZERO, 0);
        known.refused_by.remove(endpoint);
        for refused in known.refused_by.values_mut() {
            refused.is_own |= refused.at < departed;
        }
        self.settled.notify_waiters();
    }

    /// Completes when it is not, or no longer, being found out whether `token` is refused as a whole.
    pub(crate) async fn probed(&self, token: &AccessToken) {
        loop {
            let settled = self.settled.notified();
            let Some(until) = self.being_probed_until(token) else {
                return;
            };
            if timeout_at(until, settled).await.is_err() {
                return;
            }
        }
    }

    /// Until when calls with `token` wait for the outcome of a probe.
    pub(crate) fn being_probed_until(&self, token: &AccessToken) -> Option<Instant> {
        let tokens = self.tokens();
        let known = tokens
            .get(&self.key(token))
            .filter(|known| known.is_being_probed)?;
        let until = known.probed_at? + PATIENCE;
        (until > Instant::now()).then_some(until)
    }

    /// Held by a call while it finds out whose refusal its 401 is.
    pub(crate) fn confirmation(&self, token: &AccessToken) -> Arc<tokio::sync::Mutex<()>> {
        let mut tokens = self.tokens();
        Arc::clone(&TokenState::of(&mut tokens, self.key(token)).confirmation)
    }

    /// Notes that `endpoint` has answered a request with 401 that left at `departed`, if what is known tells whose refusal that
    /// is. `None` when only a probe can tell.
    pub(crate) fn refused(
        &self,
        token: &AccessToken,
        endpoint: &Endpoint,
        departed: Instant,
    ) -> Option<Held> {
        let mut tokens = self.tokens();
        let known = TokenState::of(&mut tokens, self.key(token));
        let now = Instant::now();
        let is_known = known
            .refused_by
            .get(endpoint)
            .is_some_and(|refused| refused.is_own);
        let is_probed = known.probed_at.is_some_and(|at| now < at + PROBE_HOLDS);
        let held = if is_known {
            // It tells nothing of the token, so that another request may be the probe of that.
            if let Some(refused) = known.refused.as_mut().filter(|pause| pause.is_probed) {
                (refused.until, refused.is_probed) = (now, false);
            }
            known.refused_by_path(endpoint, now, true)
        } else if known.refused.is_some() {
            known.refused_by_upstream(now)
        } else if known.accepted_at.is_some_and(|at| at > departed) {
            known.refused_by_path(endpoint, now, true)
        } else if is_probed && known.accepted_at >= known.probed_at {
            known.refusals += 1;
            if known.refusals >= REFUSALS_PER_PROBE {
                return None;
            }
            known.refused_by_path(endpoint, now, true)
        } else if is_probed {
            known.unconfirmed(endpoint, now)
        } else {
            return None;
        };
        self.settled.notify_waiters();
        Some(held)
    }

    /// Begins a probe of `token`, which `refusing` has refused, and tells which path to ask.
    pub(crate) fn probe(&self, token: &AccessToken, refusing: &Endpoint) -> Endpoint {
        let mut tokens = self.tokens();
        let known = TokenState::of(&mut tokens, self.key(token));
        (known.probed_at, known.is_being_probed, known.refusals) = (Some(Instant::now()), true, 0);
        let accepting = known.accepted_by.clone();
        accepting
            .into_iter()
            .chain([Endpoint::UserPrivileges])
            .find(|path| path != refusing)
            .unwrap_or(Endpoint::AccountSummary)
    }

    /// Notes that the probe was refused as well.
    pub(crate) fn confirmed(&self, token: &AccessToken) -> Held {
        let mut tokens = self.tokens();
        let held = TokenState::of(&mut tokens, self.key(token)).refused_by_upstream(Instant::now());
        self.settled.notify_waiters();
        held
    }

    /// Notes that there was no probe, or none with an outcome. Where two paths in a row refuse the token it is refused as a
    /// whole.
    pub(crate) fn unconfirmed(&self, token: &AccessToken, endpoint: &Endpoint) -> Held {
        let mut tokens = self.tokens();
        let held = TokenState::of(&mut tokens, self.key(token)).unconfirmed(endpoint, Instant::now());
        self.settled.notify_waiters();
        held
    }

    /// Notes that `renewed` was obtained in the place of `refused`.
    pub(crate) fn renewed(&self, refused: &AccessToken, renewed: &AccessToken) {
        let mut tokens = self.tokens();
        let key = self.key(renewed);
        if tokens.get(&key).is_some_and(TokenState::has_outcome) {
            return;
        }
        let Some(before) = tokens.get(&self.key(refused)) else {
            return;
        };
        // Paths that refused a good token are not helped by this one either.
        let own = before.refused_by.iter().filter(|(_, refused)| refused.is_own);
        let refused_by = own.map(|(path, refused)| (path.clone(), refused.clone()));
        let refused_by = refused_by.collect();
        let accepted_by = before.accepted_by.clone();
        let (pause, probed_at) = (before.refused, before.probed_at);
        let known = TokenState::of(&mut tokens, key);
        (known.refused_by, known.accepted_by) = (refused_by, accepted_by);
        known.is_renewed = true;
        match pause {
            Some(pause) => known.earlier_pause = pause.length,
            // The probe had no outcome, and one of this token would probably have none either.
            None => known.probed_at = probed_at,
        }
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<u64, TokenState>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A hash of the token, of use in this process alone.
    pub(crate) fn key(&self, token: &AccessToken) -> u64 {
        self.hasher.hash_one(token)
    }
}

impl Admission<'_> {
    /// The upstream answered 401, which [`Refusals::refused`] or [`Refusals::confirmed`] counts.
    pub(crate) fn refused(mut self) {
        self.probes = Probes::default();
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let Probes { token, path } = self.probes;
        if token.is_none() && path.is_none() {
            return;
        }
        let mut tokens = self.refusals.tokens();
        let Some(known) = tokens.get_mut(&self.key) else {
            return;
        };
        if let (Some(until), Some(pause)) = (token, &mut known.refused) {
            pause.give_up_probe(until);
        }
        if let (Some(until), Some(refused)) = (path, known.refused_by.get_mut(self.endpoint)) {
            refused.pause.give_up_probe(until);
        }
    }
}

/// Whether a path is made for finding out about a token.
fn is_cheap(endpoint: &Endpoint) -> bool {
    matches!(endpoint, Endpoint::UserPrivileges | Endpoint::AccountSummary)
}

#[cfg(test)]
mod tests;
