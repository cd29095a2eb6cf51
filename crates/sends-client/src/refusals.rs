//! Access tokens and paths that the upstream has rejected with 401, so that further calls are not sent.
//!
//! A single path may reject a token that is valid elsewhere (observed for `/contact_lists`). A 401 therefore counts against the
//! token only after a probe of another path has confirmed it. If the other path accepts the token, only the path that responded
//! with 401 is suspended. One probe per minute serves all paths of a token. A rejected token or path is tried again with a
//! single call after a pause, which doubles with each further rejection.
//!
//! Tokens are identified by a hash. The pipeline renews tokens and sends the probes.

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

/// Time for which the outcome of a probe is valid for other paths that reject the token.
const PROBE_VALIDITY: Duration = Duration::from_mins(1);

/// Maximum time that other calls with the token wait for the outcome of a probe, which needs a slot and a response.
const MAX_PROBE_WAIT: Duration = Duration::from_secs(3);

/// Number of consecutive rejections after which the token is probed again within [`PROBE_VALIDITY`], because it may have been
/// revoked in the meantime.
const REFUSALS_PER_PROBE: u32 = 20;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    hasher: RandomState,
    tokens: Mutex<HashMap<u64, TokenState>>,
    /// Notification that the state of a token has changed.
    settled: Notify,
}

/// Permission for one request. If an admission is dropped without [`refused`](Self::refused), the next request becomes the probe.
#[derive(Debug)]
#[must_use = "dropping an admission cancels its probe"]
pub(crate) struct Admission<'a> {
    refusals: &'a Refusals,
    key: u64,
    endpoint: &'a Endpoint,
    probes: Probes,
}

/// End times of the pauses that the request probes. The end time distinguishes a pause from the pauses of other probes.
#[derive(Clone, Copy, Debug, Default)]
struct Probes {
    token: Option<Instant>,
    path: Option<Instant>,
}

/// Error of a call whose token is known to be rejected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TokenRejection {
    /// Time until the next attempt.
    pub(crate) wait: Duration,
    pub(crate) by: RefusedBy,
    /// Whether a renewed token may be accepted.
    pub(crate) may_renew: bool,
}

/// Scope of a rejection, if known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RefusedBy {
    /// Only this path rejects the token; other paths accept it.
    PathAlone,
    /// This path rejects the token, and the scope of the rejection is unknown.
    Path,
    /// All paths reject the token.
    Upstream,
}

impl Refusals {
    pub(crate) fn check(&self, token: &AccessToken, endpoint: &Endpoint) -> Result<(), TokenRejection> {
        let check = |state: &TokenState| state.check(endpoint, Instant::now());
        self.read(token, check).unwrap_or(Ok(()))
    }

    /// Admits a request that is sent immediately. The request becomes the probe of each expired pause, and other requests wait
    /// for its outcome.
    pub(crate) fn admit<'a>(
        &'a self,
        token: &AccessToken,
        endpoint: &'a Endpoint,
    ) -> Result<Admission<'a>, TokenRejection> {
        let key = self.key(token);
        let mut probes = Probes::default();
        if let Some(state) = self.tokens().get_mut(&key) {
            let now = Instant::now();
            state.check(endpoint, now)?;
            let path = state.refused_by.get_mut(endpoint);
            probes = Probes {
                token: state.refused.as_mut().map(|pause| pause.probe(now)),
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

    /// Returns whether any path has accepted `token` since its last rejection.
    pub(crate) fn is_accepted(&self, token: &AccessToken) -> bool {
        let accepted_at = self.read(token, |state| state.accepted_at);
        accepted_at.flatten().is_some()
    }

    /// Returns a future that completes when the state of any token changes after this call.
    pub(crate) fn settled(&self) -> Notified<'_> {
        self.settled.notified()
    }

    /// Records that `endpoint` accepted `token` in a request sent at `departed`.
    pub(crate) fn accepted(&self, token: &AccessToken, endpoint: &Endpoint, departed: Instant) {
        self.update(token, |state| {
            if state.refused_at.is_some_and(|refused_at| departed < refused_at) {
                return;
            }
            state.is_being_probed &= state.probed_at.is_some_and(|probed_at| departed < probed_at);
            state.accepted_at = state.accepted_at.max(Some(departed));
            if !state.accepted_by.as_ref().is_some_and(is_cheap) {
                state.accepted_by = Some(endpoint.clone());
            }
            state.refused = None;
            (state.is_renewed, state.earlier_pause, state.refusals) = (false, Duration::ZERO, 0);
            state.refused_by.remove(endpoint);
            for refused in state.refused_by.values_mut() {
                refused.is_own |= refused.at < departed;
            }
        });
    }

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

    /// Returns the deadline of the wait for a probe of `token`, or `None` if no probe is in flight.
    pub(crate) fn being_probed_until(&self, token: &AccessToken) -> Option<Instant> {
        let probed_at = self.read(token, |state| state.probed_at.filter(|_| state.is_being_probed));
        let until = probed_at?? + MAX_PROBE_WAIT;
        (until > Instant::now()).then_some(until)
    }

    /// Returns the lock of the call that determines the scope of a 401, so that rejections of concurrent requests share one
    /// probe.
    pub(crate) fn confirmation(&self, token: &AccessToken) -> Arc<tokio::sync::Mutex<()>> {
        let mut tokens = self.tokens();
        Arc::clone(&TokenState::of(&mut tokens, self.key(token)).confirmation)
    }

    /// Records a 401 of `endpoint` to a request sent at `departed`, if its scope is known. Returns `None` if a probe is needed.
    pub(crate) fn refused(
        &self,
        token: &AccessToken,
        endpoint: &Endpoint,
        departed: Instant,
    ) -> Option<TokenRejection> {
        self.update(token, |state| {
            let now = Instant::now();
            let path = state.refused_by.get(endpoint);
            if path.is_some_and(|refused| refused.is_own) {
                // The rejection is no evidence about the token, so another request may be its probe.
                if let Some(refused) = state.refused.as_mut().filter(|pause| pause.is_probed) {
                    (refused.until, refused.is_probed) = (now, false);
                }
                return Some(state.refused_by_path(endpoint, now, true));
            }
            if state.refused.is_some() {
                return Some(state.refused_by_upstream(now));
            }
            if state.accepted_at.is_none_or(|at| at <= departed) {
                state.probed_at.filter(|at| now < *at + PROBE_VALIDITY)?;
                if state.accepted_at < state.probed_at {
                    return Some(state.unconfirmed(endpoint, now));
                }
                state.refusals += 1;
                if state.refusals >= REFUSALS_PER_PROBE {
                    return None;
                }
            }
            Some(state.refused_by_path(endpoint, now, true))
        })
    }

    /// Starts a probe of `token`, which `refusing` has rejected. Returns the path to request.
    pub(crate) fn probe(&self, token: &AccessToken, refusing: &Endpoint) -> Endpoint {
        let accepting = self.update(token, |state| {
            (state.probed_at, state.is_being_probed, state.refusals) = (Some(Instant::now()), true, 0);
            state.accepted_by.clone()
        });
        let mut paths = accepting.into_iter().chain([Endpoint::UserPrivileges]);
        let other = paths.find(|path| path != refusing);
        other.unwrap_or(Endpoint::AccountSummary)
    }

    /// Records that the probe was rejected as well.
    pub(crate) fn confirmed(&self, token: &AccessToken) -> TokenRejection {
        self.update(token, |state| state.refused_by_upstream(Instant::now()))
    }

    /// Records that no probe was sent, or that the probe had no outcome. Consecutive rejections by two paths count against the
    /// token.
    pub(crate) fn unconfirmed(&self, token: &AccessToken, endpoint: &Endpoint) -> TokenRejection {
        self.update(token, |state| state.unconfirmed(endpoint, Instant::now()))
    }

    /// Records that `renewed` replaces `refused`.
    pub(crate) fn renewed(&self, refused: &AccessToken, renewed: &AccessToken) {
        let mut tokens = self.tokens();
        let key = self.key(renewed);
        if tokens.get(&key).is_some_and(TokenState::has_outcome) {
            return;
        }
        let Some(before) = tokens.get(&self.key(refused)) else {
            return;
        };
        // Paths that rejected a valid token will also reject its replacement.
        let own = before.refused_by.iter().filter(|(_, refused)| refused.is_own);
        let refused_by = own.map(|(path, refused)| (path.clone(), refused.clone()));
        let refused_by = refused_by.collect();
        let accepted_by = before.accepted_by.clone();
        let (pause, probed_at) = (before.refused, before.probed_at);
        let state = TokenState::of(&mut tokens, key);
        (state.refused_by, state.accepted_by) = (refused_by, accepted_by);
        state.is_renewed = true;
        match pause {
            Some(pause) => state.earlier_pause = pause.length,
            // The probe had no outcome, and a probe with the new token would probably have none either.
            None => state.probed_at = probed_at,
        }
    }

    fn read<T>(&self, token: &AccessToken, read: impl FnOnce(&TokenState) -> T) -> Option<T> {
        self.tokens().get(&self.key(token)).map(read)
    }

    fn update<T>(&self, token: &AccessToken, update: impl FnOnce(&mut TokenState) -> T) -> T {
        let outcome = update(TokenState::of(&mut self.tokens(), self.key(token)));
        self.settled.notify_waiters();
        outcome
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<u64, TokenState>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a hash of the token that is keyed for this process.
    pub(crate) fn key(&self, token: &AccessToken) -> u64 {
        self.hasher.hash_one(token)
    }
}

impl Admission<'_> {
    /// Marks the request as rejected with 401, which [`Refusals::refused`] or [`Refusals::confirmed`] records.
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
        let Some(state) = tokens.get_mut(&self.key) else {
            return;
        };
        if let (Some(until), Some(pause)) = (token, &mut state.refused) {
            pause.release_probe(until);
        }
        if let (Some(until), Some(refused)) = (path, state.refused_by.get_mut(self.endpoint)) {
            refused.pause.release_probe(until);
        }
    }
}

/// Returns whether a path is preferred for probes.
fn is_cheap(endpoint: &Endpoint) -> bool {
    matches!(endpoint, Endpoint::UserPrivileges | Endpoint::AccountSummary)
}

#[cfg(test)]
mod tests;
